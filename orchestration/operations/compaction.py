"""Compacting the warehouse: freed blocks stay in a database's file until it is written anew."""

import shutil

import duckdb

from orchestration.operations.rewriting import rewritten
from orchestration.settings import Settings
from orchestration.warehouse import MEMORY_LIMIT, open_warehouse

FREE_SHARE = 0.2
"""The share of free blocks beyond which the file is written anew."""

FREE_BYTES = 16 << 20
"""Less than this is not worth it."""

_USED = "select used_blocks * block_size from pragma_database_size()"

_TABLES = """
select database_name, schema_name, table_name
from duckdb_tables()
where database_name <> 'temp'
order by all
"""


class CopyDiffers(Exception):
    """The warehouse written anew isn't what it was written from; the old one stays."""


class NoRoom(Exception):
    """There is no room on the disk for a second copy of the warehouse; nothing was done."""


def compact(
    settings: Settings, *, free_share: float = FREE_SHARE, free_bytes: int = FREE_BYTES
) -> bool:
    """Checkpoint the warehouse, and write it anew where too much of its file is free.

    The caller holds the writer's lock. Everything is kept: tables, keys, comments, views, and the
    order of rows. Returns whether the file was written anew.

    Raises:
        CopyDiffers, NoRoom: the warehouse is as it was.
    """
    with open_warehouse(settings) as connection:
        connection.execute("checkpoint")
        used = connection.execute(_USED).fetchall()[0][0]
    # Not what the database counts as free, of which it may have cut off some at the file's end.
    free = settings.warehouse_file.stat().st_size - used
    if free < free_bytes or free <= free_share * (free + used):
        return False
    room = shutil.disk_usage(settings.home).free
    if room < used * 1.1:
        raise NoRoom(
            f"{settings.warehouse_file} was not compacted: that takes {used:,} bytes beside it, and"
            f" {room:,} are left on the disk."
        )
    with rewritten(settings, "compacting") as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        target = connection.execute("select current_database()").fetchall()[0][0]
        connection.execute(f'copy from database old to "{target}"')
        _verify(connection, target)
    return True


def _verify(connection: duckdb.DuckDBPyConnection, target: str) -> None:
    """Hold every table against the one it was copied from: rows, and a hash over all of them."""
    tables: dict[str, list[str]] = {"old": [], target: []}
    for database, schema, table in connection.execute(_TABLES).fetchall():
        tables[database].append(f'"{schema}"."{table}"')
    if tables["old"] != tables[target]:
        raise CopyDiffers("The compacted warehouse lacks a table; the warehouse stays as it was.")
    for table in tables["old"]:
        old, new = (
            connection.execute(
                f'select count(*), sum(hash(copied)) from "{database}".{table} as copied'
            ).fetchall()
            for database in ("old", target)
        )
        if old != new:
            raise CopyDiffers(
                f"{table} of the compacted warehouse differs; the warehouse stays as it was."
            )
