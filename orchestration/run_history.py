"""Forgetting a learner in the run history, logs and caches under the home folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from orchestration.landing.traces import Trace
from orchestration.settings import Settings


def forget_elsewhere(settings: Settings, trace: Trace) -> int:
    """Remove files in which an id stands, and rows of databases; returns how many were touched.

    An id of digits alone is not looked for: any number could be it.
    """
    if trace.is_number:
        return 0
    return sum(_forget_file(path, trace) for path in _others(settings))


def _others(settings: Settings) -> Iterator[Path]:
    """The files under the home folder that no step of an erasure writes anew."""
    rooms = (settings.landing, settings.archive, settings.set_aside, settings.published)
    own = ("warehouse.duckdb", "warehouse.duckdb.wal", "writer.lock", "writer.json", "erasure.key")
    for path in sorted(settings.home.rglob("*")):
        in_room = any(room in path.parents for room in rooms)
        if path.is_file() and not in_room and path not in {settings.home / name for name in own}:
            yield path


def _forget_file(path: Path, trace: Trace) -> bool:
    """Forget a learner in a log, a cache or a run history; returns whether the id stood there."""
    if not path.exists() or not trace.stands_in_file(path):
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


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"
