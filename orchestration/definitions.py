"""What Dagster loads, in the order in which an event travels."""

import dagster as dg

from orchestration.defs import alerts
from orchestration.defs.dbt import dbt
from orchestration.defs.freshness import freshness_checks, freshness_sensor
from orchestration.defs.maintenance import maintain_job
from orchestration.defs.models import dbt_models
from orchestration.defs.published import learner_progress
from orchestration.defs.raw import landing
from orchestration.defs.resources import RefreshRun
from orchestration.defs.schedules import SCHEDULES, refresh_job

defs = dg.Definitions(
    assets=[landing, dbt_models, learner_progress],
    jobs=[refresh_job, maintain_job],
    asset_checks=[freshness_checks],
    schedules=SCHEDULES,
    sensors=[*alerts.SENSORS, freshness_sensor],
    resources={"refresh_run": RefreshRun.configure_at_launch(), "dbt": dbt},
)
