"""A snapshot of Parquet as readers have it: its file holds views, its rows lie beside it in parts.

The parts of `learner_progress__<refresh>.duckdb` lie in `learner_progress__<refresh>.parquet/`, as
`<schema>/<table>.parquet/**/*.parquet`. A snapshot without such a folder holds its rows itself.
"""

import fcntl
import os
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

_VIEWS = """
select sql
from duckdb_views()
where database_name = current_database() and not internal
order by view_name
limit 1
"""

_PROBE = "select null from progress.course_progress limit 0"
"""Fails where the table is a view of parts that are out of reach.

To list the views takes longer than most of readers' queries.
"""


class PartsGone(Exception):
    """The folder in which a snapshot's rows lie is not there; the message says what to do."""


class SnapshotMoved(Exception):
    """A snapshot looks for its parts where they lay once; the message says what to do."""


def folder_of(snapshot: Path) -> Path:
    """The folder of a snapshot's parts, whether there is one or not."""
    return snapshot.parent.resolve() / f"{snapshot.stem}.parquet"


def files_in(folder: Path) -> list[Path]:
    """The parts in a folder and below it, in order."""
    return sorted(path for path in folder.rglob("*.parquet") if path.is_file())


def hold(connection: duckdb.DuckDBPyConnection, snapshot: Path) -> None:
    """Keep a snapshot's parts from being dropped for as long as the connection is in use.

    A file that is open outlives its removal; parts are opened by each query anew.
    """
    with suppress(OSError):
        descriptor = os.open(folder_of(snapshot), os.O_RDONLY | os.O_DIRECTORY)
        weakref.finalize(connection, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)


@contextmanager
def unread(snapshot: Path) -> Iterator[bool]:
    """Whether no reader holds a snapshot's parts; none begins to, for the length of the block."""
    try:
        descriptor = os.open(folder_of(snapshot), os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def admit(connection: duckdb.DuckDBPyConnection, snapshot: Path) -> None:
    """Let a connection, whose database in use is the snapshot, read its parts and no other file.

    To be called before access to files is switched off.

    Raises:
        PartsGone: there are none, though the snapshot has no rows without them.
        SnapshotMoved: they lie elsewhere than when the snapshot was published.
    """
    folder = folder_of(snapshot)
    if not folder.exists():
        _check_whole(connection, snapshot)
        return
    views = connection.execute(_VIEWS).fetchone()
    if views is None:
        return
    if literal(f"{folder}/")[:-1] not in views[0]:
        raise SnapshotMoved(
            f"{snapshot} was moved since it was published: run `learner-progress maintain`, which"
            " writes down where its rows lie now."
        )
    connection.execute(f"set allowed_paths = {listed(files_in(folder))}")


def _check_whole(connection: duckdb.DuckDBPyConnection, snapshot: Path) -> None:
    """See that a snapshot without parts holds its rows itself; no other file can be read then."""
    connection.execute("set enable_external_access = false")
    try:
        connection.execute(_PROBE)
    except (duckdb.IOException, duckdb.PermissionException) as error:
        raise PartsGone(
            f"{folder_of(snapshot)} isn't there, and in it lay the rows of {snapshot.name}: bring"
            " it back, or run `learner-progress refresh`."
        ) from error
    except duckdb.CatalogException:
        return


def listed(files: Iterable[Path]) -> str:
    """Paths as a list in a statement."""
    return f"[{', '.join(literal(str(file)) for file in files)}]"


def literal(text: str | None) -> str:
    """A text as it stands in a statement."""
    return "null" if text is None else "'" + text.replace("'", "''") + "'"
