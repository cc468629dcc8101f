"""What a build made: the tables of the warehouse and the candidate, their columns and rows."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.settings import Settings

_COLUMNS = """
select schema_name, table_name, column_name, data_type, is_nullable
from duckdb_columns()
where not internal and schema_name in ('staging', 'progress', 'marts')
order by schema_name, table_name, column_index
"""

_KEYS = """
select schema_name, table_name, constraint_column_names
from duckdb_constraints()
where constraint_type = 'PRIMARY KEY'
"""

_TABLES = """
select database_name, schema_name, table_name
from duckdb_tables()
where schema_name in ('progress', 'marts')
union all
-- Tables whose rows lie in Parquet files.
select database_name, schema_name, view_name
from duckdb_views()
where database_name = 'candidate' and not internal
"""


@dataclass(frozen=True)
class Column:
    """A column as it was built: its type in the database's words."""

    name: str
    type: str
    is_nullable: bool


@dataclass(frozen=True)
class Table:
    """A table or view as it was built; `rows` is None for a view, `key` is empty without one."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows: int | None


def tables(settings: Settings, candidate: Path) -> dict[tuple[str, str], Table]:
    """Describe what a build left, by schema and name; the caller holds the writer's lock.

    Counting is cheap: the database keeps how many rows a table has.
    """
    with duckdb.connect(str(settings.warehouse_file)) as connection:
        connection.execute(f"attach '{str(candidate).replace(chr(39), chr(39) * 2)}' as candidate")
        columns: dict[tuple[str, str], list[Column]] = {}
        for schema, table, *column in connection.execute(_COLUMNS).fetchall():
            columns.setdefault((schema, table), []).append(Column(*column))
        keys = {(schema, table): key for schema, table, key in connection.execute(_KEYS).fetchall()}
        rows = {
            (schema, table): _rows(connection, f'"{database}"."{schema}"."{table}"')
            for database, schema, table in connection.execute(_TABLES).fetchall()
        }
    return {
        name: Table(tuple(found), tuple(keys.get(name, ())), rows.get(name))
        for name, found in columns.items()
    }


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0
