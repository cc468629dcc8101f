"""The models' compiled SQL, run in memory: a whole build of a small world takes a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa
from dbt.cli.main import dbtRunner

from orchestration import dbt_connections, models, raw
from orchestration.builds import Standing
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from tests.independent import Landed

# What the SQL is compiled for, and a build puts its own values in the place of.
_AS_OF = datetime(2001, 2, 3, 4, 5, 6, 789012)
_STANDING = Standing(987654321, _AS_OF - timedelta(days=100), _AS_OF - timedelta(days=200))


@dataclass(frozen=True)
class Model:
    """A model's relation, kind, key of the rows that a refresh replaces, and SQL.

    `renews` is the relation that names these keys, where the model's own new rows don't.
    """

    relation: str
    kind: str
    key: list[str]
    renews: str | None
    sql: str


def compiled_models(settings: Settings) -> list[Model]:
    """Compile the project for these settings, as a full refresh runs it, in order."""
    return _compiled(settings, ["compile", "--full-refresh"])


def compiled_increments(settings: Settings) -> list[Model]:
    """Compile the project as a refresh runs it that adds to tables that stand."""
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
    _compiled(settings, ["run", "--full-refresh"])
    return _compiled(settings, ["compile"])


def _compiled(settings: Settings, command: list[str]) -> list[Model]:
    files = settings.home / "compiled"
    files.mkdir(parents=True, exist_ok=True)
    folders = ["--project-dir", str(models.DBT_PROJECT), "--profiles-dir", str(models.DBT_PROJECT)]
    folders += ["--target-path", str(files / "target"), "--log-path", str(files / "logs")]
    variables = ["--quiet", "--vars", models.settings_fingerprint(settings)]
    with models.dbt_environment(settings, _AS_OF, files / "snapshot.duckdb", standing=_STANDING):
        outcome = dbtRunner().invoke([*command, *variables, *folders])
        dbt_connections.close()
    assert outcome.success, outcome.exception
    nodes = [r.node for r in outcome.result.results if r.node.resource_type == "model"]
    relations = {node.name: node.relation_name for node in nodes}
    return [
        Model(
            node.relation_name,
            node.config.materialized,
            _listed(node.config.unique_key),
            relations.get(node.config.meta.get("renews")),
            node.compiled_code,
        )
        for node in nodes
    ]


def _listed(key: str | list[str] | None) -> list[str]:
    return [key] if isinstance(key, str) else list(key or [])


@contextmanager
def built(
    compiled: list[Model], landed: Landed, as_of: datetime
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build every model over these landed rows, in memory: schemas progress and marts."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        connection.execute("attach ':memory:' as warehouse; attach ':memory:' as snapshot")
        connection.execute("use warehouse")
        raw.create_tables(connection)
        land(connection, landed)
        for schema in ("staging", "progress", "marts"):
            connection.execute(f"create schema warehouse.{schema}")
            connection.execute(f"create schema if not exists snapshot.{schema}")
        for model in compiled:
            made = "view" if model.kind == "view" else "table"
            connection.execute(f"create {made} {model.relation} as {_speaking(model.sql, as_of)}")
        connection.execute("use snapshot")
        yield connection


def add(
    connection: duckdb.DuckDBPyConnection,
    increments: list[Model],
    landed: Landed,
    as_of: datetime,
    standing: Standing,
) -> None:
    """Add these landed rows to the tables that stand on a connection, as a refresh does."""
    connection.execute("use warehouse")
    land(connection, landed)
    for model in increments:
        sql = _speaking(model.sql, as_of, standing)
        if model.kind != "incremental":
            connection.execute(f"create or replace {model.kind} {model.relation} as {sql}")
            continue
        connection.execute(f"create or replace temp table changed as {sql}")
        same_key = " and ".join(f"renewed.{name} = stood.{name}" for name in model.key)
        renewed = f"{model.renews or 'changed'} as renewed"
        connection.execute(
            f"delete from {model.relation} as stood using {renewed} where {same_key}"
        )
        connection.execute(f"insert into {model.relation} from changed")
    connection.execute("use snapshot")


def _speaking(sql: str, as_of: datetime, standing: Standing = _STANDING) -> str:
    new_days = (standing.earliest_new_event or as_of) - timedelta(days=2)
    for compiled, meant in [
        (_AS_OF, as_of),
        (_STANDING.batch_id, standing.batch_id),
        (_STANDING.as_of, standing.as_of),
        (_STANDING.earliest_new_event - timedelta(days=2), new_days),
    ]:
        sql = sql.replace(str(compiled), str(meant))
    return sql


def land(connection: duckdb.DuckDBPyConnection, landed: Landed) -> None:
    """Put landed rows into schema raw."""
    for table in fields(landed):
        _insert(connection, table.name, [asdict(row) for row in getattr(landed, table.name)])


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
