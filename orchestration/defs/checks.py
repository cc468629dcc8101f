"""Asset checks of the models: every dbt test, and of what readers see the columns it promises."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

import dagster as dg

from orchestration.builds import Outcome
from orchestration.built import Table
from orchestration.defs.dbt import asset_key, nodes, promised

CONTRACT = "columns_are_as_promised"

_ROOMS = ("staging", "progress", "marts")


def _tested(test: dict[str, Any]) -> dict[str, Any]:
    """The model that a test is a check of: its own, or the one furthest on the event's way.

    A test that looks at raw alone is a check of the ledger that readers see, `marts.refreshes`.
    """
    read = [nodes[name] for name in test["depends_on"]["nodes"] if name in nodes]
    if test.get("attached_node"):
        return nodes[test["attached_node"]]
    if read:
        return max(read, key=lambda node: _ROOMS.index(node["schema"]))
    return next(node for node in nodes.values() if node["name"] == "refreshes")


def _said(test: dict[str, Any]) -> str:
    """What a test says: its description, else the comment that it begins with."""
    columns = (test.get("test_metadata") or {}).get("kwargs", {}).get("columns")
    if columns:
        return f"No two rows have the same {', '.join(columns)}."
    lines = test["raw_code"].splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    return test["description"] or " ".join(comment)


def _spec(test: dict[str, Any]) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        test["name"],
        asset=asset_key(_tested(test)),
        description=_said(test),
        blocking=test["config"]["severity"].lower() == "error",
    )


TESTS = {
    name: _spec(node)
    for name, node in nodes.items()
    if node["resource_type"] == "test" and node["config"]["enabled"]
}
"""The check of every dbt test, by the test's unique id."""

CONTRACTS = [
    dg.AssetCheckSpec(
        CONTRACT,
        asset=asset_key(node),
        description="Names, types, NOT NULL and key of the table are those of its page.",
        blocking=True,
    )
    for node in promised
]


def _not_looked_at(asset: dg.AssetKey, name: str) -> dg.AssetCheckResult:
    """A warning, so that only what contradicts a law is red."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description="Not looked at in this run: something before it failed.",
    )


def tested(outcome: Outcome) -> dg.AssetCheckResult:
    """What a dbt test found."""
    spec = TESTS[outcome.unique_id]
    if outcome.status == "skipped":
        return _not_looked_at(spec.asset_key, spec.name)
    is_warning = outcome.status == "warn" or not spec.blocking
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=outcome.status == "pass",
        severity=dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
        description=outcome.message if outcome.status != "pass" else None,
        metadata={
            "failing_rows": outcome.failing_rows or 0,
            "seconds": outcome.seconds,
            "test": nodes[outcome.unique_id]["original_file_path"],
            "sql": dg.MetadataValue.md(f"```sql\n{outcome.sql.strip()}\n```"),
        },
    )


def promises_kept(
    tables: Mapping[tuple[str, str], Table], made: Container[str]
) -> Iterator[dg.AssetCheckResult]:
    """Hold every table that readers see against the columns and the key that it promises.

    `made` are the unique ids of the models that were built; of others nothing can be said.
    """
    for node in promised:
        if node["unique_id"] not in made:
            yield _not_looked_at(asset_key(node), CONTRACT)
            continue
        broken = _broken(node, tables.get((node["schema"], node["name"])))
        yield dg.AssetCheckResult(
            asset_key=asset_key(node),
            check_name=CONTRACT,
            passed=not broken,
            description="; ".join(broken) or None,
            metadata={"columns": len(node["columns"]), "broken_promises": len(broken)},
        )


def _broken(node: dict[str, Any], table: Table | None) -> list[str]:
    if table is None:
        return ["the table isn't there"]
    promises = {
        column["name"]: (column["data_type"].upper(), not _requires_value(column))
        for column in node["columns"].values()
    }
    found = {column.name: (column.type, column.is_nullable) for column in table.columns}
    keys = [c["columns"] for c in node["constraints"] if c["type"] == "primary_key"]
    key: list[str] = keys[0] if keys else []
    broken = [f"{name} is missing" for name in promises if name not in found]
    broken += [f"{name} is not promised" for name in found if name not in promises]
    broken += [
        f"{name} is {_shown(found[name])} instead of {_shown(promise)}"
        for name, promise in promises.items()
        if name in found and found[name] != (promise[0], promise[1] and name not in key)
    ]
    return broken + ([] if list(table.key) == list(key) else [f"the key is {list(table.key)}"])


def _requires_value(column: dict[str, Any]) -> bool:
    return any(constraint["type"] == "not_null" for constraint in column["constraints"])


def _shown(column: tuple[str, bool]) -> str:
    return column[0] if column[1] else f"{column[0]} NOT NULL"
