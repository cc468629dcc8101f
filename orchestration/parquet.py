"""The published tables as Parquet, for tools that don't speak DuckDB."""

import os
import shutil
from pathlib import Path

import duckdb

from orchestration import parts
from orchestration.published import quoted, tables
from orchestration.settings import Settings


def publish_parquet(settings: Settings) -> None:
    """Write every published table as Parquet, `parquet/<schema>/<table>.parquet`, as one folder.

    Where the snapshot's rows lie in Parquet files, the folder is a link to them, and each
    `<table>.parquet` a folder.
    """
    folder = settings.published / "parquet"
    building = settings.published / ".parquet.building"
    retired = settings.published / ".parquet.retired"
    for leftover in (building, retired):
        remove(leftover)
    snapshot = settings.snapshot_file.resolve()
    if parts.folder_of(snapshot).exists():
        building.symlink_to(parts.folder_of(snapshot).name)
    else:
        _write(snapshot, building)
    if os.path.lexists(folder):
        folder.rename(retired)
    building.rename(folder)
    remove(retired)


def remove(path: Path) -> None:
    """Remove a folder, or a link to one; it may be missing."""
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def _write(snapshot: Path, building: Path) -> None:
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        for schema, table in tables(connection):
            target = building / schema / f"{table}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(f"copy {schema}.{table} to '{quoted(target)}' (format parquet)")
