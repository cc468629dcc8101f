"""Starts Dagster's UI and daemon, with the run history under the home folder and no telemetry."""

import os
import sys
from pathlib import Path

from orchestration.settings import PROJECT_ROOT, load_settings

_INSTANCE = """\
# Written by `make ui`: one run at a time, and nothing is sent anywhere.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
"""


def prepare_dagster_home(home: Path) -> None:
    """Make the folder of the run history, with its settings where there are none yet."""
    home.mkdir(parents=True, exist_ok=True)
    settings_file = home / "dagster.yaml"
    if not settings_file.exists():
        settings_file.write_text(_INSTANCE, encoding="utf-8")


def main() -> None:
    """Become `dagster dev` for this project; the port is 3000, or the first argument."""
    dagster_home = load_settings().home / "dagster"
    prepare_dagster_home(dagster_home)
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    os.chdir(PROJECT_ROOT)
    tools = Path(sys.executable).parent
    # Dagster looks for dbt on the PATH when it makes the manifest anew.
    os.environ["PATH"] = os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)])
    port = sys.argv[1] if len(sys.argv) > 1 else "3000"
    dagster = str(tools / "dagster")
    os.execv(dagster, [dagster, "dev", "-m", "orchestration.definitions", "-p", port])  # noqa: S606


if __name__ == "__main__":
    main()
