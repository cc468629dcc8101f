"""A stand-in for the cluster: DuckDB builds from raw, and leaves its tables as the cluster does."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration import published
from orchestration.settings import Settings
from orchestration.spark import building, gathering, handover, thrift
from orchestration.time_travel import beside
from orchestration.warehouse import open_warehouse

_INSTANTS = """
select column_name from duckdb_columns()
where (schema_name, table_name, data_type) = ($schema, $name, 'TIMESTAMP')
"""


def stand_in(patched: pytest.MonkeyPatch) -> None:
    """Let refreshes by the engine spark do without a cluster."""
    patched.setattr(thrift, "check", lambda _: None)
    patched.setattr(building, "build", _build)


def _build(settings: Settings, *, as_of, candidate, **_) -> list[object]:
    with open_warehouse(settings) as connection:
        handover.hand_over(connection, settings)
    built = beside.built_beside(settings, as_of=as_of)
    with built as file, duckdb.connect(str(file)) as connection:
        for schema, name in published.tables(connection):
            _write(connection, schema, name, Path(settings.spark_folder) / schema / name)
    gathering.gather(settings, candidate, as_of=as_of)
    return []


def _write(connection: duckdb.DuckDBPyConnection, schema: str, name: str, folder: Path) -> None:
    """Write a table into two files, in no order, with instants that name their zone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    instants = connection.execute(_INSTANTS, {"schema": schema, "name": name}).fetchall()
    zoned = ", ".join(f"{column} at time zone 'UTC' as {column}" for (column,) in instants)
    shown = f"* replace ({zoned})" if zoned else "*"
    (count,) = connection.execute(f"select count(*) from {schema}.{name}").fetchone() or (0,)
    for part in range(min(2, count)):
        rows = f"select {shown} from {schema}.{name} where rowid % 2 = {part} order by rowid desc"
        file = published.quoted(folder / f"part-0000{part}.snappy.parquet")
        connection.execute(f"copy ({rows}) to '{file}' (format parquet)")
