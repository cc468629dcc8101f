"""The models' compiled SQL, run in memory: a whole build of a small world takes a moment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from dbt.cli.main import dbtRunner

from orchestration import models, raw
from orchestration.settings import Settings
from tests.independent import Landed

_SENTINEL = datetime(2001, 2, 3, 4, 5, 6, 789012)


def compiled_models(settings: Settings) -> list[tuple[str, str, str]]:
    """Compile the project for these settings: relation, kind and SQL of each model, in order."""
    files = settings.home / "compiled"
    files.mkdir(parents=True)
    environment = {
        "DBT_WAREHOUSE_FILE": str(files / "warehouse.duckdb"),
        "DBT_SNAPSHOT_FILE": str(files / "snapshot.duckdb"),
        "DBT_AS_OF": f"{_SENTINEL}",
    }
    os.environ.update(environment)
    folders = ["--project-dir", str(models.DBT_PROJECT), "--profiles-dir", str(models.DBT_PROJECT)]
    folders += ["--target-path", str(files / "target"), "--log-path", str(files / "logs")]
    arguments = ["compile", "--quiet", "--full-refresh"]
    arguments += ["--vars", models.settings_fingerprint(settings), *folders]
    outcome = dbtRunner().invoke(arguments)
    assert outcome.success, outcome.exception
    return [
        (r.node.relation_name, r.node.config.materialized, r.node.compiled_code)
        for r in outcome.result.results
        if r.node.resource_type == "model"
    ]


@contextmanager
def built(
    compiled: list[tuple[str, str, str]], landed: Landed, as_of: datetime, folder: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build every model over these landed rows, in memory: schemas progress and marts."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        connection.execute("attach ':memory:' as warehouse; attach ':memory:' as snapshot")
        connection.execute("use warehouse")
        raw.create_tables(connection)
        for table in fields(landed):
            _insert(connection, table.name, [asdict(row) for row in getattr(landed, table.name)])
        for database, schema in [
            ("warehouse", "staging"),
            ("warehouse", "progress"),
            ("warehouse", "marts"),
            ("snapshot", "progress"),
            ("snapshot", "marts"),
        ]:
            connection.execute(f"create schema if not exists {database}.{schema}")
        for relation, kind, sql in compiled:
            speaking = sql.replace(f"{_SENTINEL}", f"{as_of}")
            made = "view" if kind == "view" else "table"
            connection.execute(f"create {made} {relation} as {speaking}")
        connection.execute("use snapshot")
        yield connection


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict]) -> None:
    if not rows:
        return
    for number, row in enumerate(rows):
        row["recorded_at"] = row["recorded_at"] or datetime(2024, 1, 1)
        row.setdefault("line", number)
    connection.register("landed", pa.Table.from_pylist(rows))
    key = f", {raw.EVENT_KEY} as event_key" if table == "events" else ""
    connection.execute(f"insert into raw.{table} by name select *{key} from landed")
    connection.unregister("landed")
