"""Refreshes started at once by every way there is, with a real Dagster and its daemon."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import published
from orchestration.refresh import refresh
from orchestration.settings import Settings
from orchestration.warehouse import writer_lock
from tests.conftest import assert_same_tables, readers_tables
from tests.orchestration.service import Service, home_with_files, serving, until

pytestmark = pytest.mark.slow

IN_PROCESS = """
import dagster
from orchestration.definitions import defs
with dagster.DagsterInstance.ephemeral() as instance:
    assert defs.resolve_job_def("refresh").execute_in_process(instance=instance).success
"""


def started(settings: Settings, *command: str) -> "subprocess.Popen[str]":
    """A refresh by another process, whose environment is as bare as cron's."""
    return subprocess.Popen(
        command,
        cwd="/",
        env={"LEARNER_PROGRESS_HOME": str(settings.home), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ten_refreshes_started_at_once_by_five_ways_run_one_after_another(tmp_path):
    settings = home_with_files(tmp_path / "home")
    tools = Path(sys.executable).parent
    cli = [str(tools / "learner-progress"), "refresh"]
    cron = ["/bin/sh", "-c", f"cd '{tmp_path}' && exec '{cli[0]}' refresh --json"]
    scheduled = {"refresh_cron": "* * * * *", "landing_rest_seconds": "0"}
    names = {f"LEARNER_PROGRESS_{name.upper()}": value for name, value in scheduled.items()}
    with serving(settings.home, **names) as service:
        with writer_lock(settings, who="the referee"):
            by_hand = [started(settings, *cli) for _ in range(3)]
            by_hand += [started(settings, *cron) for _ in range(2)]
            by_hand += [started(settings, sys.executable, "-c", IN_PROCESS) for _ in range(2)]
            until(lambda: _by(service, "sensor_name"), "the sensor to see the files")
            (sensed,) = _by(service, "sensor_name")
            until(lambda: "Waiting" in service.log(sensed), "the sensor's run to wait")
            assert "(the referee)" in service.log(sensed)
            until(lambda: _by(service, "schedule_name"), "the schedule to tick")
            launched = service.launch()
        for process in by_hand:
            _, said = process.communicate(timeout=1_200)
            assert process.returncode == 0, said
            assert "is being written by process" in said
        for run in (sensed, _by(service, "schedule_name")[-1], launched):
            assert service.ended(run) == "SUCCESS"
        assert _by(service, "sensor_name") == [sensed]
        runs = service.runs().values()
        assert {run["status"] for run in runs if run["endTime"]} == {"SUCCESS"}
    _assert_one_after_another(settings, at_least=len(by_hand) + 3)
    _assert_same_as_one_refresh(settings, tmp_path / "reference")


def _by(service: Service, starter: str) -> list[str]:
    """The refreshes that a schedule or a sensor started."""
    return [
        name
        for name, run in service.runs().items()
        if run["jobName"] == "refresh" and f"dagster/{starter}" in run["tags"]
    ]


def _assert_one_after_another(settings: Settings, *, at_least: int) -> None:
    refreshes = published.read_table("refreshes", settings).sort_values("refresh_id")
    assert len(refreshes) >= at_least
    ends = refreshes["published_at"].tolist()
    starts = refreshes["refresh_id"].tolist()[1:]
    stamps = [f"{end:%Y%m%dT%H%M%S%fZ}" for end in ends]
    assert all(end < start for end, start in zip(stamps, starts, strict=False))
    assert sorted(refreshes["new_events"])[-2:] == [0, 1]


def _assert_same_as_one_refresh(settings: Settings, home: Path) -> None:
    reference = home_with_files(home)
    newest = published.latest_refresh(settings)
    refresh(reference, as_of=newest["as_of"])
    assert_same_tables(readers_tables(settings), readers_tables(reference))
