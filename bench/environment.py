"""The machine that a benchmark ran on, and the environment of the tools it compares with."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from orchestration.settings import PROJECT_ROOT

CONSTRAINTS = PROJECT_ROOT / "bench" / "constraints.txt"
ENVIRONMENT = PROJECT_ROOT / "bench" / ".venv"


def machine() -> dict[str, object]:
    """What the numbers depend on: date, processor, memory, system, versions."""
    names = ("duckdb", "dbt-core", "dbt-duckdb", "pyarrow")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in names} | _peers(),
    }


def prepare_peers() -> None:
    """Make the environment of the tools compared with from its hashed constraints."""
    mark, wanted = ENVIRONMENT / "ready", CONSTRAINTS.read_text(encoding="utf-8")
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)  # noqa: S603
    python: list[str | Path] = ["--python", ENVIRONMENT / "bin" / "python"]
    uv: list[str | Path] = [Path(sys.executable).parent / "uv", "pip", "install", "--quiet"]
    install = [*uv, *python, "--compile-bytecode", "--require-hashes", "-r", CONSTRAINTS]
    subprocess.run(install, check=True)  # noqa: S603
    mark.write_text(wanted, encoding="utf-8")


def _peers() -> dict[str, str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split(" ")[0].split("==") for line in lines if "==" in line.split(" ")[0])
    return {name: pinned[name] for name in ("polars", "chdb", "pandas")}


def _line(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
