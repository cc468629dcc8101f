"""The processes of the cluster on this machine: started, known again, ended."""

import json
import subprocess
from pathlib import Path

from orchestration.settings import Settings


def folder(settings: Settings) -> Path:
    """Where the cluster on this machine keeps its state and its logs."""
    return settings.home / "spark" / "cluster"


def processes(settings: Settings) -> dict[str, int]:
    """The cluster's processes that run: name → pid, in the order in which they were started."""
    try:
        noted = json.loads(pids_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: pid for name, pid in noted.items() if _is_spark(pid)}


def launch(settings: Settings, environment: dict[str, str], name: str, command: list[str]) -> None:
    """Start a program of Spark; its log and its pid are kept in `folder(settings)`."""
    program = Path(environment["SPARK_HOME"]) / "bin" / command[0]
    logs = folder(settings) / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{name}.log").open("wb") as log:
        # The scripts become the Java process, so its pid is this one; its session is its own.
        process = subprocess.Popen(  # noqa: S603
            [program, *command[1:]],
            env=environment,
            cwd=folder(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    file = pids_file(settings)
    noted = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    noted[name] = process.pid
    file.write_text(json.dumps(noted), encoding="utf-8")


def pids_file(settings: Settings) -> Path:
    """Where the pids are noted, by name."""
    return folder(settings) / "pids.json"


def _is_spark(pid: int) -> bool:
    """Whether a process runs and is of Spark: a pid may be another's by now."""
    told = subprocess.run(  # noqa: S603
        ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return "org.apache.spark" in told and not told.startswith("Z")
