"""Serves Dagster without its development mode: the web server, the daemon, or both."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from orchestration import models
from orchestration.operations.dagster_home import enter_dagster_home, prepare_dagster_home
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.ui import INSTANCE

MODULE = ["-m", "orchestration.definitions"]
GRACE_SECONDS = 60
"""How long a process may take to end before it is killed."""


class ManifestMissing(Exception):
    """The models were never parsed, so Dagster can't know them; the message says what to run."""


def serve(settings: Settings, part: str | None, *, host: str, port: int) -> int:
    """Serve one part in this process's place, or both as children until one of them ends.

    Args:
        part: `webserver`, `daemon`, or None for both.

    Returns:
        The exit code of the child that ended first, which ends the other; 0 after a signal.

    Raises:
        ManifestMissing, PostgresMissing: nothing was started.
    """
    if not (models.DBT_PROJECT / "target" / "manifest.json").exists():
        raise ManifestMissing("The models were never parsed: run `make setup` first.")
    prepare_dagster_home(settings, INSTANCE)
    enter_dagster_home(settings)
    os.chdir(PROJECT_ROOT)
    tools = Path(sys.executable).parent
    commands = {
        "webserver": [str(tools / "dagster-webserver"), *MODULE, "-h", host, "-p", str(port)],
        "daemon": [str(tools / "dagster-daemon"), "run", *MODULE],
    }
    if part is not None:
        os.execv(commands[part][0], commands[part])  # noqa: S606
    return _both(list(commands.values()))


def _both(commands: Sequence[Sequence[str]]) -> int:
    """Run commands side by side; the end of one, or a signal, ends them all."""
    asked: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    children = [subprocess.Popen(command) for command in commands]  # noqa: S603
    while not asked and all(child.poll() is None for child in children):
        time.sleep(0.2)
    ended = next((child.returncode for child in children if child.returncode is not None), 0)
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    return 0 if asked else ended or 1
