"""The sensor that starts a refresh soon after files have arrived, once they rest."""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

from orchestration import landing
from orchestration.defs.schedules import refresh_job
from orchestration.settings import Settings, load_settings

EVERY_SECONDS = 10
"""How often the sensor looks."""

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def _marks(paths: Iterable[Path]) -> list[str]:
    """What tells a waiting file from every other, and from itself before it grew."""
    marks = []
    for path in paths:
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        facts = (os.fsencode(path), status.st_ino, status.st_size, status.st_mtime_ns)
        marks.append(hashlib.sha256(repr(facts).encode()).hexdigest())
    return sorted(marks)


def _key(marks: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(marks)).encode()).hexdigest()[:32]


def decide(context: dg.SensorEvaluationContext, now: float) -> dg.SensorResult:
    """Ask for a refresh when the files that wait are new and have not changed for long enough.

    The cursor keeps the files seen last and since when they are the same, by this machine's
    clock, and those that have had their refresh: what a refresh leaves lying starts no other.
    """
    settings = load_settings()
    seen = json.loads(context.cursor or "{}")
    marks = _marks(landing.waiting(settings))
    since = seen.get("since", now) if seen.get("waiting") == marks else now
    had = sorted(set(seen.get("had", [])) & set(marks))
    since = min(since, now)
    cursor = {"waiting": marks, "since": since, "had": had}
    new = sorted(set(marks) - set(had))

    def skip(reason: str) -> dg.SensorResult:
        return dg.SensorResult(skip_reason=reason, cursor=json.dumps(cursor))

    if not marks:
        return skip("Nothing waits in the inbox.")
    if not new:
        return skip(f"{len(marks):,} files wait that have had their refresh: see its warnings.")
    rested, rest = now - since, settings.rest_seconds
    if rested < rest:
        return skip(f"{len(new):,} new files wait; at rest for {rested:.0f} of {rest} seconds.")
    unfinished = dg.RunsFilter(job_name=refresh_job.name, statuses=_UNFINISHED)
    if context.instance.get_runs_count(unfinished):
        return skip(f"{len(new):,} new files wait for the refresh under way to end.")
    cursor["had"] = marks
    request = dg.RunRequest(run_key=_key(new), tags={"new_files": str(len(new))})
    return dg.SensorResult(run_requests=[request], cursor=json.dumps(cursor))


def default_status(settings: Settings) -> dg.DefaultSensorStatus:
    """On where the setting is given; elsewhere an operator switches it on in the UI."""
    is_off = settings.landing_rest_seconds is None
    return dg.DefaultSensorStatus.STOPPED if is_off else dg.DefaultSensorStatus.RUNNING


@dg.sensor(
    name="refresh_after_landing",
    job=refresh_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=default_status(load_settings()),
    description="Starts a refresh when new files have rested in the inbox for"
    " LEARNER_PROGRESS_LANDING_REST_SECONDS (60 where it is switched on without the setting).",
)
def refresh_after_landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Look at the inbox, and ask for a refresh where one is due."""
    return decide(context, time.time())
