"""Hands the raw room over to the cluster: Parquet in the shared folder, each batch once."""

from typing import Any

import duckdb

from orchestration.settings import PREFIX, Settings
from orchestration.spark import folder
from orchestration.spark.folder import FolderUnusable, files

BY_BATCH = ("events", "courses", "lessons", "enrollments", "deadlines")
"""Tables whose batches never change, but for learners who are erased: a folder a batch."""

WHOLE = ("landed_files", "rejected_lines", "replayed_lines", "erased_lines", "refreshes")
"""Small tables, handed over whole by every refresh."""

INCOMING = "raw/_incoming"
OWNER = "raw/_home"
ROWS = 131_072

_FIRST = (
    "select epoch_us(recorded_at), content_sha256 from raw.landed_files order by batch_id limit 1"
)

_COLUMNS = """
select column_name, data_type
from duckdb_columns()
where
    schema_name = 'raw' and table_name = $table and database_name = current_database()
    -- The key is of use here only, and nobody there reads what was rejected.
    and column_name not in ('event_key', 'text', 'detail')
order by column_index
"""

_BATCHES = """
select batch_id, strftime(any_value(recorded_at), '%Y%m%dT%H%M%S%f'), count(*)
from raw.{table}
group by batch_id
order by batch_id
"""

TYPES = {"VARCHAR": "string", "BIGINT": "bigint", "TIMESTAMP": "timestamp"}


def hand_over(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Any]:
    """Bring the shared folder in line with the raw tables, and describe the tables there.

    A batch is a file that appears at once, whole; one that is there is left alone. Files that are
    of no batch, or of one that has lost rows since, go.

    Returns:
        table → its columns as `name type`, and whether it is partitioned by batch.

    Raises:
        FolderUnusable: the shared folder can't be reached, or is another home's; nothing was
            handed over.
    """
    store = folder.opened(settings)
    if not is_of_this_home(connection, store):
        raise FolderUnusable(
            f"{folder.url(settings)} holds what another home handed over: give each its own"
            f" {PREFIX}SPARK_WAREHOUSE, or remove that folder where the other home is no more."
        )
    folder.remove(store, INCOMING)
    store.create_dir(INCOMING)
    take_back(connection, store)
    for table in BY_BATCH:
        there = set(files(store, f"raw/{table}"))
        for path, batch_id in _expected(connection, table).items():
            if path not in there:
                _write(connection, store, table, path, f"where batch_id = {batch_id}")
    for table in WHOLE:
        _write(connection, store, table, f"raw/{table}/all.parquet", "")
    folder.remove(store, INCOMING)
    with store.open_output_stream(OWNER) as stream:
        stream.write(_first_landing(connection).encode())
    return {table: _described(connection, table) for table in (*BY_BATCH, *WHOLE)}


def is_of_this_home(connection: duckdb.DuckDBPyConnection, store: Any) -> bool:
    """Whether the folder is this home's, or nobody's yet: a home is known by its first landing."""
    if OWNER not in files(store, "raw"):
        return True
    with store.open_input_stream(OWNER) as stream:
        owner = stream.read().decode()
    return owner in ("", _first_landing(connection))


def _first_landing(connection: duckdb.DuckDBPyConnection) -> str:
    """The first landing of the home, as text; empty before it."""
    return str(connection.execute(_FIRST).fetchone() or "")


def take_back(connection: duckdb.DuckDBPyConnection, store: Any) -> int:
    """Remove what was handed over and no longer is as the raw tables have it; returns how much."""
    removed = 0
    for table in BY_BATCH:
        expected = _expected(connection, table)
        for path in files(store, f"raw/{table}"):
            if path not in expected:
                store.delete_file(path)
                removed += 1
    return removed


def _expected(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """The path of each batch of a table, with its batch; the name tells its landing and rows."""
    found = connection.execute(_BATCHES.format(table=table)).fetchall()
    return {
        f"raw/{table}/batch_id={batch_id}/{recorded_at}_{rows}.parquet": batch_id
        for batch_id, recorded_at, rows in found
    }


def _write(
    connection: duckdb.DuckDBPyConnection, store: Any, table: str, path: str, which: str
) -> None:
    """Write rows of a raw table beside their place, then move them there."""
    from pyarrow import parquet

    is_batch = table in BY_BATCH
    columns = [
        # An instant is told with its zone, so that every engine reads the same.
        f"{name} at time zone 'UTC' as {name}" if type_ == "TIMESTAMP" else name
        for name, type_ in connection.execute(_COLUMNS, {"table": table}).fetchall()
        if not (is_batch and name == "batch_id")
    ]
    building = f"{INCOMING}/{path.replace('/', '_')}"
    query = f"select {', '.join(columns)} from raw.{table} {which}"
    rows = connection.sql(query).to_arrow_reader(ROWS)
    with (
        store.open_output_stream(building) as stream,
        parquet.ParquetWriter(stream, rows.schema, compression="zstd") as writer,
    ):
        for batch in rows:
            writer.write_batch(batch)
    store.create_dir(path.rpartition("/")[0], recursive=True)
    store.move(building, path)


def _described(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    found = connection.execute(_COLUMNS, {"table": table}).fetchall()
    return {
        "columns": [f"{name} {TYPES[type_]}" for name, type_ in found],
        "by_batch": table in BY_BATCH,
    }
