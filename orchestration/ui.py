"""Starts Dagster's UI and daemon, with the run history under the home folder and no telemetry."""

import os
import sys
from pathlib import Path

from orchestration.dagster_home import enter_dagster_home, prepare_dagster_home
from orchestration.settings import PROJECT_ROOT, load_settings

INSTANCE = """\
# One run at a time, and nothing is sent anywhere.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
"""


def main() -> None:
    """Become `dagster dev` for this project; the port is 3000, or the first argument."""
    settings = load_settings()
    prepare_dagster_home(settings, INSTANCE)
    enter_dagster_home(settings)
    os.chdir(PROJECT_ROOT)
    tools = Path(sys.executable).parent
    port = sys.argv[1] if len(sys.argv) > 1 else "3000"
    dagster = str(tools / "dagster")
    os.execv(dagster, [dagster, "dev", "-m", "orchestration.definitions", "-p", port])  # noqa: S606


if __name__ == "__main__":
    main()
