"""Runs of a real Dagster with its daemon: one after another, whatever starts or kills them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from orchestration import published
from orchestration.refresh import refresh
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import writer_lock
from tests.conftest import assert_same_tables, readers_tables
from tests.orchestration.service import Service, serving, until

pytestmark = pytest.mark.slow

ROWS = {
    "courses": [{"course_id": "knots", "title": "Knots"}],
    "lessons": [
        {"course_id": "knots", "lesson_id": "bowline", "position": 1, "title": "Bowline"},
        {"course_id": "knots", "lesson_id": "hitch", "position": 2, "title": "Hitch"},
    ],
    "enrollments": [
        {"learner_id": "ada", "course_id": "knots", "enrolled_at": "2025-01-01T00:00:00Z"}
    ],
    "events": [
        {
            "event_id": "e1",
            "event_type": "lesson_completed",
            "learner_id": "ada",
            "course_id": "knots",
            "lesson_id": "bowline",
            "occurred_at": "2025-02-03T12:00:00Z",
        }
    ],
}

UNSCHEDULED = {"LEARNER_PROGRESS_REFRESH_CRON": "0 0 1 1 *"}

IN_PROCESS = """
import dagster
from orchestration.definitions import defs
with dagster.DagsterInstance.ephemeral() as instance:
    assert defs.resolve_job_def("refresh").execute_in_process(instance=instance).success
"""


def home_with_files(home: Path) -> Settings:
    settings = load_settings(home=home, _env_file=None)
    for source, rows in ROWS.items():
        folder = settings.landing / source
        folder.mkdir(parents=True)
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{source}.jsonl").write_text(lines, encoding="utf-8")
    return settings


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


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    settings = home_with_files(tmp_path_factory.mktemp("runs") / "home")
    with serving(settings.home, **UNSCHEDULED) as service:
        yield service


def keys(service: Service, *rooms: str) -> list[dict]:
    asked = "{ assetNodes { assetKey { path } isExecutable isPartitioned } }"
    nodes = [node for node in service.ask(asked)["assetNodes"] if node["isExecutable"]]
    paths = [node["assetKey"]["path"] for node in nodes if not node["isPartitioned"]]
    return [{"path": path} for path in paths if not rooms or path[0] in rooms]


def test_a_selection_publishes_nothing_and_all_together_do(service):
    settings = load_settings(home=service.home, _env_file=None)
    for rooms in (["published"], ["raw", "published"]):
        run = service.launch("__ASSET_JOB", assetSelection=keys(service, *rooms))
        assert service.ended(run) == "FAILURE"
        assert "Launch the job `refresh` instead" in service.log(run)
    models = keys(service, "staging", "progress", "marts")
    run = service.launch("__ASSET_JOB", assetSelection=models)
    assert service.ended(run) == "SUCCESS"
    assert published.latest_refresh(settings) is None
    assert not list(settings.published.glob(".candidate*"))
    as_of = {"refresh_run": {"config": {"as_of": "2025-07-01T00:00:00Z"}}}
    everything = {"assetSelection": keys(service)}
    run = service.launch("__ASSET_JOB", config={"resources": as_of}, **everything)
    assert service.ended(run) == "SUCCESS"
    newest = published.latest_refresh(settings)
    assert str(newest["as_of"]) == "2025-07-01 00:00:00"
    assert service.runs()[run]["tags"]["refresh_id"] == newest["refresh_id"]


TERMINATE = "mutation ($run: String!) { terminateRun(runId: $run) { __typename } }"


def _worker(service: Service, run: str) -> int:
    """The process of a run, once it has started."""
    started = r"Started execution of step \\\"landing\\\""
    until(lambda: re.search(started, service.log(run)), "the run to start")
    return int(re.search(r"Executing steps in process \(pid: (\d+)\)", service.log(run))[1])


def _struck(service: Service, strike: Callable[[str, int], object]) -> str:
    """The end of a run that was struck while it ran: one that was faster is followed by another."""
    settings = load_settings(home=service.home, _env_file=None)
    for _ in range(5):
        before = published.latest_refresh(settings)
        run = service.launch()
        worker = _worker(service, run)
        with suppress(ProcessLookupError):
            strike(run, worker)
        if (end := service.ended(run)) != "SUCCESS":
            assert published.latest_refresh(settings) == before
            return end
    raise AssertionError("every run was over before it was struck")


def test_a_killed_run_shows_as_failed_and_the_next_one_works(service):
    assert _struck(service, lambda _, worker: os.kill(worker, signal.SIGKILL)) == "FAILURE"
    assert service.ended(service.launch()) == "SUCCESS"


def test_a_terminated_run_leaves_nothing_and_the_next_one_works(service):
    end = _struck(service, lambda run, _: service.ask(TERMINATE, run=run))
    assert end in {"CANCELED", "FAILURE"}
    assert service.ended(service.launch()) == "SUCCESS"


def test_a_run_that_died_with_its_dagster_holds_up_no_other(tmp_path):
    settings = home_with_files(tmp_path / "home")
    with serving(settings.home, **UNSCHEDULED) as service:
        run = service.launch()
        _worker(service, run)
        os.killpg(service.process.pid, signal.SIGKILL)
    assert published.latest_refresh(settings) is None
    with serving(settings.home, **UNSCHEDULED) as service:
        next_one = service.launch()
        assert service.ended(run) == "FAILURE"
        assert "the process that ran it has gone" in service.log(run)
        assert service.ended(next_one) == "SUCCESS"
