"""Assets of the raw room: what lands from the inbox, a table each."""

from collections.abc import Iterator

import dagster as dg

from orchestration import refresh
from orchestration.defs.resources import RefreshRun
from orchestration.defs.retries import retried
from orchestration.landed import land
from orchestration.landing import SOURCES

TABLES = [name for name, source in SOURCES.items() if source.table == name]
"""The tables of what landed; a standard's files land in those of the other sources."""

LEDGERS = {
    "landed_files": "One row per landed file: what became of its lines.",
    "rejected_lines": "One row per rejected line, verbatim, with the reason.",
    "refreshes": "One row per refresh that was published or is under way.",
}


def _specs() -> Iterator[dg.AssetSpec]:
    for source in TABLES:
        yield _spec(source, f"What landed of {source}: append-only, each row with its batch.")
    for table, description in LEDGERS.items():
        yield _spec(table, description)


def _spec(table: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(["raw", table], description=description, group_name="raw", kinds={"duckdb"})


@dg.multi_asset(name="landing", specs=list(_specs()))
def landing(
    context: dg.AssetExecutionContext, refresh_run: RefreshRun
) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Land what waits in the inbox, and enter the refresh in the ledger."""
    settings, started = refresh_run.settings, refresh_run.started
    with retried(context, settings):
        landed = land(settings)
        warnings = [*started.warnings, *landed.warnings, *refresh.record(settings, started)]
    for warning in warnings:
        context.log.warning(warning)
    for source in TABLES:
        files = [file for file in landed.files if SOURCES[file.source].table == source]
        yield dg.MaterializeResult(
            asset_key=["raw", source],
            metadata={
                "files": len(files),
                "lines": sum(file.lines for file in files),
                "accepted": sum(file.accepted for file in files),
                "duplicates": sum(file.duplicates for file in files),
                "rejected": sum(file.rejected for file in files),
                "ignored": sum(file.ignored for file in files),
            },
        )
    for table in LEDGERS:
        yield dg.MaterializeResult(asset_key=["raw", table])
