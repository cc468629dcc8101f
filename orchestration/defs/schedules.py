"""Jobs and when they run: a schedule is one row."""

import dagster as dg

from orchestration.defs.maintenance import maintain_job

refresh_job = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
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
        name="maintain_weekly",
        job=maintain_job,
        cron_schedule="30 3 * * 0",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Maintenance of the home folder and the run history, on Sundays at 03:30.",
    ),
]
