"""Reconciliation as a check of the published snapshot, in a job of its own."""

import dagster as dg

from orchestration import output
from orchestration.defs.published import learner_progress
from orchestration.defs.resources import RefreshRun
from orchestration.published import latest_refresh
from orchestration.time_travel import reconciliation


@dg.asset_check(
    asset=learner_progress,
    name="equals_a_rebuild_from_raw",
    blocking=True,
    description="Every row of every table is what a full rebuild from the raw tables gives.",
)
def equals_a_rebuild_from_raw(
    context: dg.AssetCheckExecutionContext, refresh_run: RefreshRun
) -> dg.AssetCheckResult:
    """Build everything anew beside the warehouse, and hold the snapshot against it."""
    if latest_refresh(refresh_run.settings) is None:
        context.log.warning("Nothing is published yet, so there is nothing to compare.")
        return dg.AssetCheckResult(passed=True, metadata={"compared": "nothing is published yet"})
    result = reconciliation.reconcile_locked(refresh_run.settings)
    if not result.is_equal:
        context.log.error(f"{result.remedy()}\n\n{result.headline()}")
    differences = [difference.summary() for difference in result.differences]
    return dg.AssetCheckResult(
        passed=result.is_equal,
        description=result.headline() if result.is_equal else result.remedy(),
        metadata={
            "refresh_id": result.refresh_id,
            "rows": sum(result.rows.values()),
            "tables": len(result.rows),
            "differences": dg.MetadataValue.json(output.plain(differences)),
        },
    )


reconcile_job = dg.define_asset_job(
    "reconcile",
    selection=dg.AssetSelection.checks(equals_a_rebuild_from_raw),
    executor_def=dg.in_process_executor,
    description="Hold the published snapshot against a rebuild from raw; nothing is published.",
)
