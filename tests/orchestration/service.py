"""Dagster as `make ui` starts it, on a home and a port of its own, and what its API answers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestration.settings import Settings, load_settings

PATIENCE = 600
"""Seconds to wait for anything: what is waited for takes seconds on an idle machine."""

OVER = ("SUCCESS", "FAILURE", "CANCELED")
"""What a run is at its end."""

SELECTOR = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "orchestration.definitions",
}

UNSCHEDULED = {"LEARNER_PROGRESS_REFRESH_CRON": "0 0 1 1 *"}
"""A schedule that doesn't tick while tests run."""

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

_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_LOADED = """
query ($selector: RepositorySelector!) {
  repositoryOrError(repositorySelector: $selector) { __typename }
}
"""
_RUNS = """{ runsOrError { ... on Runs { results {
  runId status jobName startTime endTime tags { key value } } } } }"""
_LOG = """
query ($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
  __typename ... on MessageEvent { message }
  ... on ExecutionStepFailureEvent { error { message causes { message } } } } } } }
"""


def home_with_files(home: Path) -> Settings:
    """A home folder whose inbox holds a small course."""
    settings = load_settings(home=home, _env_file=None)
    for source, rows in ROWS.items():
        folder = settings.landing / source
        folder.mkdir(parents=True)
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{source}.jsonl").write_text(lines, encoding="utf-8")
    return settings


@dataclass(frozen=True)
class Service:
    """A running Dagster: where it is, and its processes' leader."""

    home: Path
    url: str
    process: "subprocess.Popen[bytes]"

    def ask(self, query: str, **variables: object) -> dict:
        """The data that the API answers."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def launch(self, job: str = "refresh", *, config: object = None, **selection: object) -> str:
        """Start a run; its id."""
        selector = {**SELECTOR, "jobName": job, **selection}
        params = {"selector": selector, "runConfigData": config or {}, "mode": "default"}
        answer = self.ask(_LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def runs(self) -> dict[str, dict]:
        """Every run by its id, the newest first."""
        runs = self.ask(_RUNS)["runsOrError"]["results"]
        for run in runs:
            run["tags"] = {tag["key"]: tag["value"] for tag in run["tags"]}
        return {run["runId"]: run for run in runs}

    def ended(self, run: str) -> str:
        """Wait for a run to end; its status."""
        until(
            lambda: self.runs()[run]["status"] in OVER,
            f"run {run} to end",
            told=lambda: self.story(run),
        )
        return self.runs()[run]["status"]

    def log(self, run: str) -> str:
        """What the run's log says."""
        return json.dumps(self.ask(_LOG, run=run)["logsForRun"]["events"])

    def story(self, run: str) -> str:
        """What is known of a run that doesn't get on: runs, log, service.log."""
        states = [f"{one['jobName']} {one['status']}" for one in self.runs().values()]
        said = (self.home / "service.log").read_text(errors="replace").splitlines()
        return "\n".join([str(states), self.log(run), *said[-100:]])


def until(is_so: Callable[[], object], what: str, told: Callable[[], str] = str) -> None:
    """Wait until something is so; a failure says what is told of it."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"waited too long for {what}\n{told()}"
        time.sleep(0.5)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Service]:
    """Dagster on this home for the length of the block, started by the command of `make ui`."""
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "LEARNER_PROGRESS_HOME": str(home), **settings}
    with (home / "service.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.ui", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(home, f"http://127.0.0.1:{port}", process)
    try:
        until(lambda: _answers(service), f"Dagster to answer; see {home / 'service.log'}")
        yield service
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", how: int = signal.SIGINT) -> None:
    """End a Dagster and all that it started, gently if `how` is, and for certain."""
    if process.poll() is None:
        os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answers(service: Service) -> bool:
    assert service.process.poll() is None, (service.home / "service.log").read_text()
    try:
        loaded = service.ask(_LOADED, selector=SELECTOR)["repositoryOrError"]["__typename"]
    except (OSError, AssertionError):
        return False
    assert loaded != "PythonError", (service.home / "service.log").read_text()
    return loaded == "Repository"
