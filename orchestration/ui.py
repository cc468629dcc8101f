"""Starts Dagster's UI and daemon, with the run history under the home folder and no telemetry."""

import os
import sys
from pathlib import Path

from orchestration.operations.dagster_home import (
    PostgresMissing,
    enter_dagster_home,
    prepare_dagster_home,
)
from orchestration.settings import PROJECT_ROOT, InvalidSetting, load_settings

INSTANCE = """\
# One run at a time, and nothing is sent anywhere.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
# A run whose process was killed fails within a minute, and holds up no other.
run_monitoring:
  enabled: true
  poll_interval_seconds: 20
  start_timeout_seconds: 300
run_launcher:
  module: orchestration.defs.launcher
  class: WatchedRunLauncher
"""


def main() -> None:
    """Become `dg dev` for this project; the port is 3000, or the first argument."""
    try:
        settings = load_settings()
        prepare_dagster_home(settings, INSTANCE)
    except (InvalidSetting, PostgresMissing) as error:
        sys.exit(f"Error: {error}")
    enter_dagster_home(settings)
    os.chdir(PROJECT_ROOT)
    port = sys.argv[1] if len(sys.argv) > 1 else "3000"
    dg = str(Path(sys.executable).parent / "dg")
    os.execv(dg, [dg, "dev", "-m", "orchestration.definitions", "-p", port])  # noqa: S606


if __name__ == "__main__":
    main()
