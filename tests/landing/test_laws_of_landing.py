"""The ledger's laws: lines add up, batches follow each other, archived files are there."""

import duckdb
import pytest

from orchestration.accounting import findings

LEDGER = """
create schema raw;
create table raw.landed_files (
    batch_id bigint, source varchar, file varchar, lines bigint, accepted bigint,
    duplicates bigint, rejected bigint, ignored bigint
)
"""


@pytest.fixture
def ledger(settings):
    settings.archive.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(LEDGER)

        def enter(batch: int, lines: int = 10, rejected: int = 0, file: str = "a.jsonl") -> None:
            accepted = 10 - rejected
            row = [batch, "events", file, lines, accepted, 0, rejected, 0]
            connection.execute("insert into raw.landed_files values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            (settings.archive / f"{batch:09}__events__{file}.zst").touch()

        def broken(*batches: int) -> dict[str, str]:
            found = findings(connection, settings, batches)
            return {finding.name: finding.message for finding in found if not finding.is_kept}

        yield enter, broken


def test_a_ledger_in_order_breaks_no_law(ledger):
    enter, broken = ledger
    assert broken() == {}
    enter(1)
    enter(2)
    assert broken(1, 2) == {}


def test_lines_that_do_not_add_up_are_found(ledger):
    enter, broken = ledger
    enter(1, lines=11)
    assert "batches 1" in broken()["lines_add_up"]


def test_a_missing_batch_is_found(ledger):
    enter, broken = ledger
    enter(2)
    enter(3)
    enter(5)
    assert "before 2, 5" in broken()["batches_are_consecutive"]


def test_a_missing_archived_file_is_found_but_not_that_of_a_replay(ledger, settings):
    enter, broken = ledger
    enter(1)
    enter(2, file="replay")
    for path in settings.archive.iterdir():
        path.unlink()
    assert "batches 1." in broken()["archive_is_present"]


def test_the_worst_file_of_this_landing_is_held_to_the_limit(ledger):
    enter, broken = ledger
    enter(1, rejected=9)
    enter(2, rejected=1, file="b.jsonl")
    assert "b.jsonl" in broken(2)["rejected_lines_are_few"]
    assert "10.00%" in broken(2)["rejected_lines_are_few"]
    assert broken() == {}
