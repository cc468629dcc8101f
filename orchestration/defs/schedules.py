"""Jobs and when they run: a schedule is one row."""

import dagster as dg

from orchestration.defs.as_of import learner_progress_as_of
from orchestration.defs.maintenance import maintain_job
from orchestration.defs.printed import report
from orchestration.defs.reconciliation import equals_a_rebuild_from_raw, reconcile_job
from orchestration.settings import load_settings

_settings = load_settings()

# What has a job of its own.
_APART = dg.AssetSelection.assets(learner_progress_as_of, report) | dg.AssetSelection.checks(
    equals_a_rebuild_from_raw
)

refresh_job = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - _APART,
    executor_def=dg.in_process_executor,
    description="Land what waits, build and test every model, publish if all tests pass.",
)


def none_waits(context: dg.ScheduleEvaluationContext) -> bool:
    """Whether no refresh is queued: one that is will take all that waits when its turn comes."""
    queued = dg.RunsFilter(job_name=refresh_job.name, statuses=[dg.DagsterRunStatus.QUEUED])
    return context.instance.get_runs_count(queued) == 0


SCHEDULES = [
    dg.ScheduleDefinition(
        name="refresh_regularly",
        job=refresh_job,
        cron_schedule=_settings.refresh_cron,
        execution_timezone=_settings.timezone,
        should_execute=none_waits,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A refresh at LEARNER_PROGRESS_REFRESH_CRON, in the reporting time zone.",
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
