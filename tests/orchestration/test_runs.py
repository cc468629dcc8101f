"""Runs of a real Dagster with its daemon: one after another, whatever starts or kills them."""

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from orchestration import published
from orchestration.settings import load_settings
from tests.orchestration.service import OVER, UNSCHEDULED, Service, home_with_files, serving, until

pytestmark = pytest.mark.slow


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


def _worker(service: Service, run: str) -> int | None:
    """The process that builds the models of a run; none where Dagster never got to start one."""
    started = r"Started execution of step \\\"dbt_build\\\""

    def is_building_or_over() -> bool:
        return service.runs()[run]["status"] in OVER or bool(re.search(started, service.log(run)))

    until(is_building_or_over, f"run {run} to build models", told=lambda: service.story(run))
    log = service.log(run)
    process = re.search(r"Executing steps in process \(pid: (\d+)\)", log)
    assert process is None or re.search(started, log), service.story(run)
    return int(process[1]) if process else None


def _struck(service: Service, strike: Callable[[str, int], object]) -> str:
    """The end of a run struck while it built models: one over before is followed by another."""
    settings = load_settings(home=service.home, _env_file=None)
    for _ in range(5):
        before = published.latest_refresh(settings)
        run = service.launch()
        if (worker := _worker(service, run)) is None:
            continue
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
    # A run that was faster is followed by another, in a home of its own.
    for attempt in range(5):
        settings = home_with_files(tmp_path / str(attempt))
        with serving(settings.home, **UNSCHEDULED) as service:
            run = service.launch()
            _worker(service, run)
            os.killpg(service.process.pid, signal.SIGKILL)
        if published.latest_refresh(settings) is None:
            break
    assert published.latest_refresh(settings) is None
    with serving(settings.home, **UNSCHEDULED) as service:
        next_one = service.launch()
        assert service.ended(run) == "FAILURE"
        assert "the process that ran it has gone" in service.log(run)
        assert service.ended(next_one) == "SUCCESS"
