"""Builds beside the warehouse: every model from raw, in files of their own, for one purpose."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration import models, published, raw, snapshots
from orchestration.builds import Beside
from orchestration.models import Progress
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_RAW_TABLES = """
select table_name
from duckdb_tables()
where database_name = 'landed' and schema_name = 'raw'
order by table_name
"""


@contextmanager
def built_beside(
    settings: Settings,
    *,
    as_of: datetime,
    known_until: datetime | None = None,
    shown: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Iterator[Path]:
    """Build and test every model in full into side files, which are gone after the block.

    The warehouse is only read, so the next refresh knows nothing of this build. The caller holds
    the writer's lock.

    Args:
        as_of: the instant to speak about, UTC without a zone.
        known_until: of events and enrollments, keep only what had happened by then (UTC).
        shown: queries that stand for raw tables, by name; they name the landed ones `landed.raw.…`.

    Yields:
        the database file with the schemas that readers see.

    Raises:
        ModelsFailed: a model or test failed; nothing is left behind.
    """
    clear(settings)
    folder = _folder(settings)
    folder.mkdir(parents=True)
    # Named as the warehouse is, and so is the database that dbt knows it by.
    warehouse, snapshot = folder / settings.warehouse_file.name, folder / "snapshot.duckdb"
    try:
        _show_raw(settings, warehouse, shown or {})
        snapshots.create_empty(snapshot, settings)
        beside = Beside(warehouse, known_until)
        models.build(settings, as_of=as_of, candidate=snapshot, beside=beside, progress=progress)
        yield snapshot
    finally:
        clear(settings)


def build_empty(settings: Settings, candidate: Path, *, as_of: datetime) -> None:
    """Give a database file every table that readers see, with comments and keys, and no rows.

    The caller holds the writer's lock.

    Raises:
        ModelsFailed: a model failed; the file is left as it then was.
    """
    clear(settings)
    folder = _folder(settings)
    folder.mkdir(parents=True)
    warehouse = folder / settings.warehouse_file.name
    try:
        with duckdb.connect(str(warehouse)) as connection:
            raw.create_tables(connection)
        models.build(settings, as_of=as_of, candidate=candidate, beside=Beside(warehouse))
    finally:
        clear(settings)


def clear(settings: Settings) -> None:
    """Remove what a build beside the warehouse, failed or killed, left."""
    shutil.rmtree(_folder(settings), ignore_errors=True)


def _folder(settings: Settings) -> Path:
    return settings.home / ".beside"


def _show_raw(settings: Settings, warehouse: Path, shown: Mapping[str, str]) -> None:
    """Make the side file, whose schema raw is views of the landed tables."""
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
    with duckdb.connect(str(warehouse)) as connection:
        landed = published.quoted(settings.warehouse_file)
        connection.execute(f"attach '{landed}' as landed (read_only)")
        connection.execute("create schema raw")
        for (table,) in connection.execute(_RAW_TABLES).fetchall():
            query = shown.get(table, f"from landed.raw.{table}")
            connection.execute(f"create view raw.{table} as {query}")
