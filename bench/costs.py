"""What a whole process costs: seconds, seconds of processor time, and the peak of its memory."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from orchestration.settings import PREFIX, PROJECT_ROOT


class CommandFailed(Exception):
    """A measured command failed; the message holds it, and what it said last."""


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds, seconds of processor time, and at most so many MB."""

    seconds: float
    processor: float
    peak: float
    said: str = ""


def cost_of(command: Sequence[str | Path], *, home: Path | None = None, **settings: object) -> Cost:
    """Run a command as a process of its own, in a home folder and with settings of its own.

    Raises:
        CommandFailed: it didn't exit with 0.
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {PREFIX + name.upper(): str(value) for name, value in settings.items()}
    if home:
        environment[f"{PREFIX}HOME"] = str(home)
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [str(part) for part in command],
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(map(str, command))} failed: {said[-2000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def medians(costs: Sequence[Cost]) -> Cost:
    """The median of each measure."""
    return Cost(
        median(cost.seconds for cost in costs),
        median(cost.processor for cost in costs),
        median(cost.peak for cost in costs),
    )
