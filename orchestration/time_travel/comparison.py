"""Two databases of the same tables, compared row for row within bounded memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.published import tables

PARTS = 1024
SIDES = ("published", "rebuilt")

_COLUMNS = """
select column_name, data_type
from duckdb_columns()
where database_name = $side and schema_name || '.' || table_name = $table
order by column_index
"""

# Parts of rows that differ in number or in content. Two sums of hashes, as an equal sum of one
# kind is easily had: a row that stands twice against one that is missing twice.
_DIFFERING_PARTS = """
with
    parts_published as ({published}),
    parts_rebuilt as ({rebuilt})
select part
from parts_published
full join parts_rebuilt using (part)
where
    (parts_published.row_count, parts_published.sum_of_hashes, parts_published.xor_of_hashes)
    is distinct from
    (parts_rebuilt.row_count, parts_rebuilt.sum_of_hashes, parts_rebuilt.xor_of_hashes)
order by part
"""

_PARTS = f"""
select
    hash({{key}}) % {PARTS} as part, count(*) as row_count,
    sum(hash(compared)::HUGEINT) as sum_of_hashes, bit_xor(hash(compared)) as xor_of_hashes
from {{side}}.{{table}} as compared
group by part
"""

_ONLY = f"""
create or replace temp table {{side}}_only as
select {{key}}, packed
from (
    select {{key}}, compared as packed from {{side}}.{{table}} as compared
    where hash({{key}}) % {PARTS} in (select unnest($parts))
    except all
    select {{key}}, compared as packed from {{other}}.{{table}} as compared
    where hash({{key}}) % {PARTS} in (select unnest($parts))
)
"""

_PAIRS = """
select published_only.packed, rebuilt_only.packed
from published_only
full join rebuilt_only using ({key})
order by {key}
limit $limit
"""


@dataclass(frozen=True)
class Pair:
    """Two rows of one key that are not the same; None where one side has no such row."""

    published: dict[str, Any] | None
    rebuilt: dict[str, Any] | None


@dataclass(frozen=True)
class Difference:
    """A table that differs: its key, how many rows have no equal on either side, and the first."""

    table: str
    key: Sequence[str]
    published_only: int
    rebuilt_only: int
    rows: list[Pair]

    def summary(self) -> dict[str, Any]:
        """The difference as JSON has it."""
        return {
            "table": self.table,
            "key": list(self.key),
            "published_only": self.published_only,
            "rebuilt_only": self.rebuilt_only,
            "rows": [{"published": pair.published, "rebuilt": pair.rebuilt} for pair in self.rows],
        }


def compared(
    connection: duckdb.DuckDBPyConnection, keys: Mapping[str, Sequence[str]], limit: int
) -> tuple[dict[str, int], list[Difference]]:
    """Compare the tables of the databases `published` and `rebuilt`, attached to a connection.

    A table is first compared by sums of hashes over a thousand parts of its rows; rows are held
    against each other only where these differ.

    Args:
        keys: the key of each table, `schema.table`; a table without one is compared all the same.
        limit: keep at most so many rows of a table.

    Returns:
        the rows of each published table, and the tables that differ.
    """
    names = {side: _names(connection, side) for side in SIDES}
    rows, differences = {}, []
    for table in sorted(names["published"] | names["rebuilt"]):
        counts = [
            _count(connection, side, table) if table in names[side] else None for side in SIDES
        ]
        rows[table] = counts[0] or 0
        columns = [_columns(connection, side, table) for side in SIDES]
        if columns[0] != columns[1]:
            differences.append(Difference(table, [], counts[0] or 0, counts[1] or 0, []))
            continue
        key = keys.get(table) or [name for name, _ in columns[0]]
        if parts := _differing_parts(connection, table, key):
            differences.append(_difference(connection, table, key, parts, limit))
    return rows, differences


def _differing_parts(
    connection: duckdb.DuckDBPyConnection, table: str, key: Sequence[str]
) -> list[int]:
    sides = {side: _PARTS.format(key=", ".join(key), side=side, table=table) for side in SIDES}
    return [part for (part,) in connection.execute(_DIFFERING_PARTS.format(**sides)).fetchall()]


def _difference(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    key: Sequence[str],
    parts: list[int],
    limit: int,
) -> Difference:
    names, only = ", ".join(key), []
    for side, other in (SIDES, SIDES[::-1]):
        query = _ONLY.format(side=side, other=other, table=table, key=names)
        connection.execute(query, {"parts": parts})
        only.append(_count(connection, "temp", f"{side}_only"))
    pairs = connection.execute(_PAIRS.format(key=names), {"limit": limit}).fetchall()
    return Difference(table, key, only[0], only[1], [Pair(*pair) for pair in pairs])


def _names(connection: duckdb.DuckDBPyConnection, side: str) -> set[str]:
    connection.execute(f"use {side}")
    return {f"{schema}.{table}" for schema, table in tables(connection)}


def _columns(connection: duckdb.DuckDBPyConnection, side: str, table: str) -> list[tuple[str, str]]:
    return connection.execute(_COLUMNS, {"side": side, "table": table}).fetchall()


def _count(connection: duckdb.DuckDBPyConnection, side: str, table: str) -> int:
    ((count,),) = connection.execute(f"select count(*) from {side}.{table}").fetchall()
    return int(count)
