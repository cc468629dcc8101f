"""The printed report beside the snapshot: an asset in a job of its own, after every publish."""

import dagster as dg

from orchestration import published
from orchestration.defs.described import described
from orchestration.defs.published import SNAPSHOT
from orchestration.defs.resources import RefreshRun

EVERY_SECONDS = 30
"""How often the sensor looks for a new snapshot."""

_SPEC = described(
    dg.AssetSpec(
        ["published", "report"],
        group_name="published",
        kinds={"html"},
        deps=[SNAPSHOT],
        description="The four answers as one page with charts, for people without a BI tool; it"
        " needs neither a server nor a network.",
    )
)


@dg.multi_asset(name="print_report", specs=[_SPEC])
def report(refresh_run: RefreshRun) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write the page of the newest snapshot beside it; an erasure waits, and finds it written."""
    from orchestration import printed

    settings = refresh_run.settings
    file = printed.write_page(settings, settings.report_file)
    newest = published.latest_refresh(settings) or {}
    return dg.MaterializeResult(
        metadata={
            "page_file": dg.MetadataValue.path(str(file)),
            "refresh_id": str(newest.get("refresh_id", "none")),
            "bytes": file.stat().st_size,
        }
    )


report_job = dg.define_asset_job(
    "report",
    selection=dg.AssetSelection.assets(report),
    executor_def=dg.in_process_executor,
    description="Write the printed report of the newest snapshot beside it.",
)


@dg.asset_sensor(
    name="report_after_publish",
    asset_key=SNAPSHOT,
    job=report_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the printed report when a refresh has published a snapshot.",
)
def report_after_publish(
    _context: dg.SensorEvaluationContext, event: dg.EventLogEntry
) -> dg.RunRequest:
    """Ask for the page once a publication; of several since the last look, for the newest's."""
    return dg.RunRequest(run_key=event.run_id)
