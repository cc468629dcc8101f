"""The published tables as Parquet, for tools that don't speak DuckDB."""

import shutil

import duckdb

from orchestration.published import quoted, tables
from orchestration.settings import Settings


def publish_parquet(settings: Settings) -> None:
    """Write every published table as Parquet, `parquet/<schema>/<table>.parquet`, as one folder."""
    folder = settings.published / "parquet"
    building = settings.published / ".parquet.building"
    retired = settings.published / ".parquet.retired"
    for leftover in (building, retired):
        shutil.rmtree(leftover, ignore_errors=True)
    with duckdb.connect(str(settings.snapshot_file.resolve()), read_only=True) as connection:
        for schema, table in tables(connection):
            target = building / schema / f"{table}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(f"copy {schema}.{table} to '{quoted(target)}' (format parquet)")
    if folder.exists():
        folder.rename(retired)
    building.rename(folder)
    shutil.rmtree(retired, ignore_errors=True)
