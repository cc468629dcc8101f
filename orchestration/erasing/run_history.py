"""Forgetting a learner in the run history, logs and caches under the home folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb

from orchestration.landing.traces import Trace
from orchestration.settings import Settings

_TEXT_COLUMNS = """
select format('"{}"."{}"', schema_name, table_name), format('"{}"', column_name)
from duckdb_columns()
where data_type = 'VARCHAR' and not internal and (column_name = 'learner_id' or not $is_number)
"""


def forget_elsewhere(settings: Settings, trace: Trace) -> int:
    """Remove files in which an id stands, and rows of databases; returns how many were touched.

    An id of digits alone is looked for in databases of the warehouse's form only: elsewhere any
    number could be it.
    """
    return sum(_forget_file(path, trace) for path in _others(settings))


def _others(settings: Settings) -> Iterator[Path]:
    """The files under the home folder that no step of an erasure writes anew."""
    published = [settings.published / name for name in ("as_of", "parquet")]
    rooms = [settings.landing, settings.archive, settings.set_aside, *published]
    names = ["warehouse.duckdb", "warehouse.duckdb.wal", "writer.lock", "writer.json"]
    own = {settings.home / name for name in [*names, "erasure.key", "erasing.json"]}
    for path in sorted(settings.home.rglob("*")):
        in_room = any(room in path.parents for room in rooms)
        if path.is_file() and not in_room and path not in own and not _is_snapshot(path, settings):
            yield path


def _is_snapshot(path: Path, settings: Settings) -> bool:
    """Whether a file is a snapshot, or a part of one that is made or goes; the report is one too.

    They are made anew, and go, as a whole.
    """
    if settings.published not in path.parents:
        return False
    name = path.relative_to(settings.published).parts[0]
    return name.startswith(("learner_progress", ".")) or path == settings.report_file


def _forget_file(path: Path, trace: Trace) -> bool:
    """Forget a learner in a log, a cache or a run history; returns whether the id stood there."""
    if not path.exists():
        return False
    is_told = not trace.is_number and trace.stands_in_file(path)
    if not is_told and not _stands_in_tables(path, trace):
        return False
    database = path.with_name(path.name.removesuffix("-wal").removesuffix("-shm"))
    if not _is_sqlite(database):
        path.unlink()
        return True
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in tables.fetchall():
            for rowid, *values in connection.execute(f'select rowid, * from "{table}"').fetchall():
                if any(trace.count(str(value).encode("utf-8", "replace")) for value in values):
                    connection.execute(f'delete from "{table}" where rowid = ?', [rowid])
        connection.commit()
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")
    return True


def _stands_in_tables(path: Path, trace: Trace) -> bool:
    """Whether an id is a value in a DuckDB file, which may keep it packed."""
    with path.open("rb") as file:
        if file.read(12)[8:] != b"DUCK":
            return False
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            is_number = {"is_number": trace.is_number}
            columns = connection.execute(_TEXT_COLUMNS, is_number).fetchall()
            return any(
                connection.execute(
                    f"select 1 from {table} where {column} = ?", [trace.learner_id]
                ).fetchall()
                for table, column in columns
            )
    except duckdb.Error:
        # Damaged, or of a format that nobody here reads: it goes.
        return True


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"
