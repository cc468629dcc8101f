"""Dagster's own history: its old runs, with their events and logs."""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from orchestration.operations.dagster_home import enter_dagster_home
from orchestration.settings import Settings

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def forget_runs_of(settings: Settings, before: datetime) -> int:
    """Remove the old runs of a home's Dagster, which may be running; none where it never ran."""
    if not (settings.dagster_home / "dagster.yaml").exists():
        return 0
    enter_dagster_home(settings)
    with DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        return forget_runs(instance, settings, before)


def forget_runs(instance: DagsterInstance, settings: Settings, before: datetime) -> int:
    """Remove runs that were created before an instant (UTC) and ended; returns how many.

    The newest successful run of every job stays, so that Dagster knows when each asset was made.
    """
    filters = RunsFilter(statuses=FINISHED, created_before=before.replace(tzinfo=UTC))
    old = [record.dagster_run for record in instance.get_run_records(filters)]
    kept = {_newest_success(instance, run.job_name) for run in old}
    removed = [run.run_id for run in old if run.run_id not in kept]
    for run_id in removed:
        instance.delete_run(run_id)
        _forget_files(settings.dagster_home, run_id)
    if removed:
        for database in settings.dagster_home.glob("**/*.db"):
            _shrink(database)
    return len(removed)


def _newest_success(instance: DagsterInstance, job_name: str) -> str | None:
    filters = RunsFilter(job_name=job_name, statuses=[dg.DagsterRunStatus.SUCCESS])
    newest = instance.get_runs(filters, limit=1)
    return newest[0].run_id if newest else None


def _forget_files(dagster_home: Path, run_id: str) -> None:
    """Remove what a run leaves beside the database: its log, and its own event database."""
    shutil.rmtree(dagster_home / "storage" / run_id, ignore_errors=True)
    for path in (dagster_home / "history" / "runs").glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)


def _shrink(database: Path) -> None:
    """Give back what was freed, unless Dagster is writing just now."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(database)) as connection:
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")
