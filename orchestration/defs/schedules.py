"""Jobs and when they run: a schedule is one row."""

import dagster as dg

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
]
