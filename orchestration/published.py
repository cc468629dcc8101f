"""The published room: the read-only snapshot that readers open, and its atomic replacement."""

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.as_of import AsOf, find_file
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import utc_now

if TYPE_CHECKING:
    import pandas as pd

ROOMS = ("progress", "marts")

_STAMP = "update marts.refreshes set published_at = ? where refresh_id = ?"
_STAMPED = "select published_at from marts.refreshes where refresh_id = ?"
_TABLES = """
select table_schema, table_name
from information_schema.tables
where table_type = 'BASE TABLE' and table_catalog = current_database()
order by table_schema, table_name
"""


class NothingPublished(Exception):
    """There is no snapshot yet; the message says how to make one."""


class UnknownTable(Exception):
    """The snapshot has no such table; the message lists those it has."""


class QueryFailed(Exception):
    """The snapshot can't answer a query; the message is the engine's own first line."""


class SnapshotRefused(Exception):
    """A candidate isn't what a refresh should have built; the last good snapshot stays."""


def connect(
    settings: Settings | None = None, *, as_of: AsOf | None = None
) -> duckdb.DuckDBPyConnection:
    """Open the published snapshot, read-only and without access to other files or the network.

    A connection sees one whole refresh, and goes on seeing it after a newer one is published;
    connect again for the newer one. Instants are UTC timestamps.

    Args:
        as_of: open the snapshot as of this instant or day instead, made by `snapshot` before.

    Raises:
        NothingPublished: no refresh has been published yet.
        NoSnapshotAsOf: there is no snapshot as of that instant.
    """
    settings = settings or load_settings()
    link = settings.snapshot_file if as_of is None else find_file(settings, as_of)
    # The link is followed here: DuckDB gives a process that still has a file open the old one.
    while link.exists():
        snapshot = link.resolve()
        try:
            return _attached(snapshot)
        except duckdb.IOException:
            # Replaced, and dropped as too old, between the two steps: follow the link again.
            if snapshot.exists():
                raise
    raise NothingPublished(
        f"Nothing is published in {settings.published} yet: run `learner-progress refresh` first."
    )


def _attached(snapshot: Path) -> duckdb.DuckDBPyConnection:
    """Attach the file to a database in memory, so that no other connection's options matter."""
    connection = duckdb.connect()
    try:
        connection.execute(f"attach '{quoted(snapshot)}' as learner_progress (read_only)")
        connection.execute("use learner_progress")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def read_table(
    name: str, settings: Settings | None = None, *, as_of: AsOf | None = None
) -> "pd.DataFrame":
    """Read a whole table of the snapshot as a DataFrame, one row as the table's page says.

    Args:
        name: with its schema (`marts.course_completion`) or without (`course_completion`).
        as_of: read the snapshot as of this instant or day instead.

    Raises:
        NothingPublished, NoSnapshotAsOf: there is no such snapshot.
        UnknownTable: the snapshot has no table of that name.
    """
    with connect(settings, as_of=as_of) as connection:
        names = [f"{schema}.{table}" for schema, table in tables(connection)]
        for table in names:
            if name in (table, table.partition(".")[2]):
                return connection.execute(f"select * from {table}").df()
    raise UnknownTable(f"There is no table {name!r}; the snapshot has {', '.join(names)}.")


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The tables of a snapshot that is in use on a connection: schema and name, in order."""
    return connection.execute(_TABLES).fetchall()


def run_query(
    query: str, settings: Settings | None = None, *, as_of: AsOf | None = None
) -> tuple[list[str], list[dict[str, object]]]:
    """Run one read-only query on the snapshot: its columns, and its rows as dictionaries.

    Raises:
        NothingPublished, NoSnapshotAsOf: there is no such snapshot.
        QueryFailed: the query is wrong, or asks for more than reading the snapshot.
    """
    with connect(settings, as_of=as_of) as connection:
        try:
            cursor = connection.execute(query)
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise QueryFailed(" ".join(str(error).split())) from error
    names = [
        name if columns.index(name) == place else f"{name}_{place + 1}"
        for place, name in enumerate(columns)
    ]
    return names, [dict(zip(names, row, strict=True)) for row in rows]


def latest_refresh(settings: Settings) -> dict[str, object] | None:
    """The row of `marts.refreshes` that describes the snapshot, or None before the first."""
    try:
        with connect(settings) as connection:
            rows = connection.execute("select * from marts.refreshes order by refresh_id desc")
            columns = [column[0] for column in rows.description or ()]
            row = rows.fetchone()
    except NothingPublished:
        return None
    return dict(zip(columns, row, strict=True)) if row else None


def row_counts(settings: Settings) -> dict[str, int]:
    """How many rows each table of the snapshot has, by its name with its schema.

    Raises:
        NothingPublished: no refresh has been published yet.
    """
    with connect(settings) as connection:
        tables = [f"{schema}.{table}" for schema, table in connection.execute(_TABLES).fetchall()]
        counts = [
            connection.execute(f"select count(*) from {table}").fetchone() for table in tables
        ]
    return {table: row[0] for table, row in zip(tables, counts, strict=True) if row}


def candidate_file(settings: Settings) -> Path:
    """Where a refresh builds what it will publish."""
    return settings.published / ".candidate.duckdb"


def prepare_candidate(settings: Settings, *, fresh: bool) -> Path:
    """Make the file in which a refresh builds: a byte copy of the last good snapshot.

    Args:
        fresh: start from an empty file instead, as a full refresh does.
    """
    settings.published.mkdir(parents=True, exist_ok=True)
    candidate = candidate_file(settings)
    drop_candidate(settings)
    if settings.snapshot_file.exists() and not fresh:
        shutil.copyfile(settings.snapshot_file, candidate)
    else:
        create_empty(candidate)
    return candidate


def create_empty(file: Path) -> None:
    """Make an empty database file in the oldest format that has all we need, for older readers."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{quoted(file)}' (storage_version 'v1.2.0')")


