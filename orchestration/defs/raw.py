"""Assets of the raw room: what lands from the inbox, a table each, and the laws of landing."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import duckdb

from orchestration import accounting, landed_figures
from orchestration.defs.described import described, instant
from orchestration.defs.landing import inbox_of
from orchestration.defs.resources import RefreshRun
from orchestration.defs.retries import retried
from orchestration.landed import Landed, land
from orchestration.landing import SOURCES
from orchestration.warehouse import open_warehouse

TABLES = [name for name, source in SOURCES.items() if source.table == name]
"""The tables of what landed; a standard's files land in those of the other sources."""

LEDGERS = {
    "landed_files": "One row per landed file: what became of its lines.",
    "rejected_lines": "One row per rejected line, verbatim, with the reason.",
    "refreshes": "One row per refresh that was published or is under way.",
}

_ELSEWHERE = {
    "replayed_lines": "One row per line that left `rejected_lines`, written by a replay.",
    "erased_lines": "How many lines of a batch an erasure took away, written by `erase`.",
}

ELSEWHERE = [
    described(dg.AssetSpec(["raw", name], description=text, group_name="raw", kinds={"duckdb"}))
    for name, text in _ELSEWHERE.items()
]
"""Tables that commands write and no run of Dagster does."""


def _specs() -> Iterator[dg.AssetSpec]:
    for source in TABLES:
        text = f"What landed of {source}: append-only, each row with its batch."
        yield _spec(source, text, inbox_of(source))
    everything = [dg.AssetKey(["landing", source]) for source in SOURCES]
    for table, text in LEDGERS.items():
        yield _spec(table, text, [] if table == "refreshes" else everything)


def _spec(table: str, text: str, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    return described(
        dg.AssetSpec(
            ["raw", table], deps=deps, description=text, group_name="raw", kinds={"duckdb"}
        )
    )


CHECKS = [
    dg.AssetCheckSpec(
        name,
        asset=["raw", "landed_files"],
        description=text,
        blocking=name in accounting.GRAVE,
    )
    for name, text in accounting.LAWS.items()
]
"""The laws of landing; what breaks a grave one is not built upon."""


@dg.multi_asset(name="landing", specs=list(_specs()), check_specs=CHECKS)
def landing(context: dg.AssetExecutionContext, refresh_run: RefreshRun) -> Iterator[Any]:
    """Land what waits in the inbox, and enter the refresh in the ledger."""
    with retried(context, refresh_run.settings):
        landed = land(refresh_run.settings)
        warnings = [*landed.warnings, *refresh_run.record()]
    for warning in warnings:
        context.log.warning(warning)
    with open_warehouse(refresh_run.settings) as connection:
        yield from _materialized(context, connection, landed)
        new = landed_figures.batches(landed.files)
        for finding in accounting.findings(connection, refresh_run.settings, new):
            yield _checked(finding)


def _materialized(
    context: dg.AssetExecutionContext, connection: duckdb.DuckDBPyConnection, landed: Landed
) -> Iterator[Any]:
    sources = landed_figures.by_source(connection, landed.files)
    for source, figures in sources.items():
        if figures["files"]:
            context.log_event(dg.AssetObservation(["landing", source], metadata=figures))
    for table in [*TABLES, *LEDGERS]:
        metadata: dict[str, Any] = {}
        if table in TABLES:
            metadata = dict(landed_figures.by_table(sources, table))
        if table == "events" and (last := landed_figures.last_event_at(connection)):
            metadata["last_event_at"] = instant(last)
        if table != "refreshes":
            rows, new, landed_at = landed_figures.rows(connection, table, landed.files)
            metadata |= {"dagster/row_count": rows, "new_rows": new}
            metadata |= {"last_landed_at": instant(landed_at)} if landed_at else {}
        yield dg.MaterializeResult(asset_key=["raw", table], metadata=metadata)


def _checked(finding: accounting.Finding) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if finding.is_grave else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=["raw", "landed_files"],
        check_name=finding.name,
        passed=finding.is_kept,
        severity=severity,
        description=finding.message,
        metadata=finding.figures,
    )
