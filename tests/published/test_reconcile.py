"""Reconciliation finds what a rebuild from raw would not give, and nothing else."""

import duckdb
import pytest

from orchestration import landed, published
from orchestration.landed import land
from orchestration.published import NothingPublished
from orchestration.refresh import refresh
from orchestration.settings import load_settings
from orchestration.time_travel.comparison import Pair, compared
from orchestration.time_travel.reconciliation import NotComparable, reconcile
from tests.conftest import TABLES, at

AS_OF = at("2025-07-01")
LESSONS = [
    {"course_id": "knots", "lesson_id": name, "position": place, "title": name.title()}
    for place, name in enumerate(["bowline", "bend"], 1)
]


def event(number, learner="ada", day=3, lesson="bowline"):
    return {
        "event_id": f"e{number}",
        "event_type": "lesson_completed",
        "learner_id": learner,
        "course_id": "knots",
        "lesson_id": lesson,
        "occurred_at": f"2025-02-{day:02}T12:00:00Z",
    }


@pytest.fixture
def knots(settings, deliver):
    """Two learners; an event without a time of day was rejected."""
    deliver("courses", "c.jsonl", [{"course_id": "knots", "title": "Knots"}])
    deliver("lessons", "l.jsonl", LESSONS)
    enrolled = {"course_id": "knots", "enrolled_at": "2025-01-01"}
    learners = [{"learner_id": name, **enrolled} for name in ("ada", "bea")]
    deliver("enrollments", "n.jsonl", learners)
    later = event(9) | {"occurred_at": "2025-02-03", "learner_id": "bea"}
    deliver("events", "e.jsonl", [event(1), event(2, day=5), event(3, "bea"), later])
    refresh(settings, as_of=AS_OF)
    return settings


def test_a_refresh_is_what_a_rebuild_gives_whatever_landed_since(knots, deliver):
    newest, files = published.latest_refresh(knots), sorted(knots.published.iterdir())
    deliver("events", "since.jsonl", [event(4, day=1), event(5, "cleo")])
    deliver("lessons", "since.jsonl", [LESSONS[0] | {"removed_at": "2025-01-01"}])
    land(knots)
    landed.replay(knots)
    with duckdb.connect(str(knots.warehouse_file)) as connection:
        # The rejected line is settled by a replay after the refresh.
        connection.execute(
            "insert into raw.replayed_lines select 8, batch_id, source, file, line, reason,"
            " recorded_at from raw.rejected_lines; delete from raw.rejected_lines;"
        )
    result = reconcile(knots)
    assert result.is_equal
    assert result.refresh_id == newest["refresh_id"]
    assert {name.partition(".")[2] for name in result.rows} == TABLES.keys() | {"refreshes"}
    assert result.rows["progress.lesson_completions"] == 2
    assert published.latest_refresh(knots) == newest
    assert sorted(knots.published.iterdir()) == files
    assert not (knots.home / ".beside").exists()


def test_rows_that_differ_are_named_with_table_key_and_both_sides(knots):
    with duckdb.connect(str(knots.snapshot_file.resolve())) as connection:
        connection.execute(
            "update progress.lesson_completions set later_reports = 7 where learner_id = 'ada';"
            "delete from progress.lesson_progress where learner_id = 'bea';"
            "insert into marts.time_to_complete (course_id, followed_learners,"
            " observed_completions) values ('ropes', 0, 0);"
        )
    result = reconcile(knots)
    found = {difference.table: difference for difference in result.differences}
    assert found.keys() == {
        "progress.lesson_completions",
        "progress.lesson_progress",
        "marts.time_to_complete",
    }
    moved = found["progress.lesson_completions"]
    assert moved.key == ["learner_id", "course_id", "lesson_id"]
    (pair,) = moved.rows
    assert (pair.published["later_reports"], pair.rebuilt["later_reports"]) == (7, 1)
    (lost,) = found["progress.lesson_progress"].rows
    assert lost.published is None
    assert lost.rebuilt["learner_id"] == "bea"
    (foreign,) = found["marts.time_to_complete"].rows
    assert foreign.rebuilt is None
    assert "ropes" in result.headline()
    assert "marts.time_to_complete, progress.lesson_completions" in result.remedy()


def test_what_would_differ_for_a_known_reason_is_refused(knots):
    stricter = load_settings(home=knots.home, grace_days=3, _env_file=None)
    with pytest.raises(NotComparable, match="A setting that touches figures changed since"):
        reconcile(stricter)
    snapshot = knots.snapshot_file.resolve()
    snapshot.write_bytes(snapshot.read_bytes()[:4096])
    with pytest.raises(NotComparable, match="remove that file, and run"):
        reconcile(knots)
    snapshot.unlink()
    assert refresh(knots, as_of=AS_OF, full_refresh=True).refresh.full


def test_before_the_first_refresh_there_is_nothing_to_compare(settings):
    with pytest.raises(NothingPublished):
        reconcile(settings)


@pytest.fixture
def sides():
    """Compares a table `t` of key `k`, given as rows of (k, v) on each side."""

    def compare(left, right, limit=5, key=("k",)):
        with duckdb.connect() as connection:
            for name, rows in (("published", left), ("rebuilt", right)):
                connection.execute(f"attach ':memory:' as {name}; create schema {name}.marts")
                connection.execute(f"create table {name}.marts.t (k VARCHAR, v DOUBLE)")
                if rows:
                    connection.executemany(f"insert into {name}.marts.t values (?, ?)", rows)
            return compared(connection, {"marts.t": key}, limit)[1]

    return compare


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([], []),
        ([("a", 1), ("b", None)], [("b", None), ("a", 1)]),
        ([("a", 1)] * 2, [("a", 1)] * 2),
    ],
)
def test_rows_in_any_order_are_the_same(sides, left, right):
    assert sides(left, right) == []


@pytest.mark.parametrize(
    ("left", "right", "only"),
    [
        ([("a", 1)], [("a", 2)], (1, 1)),
        ([("a", 1)], [("a", None)], (1, 1)),
        ([("a", 1)], [], (1, 0)),
        ([("a", 1)] * 2, [("a", 1)], (1, 0)),
        ([("a", 1), ("b", 2)], [("a", 2), ("b", 1)], (2, 2)),
        ([("a", 0.1 + 0.2)], [("a", 0.3)], (1, 1)),
    ],
)
def test_any_row_without_its_equal_is_counted(sides, left, right, only):
    (difference,) = sides(left, right)
    assert (difference.published_only, difference.rebuilt_only) == only


def test_the_first_rows_are_shown_in_the_order_of_their_keys(sides):
    many = [(f"{number:03}", number) for number in range(50)]
    (difference,) = sides(many, [(key, -value) for key, value in many], limit=2)
    assert (difference.published_only, difference.rebuilt_only) == (49, 49)
    first = {"k": "001", "v": 1.0}, {"k": "001", "v": -1.0}
    assert difference.rows[0] == Pair(*first)
    assert len(difference.rows) == 2
