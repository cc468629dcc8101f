"""Writing the warehouse's file anew: a database never gives back what was freed, nor forgets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration import snapshots
from orchestration.settings import Settings


@contextmanager
def rewritten(settings: Settings, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a new, empty database beside the warehouse; it takes its place when the block ends.

    The warehouse is attached as `old`, and checkpointed before it is replaced in one step. A
    failure or a kill inside the block leaves the warehouse as it was. The caller holds the
    writer's lock, and has no connection to the warehouse.

    Args:
        purpose: a word for the side file's name, `.warehouse.<purpose>.duckdb`.
    """
    building = settings.home / f".warehouse.{purpose}.duckdb"
    _clear(building)
    try:
        with duckdb.connect(str(building)) as connection:
            path = str(settings.warehouse_file).replace("'", "''")
            connection.execute(f"attach '{path}' as old")
            yield connection
            connection.execute("checkpoint old")
            connection.execute("detach old")
            connection.execute("checkpoint")
    except BaseException:
        _clear(building)
        raise
    snapshots.flush(building)
    settings.warehouse_file.with_name(settings.warehouse_file.name + ".wal").unlink(missing_ok=True)
    building.replace(settings.warehouse_file)
    snapshots.flush(settings.home)


def _clear(building: Path) -> None:
    for leftover in building.parent.glob(f"{building.name}*"):
        snapshots.remove(leftover)
