"""From which columns a model's columns are made, read from the SQL that ran."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration import notes
from orchestration.builds import Outcome
from orchestration.built import Table
from orchestration.models import models_fingerprint
from orchestration.settings import Settings

Lineage = dict[str, dict[str, list[tuple[str, str, str]]]]
"""By a model's unique id and column: schema, table and column of each that it is made from."""


def lineage(
    settings: Settings, outcomes: Iterable[Outcome], tables: Mapping[tuple[str, str], Table]
) -> Lineage:
    """Trace the columns of every model that ran.

    Reading the SQL takes seconds, so the answer is kept under the home folder for as long as the
    models stay the same. A model whose SQL can't be traced has no columns here.
    """
    kept = settings.home / "dbt" / "lineage.json"
    fingerprint = models_fingerprint()
    found = notes.read(kept) or {}
    if found.get("models") == fingerprint:
        return _as_lineage(found["lineage"])
    traced = _traced(outcomes, tables)
    kept.parent.mkdir(parents=True, exist_ok=True)
    notes.write(kept, {"models": fingerprint, "lineage": traced})
    return traced


def _traced(outcomes: Iterable[Outcome], tables: Mapping[tuple[str, str], Table]) -> Lineage:
    from sqlglot.errors import SqlglotError

    known: dict[str, dict[str, dict[str, str]]] = {}
    for (schema, name), table in tables.items():
        columns = {column.name: column.type for column in table.columns}
        known.setdefault(schema, {})[name] = columns
    traced: Lineage = {}
    for outcome in outcomes:
        if outcome.unique_id.startswith("model.") and outcome.sql:
            try:
                traced[outcome.unique_id] = _columns(outcome.sql, known)
            except SqlglotError:
                continue
    return traced


def _columns(
    sql: str, known: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> dict[str, list[tuple[str, str, str]]]:
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage as trace
    from sqlglot.optimizer.qualify import qualify

    plain = parse_one(sql, dialect="duckdb")
    for table in plain.find_all(exp.Table):
        table.set("catalog", None)
    query: Any = qualify(plain, schema=dict(known), dialect="duckdb")
    qualified = query.sql("duckdb")
    columns = {}
    for name in query.named_selects:
        sources = set()
        for node in trace(name, qualified, schema=dict(known), dialect="duckdb").walk():
            table = node.expression.find(exp.Table)
            if not node.downstream and table is not None and table.db:
                sources.add((table.db, table.name, exp.to_column(node.name).name))
        columns[name] = sorted(sources)
    return columns


def _as_lineage(found: Any) -> Lineage:
    return {
        model: {column: [(s, t, c) for s, t, c in sources] for column, sources in columns.items()}
        for model, columns in found.items()
    }
