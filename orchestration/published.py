"""The published room as readers have it: the snapshot, opened read-only."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration import parts
from orchestration.settings import Settings, load_settings
from orchestration.time_travel.as_of import AsOf, find_file

if TYPE_CHECKING:
    import pandas as pd

_TABLES = """
select table_schema, table_name
from information_schema.tables
where table_catalog = current_database()
order by table_schema, table_name
"""


_READING = {"SELECT", "EXPLAIN", "MULTI", "PRAGMA", "CALL", "SET"}
"""The kinds of statements that ask; a pivot is several."""


class NothingPublished(Exception):
    """There is no snapshot yet; the message says how to make one."""


class SnapshotDamaged(Exception):
    """A snapshot is no database file any more; the message says how to make another."""


class UnknownTable(Exception):
    """The snapshot has no such table; the message lists those it has."""


class QueryFailed(Exception):
    """The snapshot can't answer a query; the message is the engine's own first line."""


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
        SnapshotDamaged: the file is no database any more.
        NoSnapshotAsOf: there is no snapshot as of that instant.
        PartsGone, SnapshotMoved: its rows lie in Parquet files, and those aren't in their place.
    """
    settings = settings or load_settings()
    link = settings.snapshot_file if as_of is None else find_file(settings, as_of)
    # The link is followed here: DuckDB gives a process that still has a file open the old one.
    while link.exists():
        snapshot = link.resolve()
        try:
            return attached(snapshot)
        except (duckdb.IOException, parts.PartsGone) as error:
            # Replaced, and dropped as too old, between the two steps: follow the link again.
            if snapshot.exists():
                _check_damage(snapshot, error, as_of)
                raise
    raise NothingPublished(
        f"Nothing is published in {settings.published} yet: run `learner-progress refresh` first."
    )


def attached(snapshot: Path) -> duckdb.DuckDBPyConnection:
    """Attach the file to a database in memory, so that no other connection's options matter."""
    connection = duckdb.connect()
    try:
        parts.hold(connection, snapshot)
        connection.execute(f"attach '{quoted(snapshot)}' as learner_progress (read_only)")
        connection.execute("use learner_progress")
        parts.admit(connection, snapshot)
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_damage(snapshot: Path, error: Exception, as_of: AsOf | None) -> None:
    if "not a valid DuckDB" in str(error):
        command = "refresh" if as_of is None else "snapshot --as-of …"
        raise SnapshotDamaged(
            f"{snapshot} can't be read ({str(error).splitlines()[0]}): remove that file, and run"
            f" `learner-progress {command}`, which makes a new one."
        ) from error


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
    """The tables of a snapshot that is in use on a connection: schema and name, in order.

    Where its rows lie in Parquet files, views stand for tables.
    """
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
            _check_reading(query)
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


def _check_reading(query: str) -> None:
    """See that a query asks: files that a snapshot is made of can be read, and not only read."""
    for statement in duckdb.extract_statements(query):
        is_copying = statement.type.name != "SELECT" and re.search(r"(?i)\bcopy\b", query)
        if statement.type.name not in _READING or is_copying:
            raise QueryFailed("Only queries are answered, such as SELECT … and DESCRIBE ….")


def latest_refresh(settings: Settings) -> dict[str, object] | None:
    """The row of `marts.refreshes` that describes the snapshot, or None before the first."""
    try:
        with connect(settings) as connection:
            rows = connection.execute("select * from marts.refreshes order by refresh_id desc")
            columns = [column[0] for column in rows.description or ()]
            row = rows.fetchone()
    except (NothingPublished, parts.PartsGone):
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


def quoted(path: Path) -> str:
    """A path as it stands between the quotes of a statement."""
    return str(path).replace("'", "''")
