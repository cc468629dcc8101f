"""What Dagster loads, in the order in which an event travels."""

import dagster as dg

from orchestration.defs import alerts
from orchestration.defs.as_of import as_of_snapshot, learner_progress_as_of
from orchestration.defs.freshness import freshness_checks, freshness_sensor
from orchestration.defs.landing import INBOX
from orchestration.defs.landing_sensor import refresh_after_landing
from orchestration.defs.maintenance import maintain_job
from orchestration.defs.models import dbt_models
from orchestration.defs.printed import report, report_after_publish, report_job
from orchestration.defs.published import READERS, learner_progress
from orchestration.defs.raw import ELSEWHERE, landing
from orchestration.defs.reconciliation import equals_a_rebuild_from_raw, reconcile_job
from orchestration.defs.resources import RefreshRun
from orchestration.defs.schedules import SCHEDULES, refresh_job

defs = dg.Definitions(
    assets=[
        *INBOX,
        landing,
        *ELSEWHERE,
        dbt_models,
        learner_progress,
        learner_progress_as_of,
        report,
        *READERS,
    ],
    asset_checks=[freshness_checks, equals_a_rebuild_from_raw],
    jobs=[refresh_job, as_of_snapshot, reconcile_job, maintain_job, report_job],
    schedules=SCHEDULES,
    sensors=[refresh_after_landing, report_after_publish, *alerts.SENSORS, freshness_sensor],
    resources={"refresh_run": RefreshRun.configure_at_launch()},
    # A run holds the writer's lock from start to end, so its steps share a process.
    executor=dg.in_process_executor,
)
