"""The format of a home folder: what made its tables, and the way from there to today's."""

import duckdb

FORMAT = 2
"""Rises by one with every change of a raw table, with a step in `_STEPS`."""

_UPSERTED = ("courses", "lessons", "enrollments", "deadlines")

# What leads from a format to the next one; each step may meet its own work half-done.
_STEPS = {
    1: [
        *(
            f"alter table if exists raw.{table} add column if not exists delivered_batch_id BIGINT"
            for table in _UPSERTED
        ),
        "alter table if exists raw.events add column if not exists event_key UBIGINT",
        "update raw.events set event_key = hash(event_id) where event_key is null",
        "alter table raw.events alter event_key set not null",
    ],
}

# Beside the raw room, since a rewriting of that room makes its tables anew.
_TABLE = "create table if not exists main.home_format (version BIGINT NOT NULL)"

_HAS_TABLES = """
select bool_or(schema_name = 'main' and table_name = 'home_format'), bool_or(schema_name = 'raw')
from duckdb_tables()
where database_name = current_database()
"""


class NewerHome(Exception):
    """A newer version of the code made this home; the message says what to do. Nothing changed."""


def bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    """Lead the tables of an older home to today's format; a new home gets its number.

    Raises:
        NewerHome: nothing was changed.
    """
    found = format_of(connection)
    if found == FORMAT:
        return
    if found is not None and found > FORMAT:
        raise NewerHome(
            f"This home was made by a newer version of learner-progress (format {found}; this one"
            f" knows {FORMAT}): install that version again, or restore a backup made before it."
        )
    for step in range(found or FORMAT, FORMAT):
        for statement in _STEPS[step]:
            connection.execute(statement)
    connection.execute(_TABLE)
    connection.execute("delete from main.home_format")
    connection.execute("insert into main.home_format values (?)", [FORMAT])


def format_of(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The format of an open warehouse; None where it has no tables yet.

    Homes that were made before there were numbers are of format 1.
    """
    is_numbered, has_raw = connection.execute(_HAS_TABLES).fetchall()[0]
    if is_numbered:
        row = connection.execute("select max(version) from main.home_format").fetchone()
        return row[0] if row and row[0] is not None else 1
    return 1 if has_raw else None
