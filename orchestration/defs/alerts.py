"""Sensors that tell when a run fails, and when the same job works again."""

from datetime import UTC, datetime

import dagster as dg

from orchestration import alerts
from orchestration.faults import Fault, fault_from
from orchestration.settings import load_settings

_SECONDS = 30
_BY_ITSELF = {"dagster/schedule_name", "dagster/sensor_name"}

STATUS = (
    dg.DefaultSensorStatus.RUNNING
    if alerts.targets(load_settings())
    else dg.DefaultSensorStatus.STOPPED
)
"""On where a webhook or mail server is set."""


@dg.run_failure_sensor(
    name="alert_on_failure", default_status=STATUS, minimum_interval_seconds=_SECONDS
)
def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
    """Tell of a failed run, once until its job works again."""
    run = context.dagster_run
    if not _is_of_interest(run):
        return
    at = _ended_at(context.instance, run)
    problems = alerts.failed(
        load_settings(), run.job_name, _fault(context), at=at, run_id=run.run_id
    )
    _warn(context, problems)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="alert_on_recovery",
    default_status=STATUS,
    minimum_interval_seconds=_SECONDS,
)
def alert_on_recovery(context: dg.RunStatusSensorContext) -> None:
    """Tell that a job works again, if it was told to fail."""
    run = context.dagster_run
    if not _is_of_interest(run):
        return
    at = _ended_at(context.instance, run)
    _warn(context, alerts.worked(load_settings(), run.job_name, at=at, run_id=run.run_id))


def _is_of_interest(run: dg.DagsterRun) -> bool:
    """Every refresh, and what else starts by itself: who starts another job is watching it."""
    return run.job_name == "refresh" or bool(_BY_ITSELF & run.tags.keys())


def _ended_at(instance: dg.DagsterInstance, run: dg.DagsterRun) -> datetime:
    record = instance.get_run_record_by_id(run.run_id)
    ended = record.end_time if record and record.end_time else None
    at = datetime.fromtimestamp(ended, UTC) if ended else datetime.now(UTC)
    return at.replace(tzinfo=None)


def _fault(context: dg.RunFailureSensorContext) -> Fault:
    """The fault of the first failed step or, where the run failed outside of its steps, its own.

    Of an error and its causes the first that this project made is told, since that says what to
    do; else the root.
    """
    steps = [event.step_failure_data.error for event in context.get_step_failure_events()]
    run = getattr(context.failure_event.event_specific_data, "error", None)
    links: list[tuple[str, str]] = []
    error = next((error for error in (*steps, run) if error is not None), None)
    while error is not None:
        kind, _, text = error.message.strip().partition(": ")
        links.append((kind, text))
        error = error.cause
    if not links:
        return Fault("The run ended without saying why; it may have been killed.")
    own = [link for link in links if link[0].startswith("orchestration.")]
    return fault_from(*(own or links[-1:])[0])


def _warn(context: dg.RunStatusSensorContext, problems: list[str]) -> None:
    for problem in problems:
        context.log.warning(problem)


SENSORS = [alert_on_failure, alert_on_recovery]