def drop_candidate(settings: Settings) -> None:
    """Remove what an earlier refresh, failed or killed, left half-built."""
    for leftover in settings.published.glob(".candidate*"):
        remove(leftover)


def remove(path: Path) -> None:
    """Remove a file, or the folder into which the database has spilled."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def publish(settings: Settings, candidate: Path, refresh_id: str) -> datetime:
    """Stamp the candidate, verify it, and put it in the readers' place in one atomic step.

    After a fault it can be called again, and goes on where it stopped.

    Returns:
        When it was published, UTC.

    Raises:
        SnapshotRefused: the candidate lacks a table or isn't of this refresh; nothing changed
            for readers.
    """
    published_at = swap(settings.snapshot_file, candidate, refresh_id)
    drop_old_snapshots(settings)
    return published_at


def swap(snapshot_file: Path, candidate: Path, refresh_id: str) -> datetime:
    """Stamp and verify a candidate, and let the link `snapshot_file` lead to it in one step.

    What the link led to before stays beside it. Returns when it was published, UTC.

    Raises:
        SnapshotRefused: as `publish` has it; the link is as it was.
    """
    snapshot = snapshot_file.with_name(f"{snapshot_file.stem}__{refresh_id}.duckdb")
    if not snapshot.exists():
        with duckdb.connect(str(candidate)) as connection:
            _verify(connection, refresh_id)
            connection.execute(_STAMP, [utc_now(), refresh_id])
            connection.execute("checkpoint")
        flush(candidate)
        candidate.rename(snapshot)
    link = snapshot_file.with_name(f".{snapshot_file.stem}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(snapshot.name)
    link.replace(snapshot_file)
    flush(snapshot_file.parent)
    with _attached(snapshot) as connection:
        published_at: datetime = connection.execute(_STAMPED, [refresh_id]).fetchall()[0][0]
    return published_at


def _verify(connection: duckdb.DuckDBPyConnection, refresh_id: str) -> None:
    rooms = {schema for schema, _ in tables(connection)}
    newest = connection.execute("select max(refresh_id) from marts.refreshes").fetchone()
    if rooms != set(ROOMS) or newest != (refresh_id,):
        raise SnapshotRefused(
            f"The candidate of refresh {refresh_id} is not published: it holds"
            f" {', '.join(sorted(rooms))} as of refresh {newest and newest[0]}."
        )


def drop_old_snapshots(settings: Settings) -> list[Path]:
    """Remove the snapshots beyond those to keep, and return them; the newest one stays."""
    snapshots = sorted(settings.published.glob("learner_progress__*.duckdb"))
    dropped = snapshots[: -settings.keep_snapshots]
    for old in dropped:
        old.unlink()
    return dropped


def flush(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def quoted(path: Path) -> str:
    """A path as it stands between the quotes of a statement."""
    return str(path).replace("'", "''")
