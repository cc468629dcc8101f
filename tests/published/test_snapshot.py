"""The file that readers open: schemas, comments, keys, types, and what it keeps to itself."""

import fcntl
import os
from datetime import datetime

import duckdb
import pytest

from orchestration import published, snapshots
from orchestration.refresh import refresh
from orchestration.settings import load_settings
from tests.conftest import TABLES

WITHOUT_KEY = {"lesson_progress", "lesson_completions"}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """What a refresh has left that adds to the tables of one before."""
    settings = load_settings(home=tmp_path_factory.mktemp("home"), _env_file=None)
    refresh(settings, as_of=datetime(2025, 7, 1))
    assert not refresh(settings, as_of=datetime(2025, 7, 1)).refresh.full
    return settings


def test_readers_see_two_schemas_and_their_tables(snapshot):
    _, rows = published.run_query(
        "select table_schema as room, table_name as name from information_schema.tables", snapshot
    )
    rooms = {room: {row["name"] for row in rows if row["room"] == room} for room in snapshots.ROOMS}
    assert rooms["progress"] == {"lesson_progress", "lesson_completions", "course_progress"}
    assert rooms["marts"] == (TABLES.keys() | {"refreshes"}) - rooms["progress"]
    assert len(rows) == len(TABLES) + 1


def test_every_table_and_column_has_a_comment(snapshot):
    _, rows = published.run_query(
        "select table_name, null as column_name, comment from duckdb_tables()"
        " union all select table_name, column_name, comment from duckdb_columns()"
        " where schema_name in ('progress', 'marts')",
        snapshot,
    )
    assert [row for row in rows if not row["comment"]] == []


def test_every_table_has_a_primary_key_but_the_two_large_ones(snapshot):
    _, rows = published.run_query(
        "select table_name from duckdb_constraints() where constraint_type = 'PRIMARY KEY'",
        snapshot,
    )
    assert {row["table_name"] for row in rows} == (TABLES.keys() | {"refreshes"}) - WITHOUT_KEY


def test_booleans_and_counts_are_never_null(snapshot):
    _, rows = published.run_query(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where schema_name in ('progress', 'marts') and is_nullable"
        " and data_type in ('BOOLEAN', 'BIGINT')",
        snapshot,
    )
    assert rows == []


def test_types_follow_the_names(snapshot):
    _, rows = published.run_query(
        "select column_name as name, data_type as type from duckdb_columns()"
        " where schema_name in ('progress', 'marts')",
        snapshot,
    )
    endings = {"_at": "TIMESTAMP", "_date": "DATE", "_month": "DATE", "_days": "DOUBLE"}
    endings |= {"_rate": "DOUBLE", "_percentage": "DOUBLE", "_learners": "BIGINT"}
    for row in rows:
        for ending, type_ in endings.items():
            if row["name"].endswith(ending):
                assert row["type"] == type_, row["name"]


def test_a_reader_can_neither_write_nor_reach_other_files(snapshot, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with published.connect(snapshot) as reader:
        for statement in (
            f"select * from read_csv('{secret}')",
            f"copy marts.refreshes to '{tmp_path / 'out.csv'}'",
            "delete from marts.refreshes",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                reader.execute(statement)


def test_a_reader_and_a_plain_connection_of_one_process_get_along(snapshot):
    query = "select refresh_id from marts.refreshes"
    plain = duckdb.connect(str(snapshot.snapshot_file), read_only=True)
    with plain, published.connect(snapshot) as reader:
        assert plain.execute(query).fetchall() == reader.execute(query).fetchall()


def test_a_table_is_read_by_its_name_with_or_without_its_schema(snapshot):
    assert len(published.read_table("marts.refreshes", snapshot)) == 2
    assert len(published.read_table("refreshes", snapshot)) == 2
    with pytest.raises(published.UnknownTable, match="course_completion"):
        published.read_table("courses", snapshot)


def test_before_the_first_refresh_readers_are_told_what_to_do(tmp_path):
    with pytest.raises(published.NothingPublished, match="learner-progress refresh"):
        published.connect(load_settings(home=tmp_path, _env_file=None))


def test_parquet_holds_the_same_tables_where_switched_on(tmp_path):
    settings = load_settings(home=tmp_path, publish_parquet=True, _env_file=None)
    refresh(settings, as_of=datetime(2025, 7, 1))
    files = {path.stem for path in (settings.published / "parquet").glob("*/*.parquet")}
    assert files == TABLES.keys() | {"refreshes"}


def test_a_memory_limit_beyond_what_the_machine_has_is_no_fault(tmp_path):
    settings = load_settings(home=tmp_path, memory_limit="4000GB", _env_file=None)
    assert refresh(settings, as_of=datetime(2025, 7, 1)).snapshot.exists()


@pytest.mark.parametrize("wanted", [None, "v1.2.0"])
def test_the_snapshot_is_in_the_newest_format_or_in_one_for_older_readers(tmp_path, wanted):
    chosen = {"snapshot_format": wanted} if wanted else {}
    settings = load_settings(home=tmp_path, _env_file=None, **chosen)
    file = snapshots.prepare_candidate(settings, fresh=True)
    with duckdb.connect(str(file), read_only=True) as connection:
        query = "select tags['storage_version'] from duckdb_databases() where path is not null"
        assert connection.execute(query).fetchall() == [(f"{wanted or 'v2.0.0'}+",)]


def test_a_copy_shares_the_blocks_of_the_file_where_the_file_system_can(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")

    def share(written, request, read):
        assert request == 0x40049409
        os.write(written, os.pread(read, 100, 0) + b" shared")

    monkeypatch.setattr(fcntl, "ioctl", share)
    snapshots.copy(source, target)
    assert target.read_bytes() == b"content shared"


def test_a_copy_holds_every_byte_where_the_file_system_shares_none(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")
    target.write_bytes(b"what was there before, and longer")

    def refuse(*_):
        raise OSError

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    snapshots.copy(source, target)
    assert target.read_bytes() == b"content"
