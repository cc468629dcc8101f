"""Jobs and when they run: a schedule is one row."""

import dagster as dg

from orchestration.defs.as_of import learner_progress_as_of
from orchestration.defs.maintenance import maintain_job
from orchestration.defs.reconciliation import equals_a_rebuild_from_raw, reconcile_job

# What has a job of its own.
_APART = dg.AssetSelection.assets(learner_progress_as_of) | dg.AssetSelection.checks(
    equals_a_rebuild_from_raw
)

refresh_job = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - _APART,
    executor_def=dg.in_process_executor,
    description="Land what waits, build and test every model, publish if all tests pass.",
)

SCHEDULES = [
    dg.ScheduleDefinition(
        name="refresh_hourly",
        job=refresh_job,
        cron_schedule="0 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A refresh at the start of every hour.",
    ),
    dg.ScheduleDefinition(
        name="reconcile_nightly",
        job=reconcile_job,
        cron_schedule="30 2 * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The published snapshot held against a rebuild from raw, every night.",
    ),
    dg.ScheduleDefinition(
        name="maintain_weekly",
        job=maintain_job,
        cron_schedule="30 3 * * 0",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Maintenance of the home folder and the run history, on Sundays at 03:30.",
    ),
]
