"""MetricFlow over the published snapshot: its command `mf`, for this project's home."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from orchestration.published import NothingPublished, connect
from orchestration.settings import PREFIX, PROJECT_ROOT, InvalidSetting, Settings, load_settings

METRICS = PROJECT_ROOT / "metrics"
VIEWS = METRICS / "target" / "metrics.duckdb"


class MetricsFailed(Exception):
    """MetricFlow is not installed, or its views could not be made; the message says which."""


def enter_metrics(settings: Settings) -> None:
    """Make what MetricFlow reads where it is missing or old, and go where it looks for it.

    This process then has the folder `metrics/` and the snapshot in its environment; nothing that
    it does writes to the home folder, and nothing is sent anywhere.

    Raises:
        NothingPublished: no refresh has been published yet.
        MetricsFailed: MetricFlow is missing, or a view does not fit the snapshot.
    """
    if find_spec("dbt_metricflow") is None:
        raise MetricsFailed("MetricFlow is not installed: install the extra `metrics`.")
    connect(settings).close()
    os.environ[f"{PREFIX}HOME"] = str(settings.home)
    os.environ["DBT_PROFILES_DIR"] = os.environ["DBT_PROJECT_DIR"] = str(METRICS)
    os.chdir(METRICS)
    VIEWS.parent.mkdir(exist_ok=True)
    with FileLock(VIEWS.with_suffix(".lock")):
        if not _is_current():
            _make_views()


def _is_current() -> bool:
    sources = [path for path in METRICS.rglob("*.*") if "target" not in path.parts]
    newest = max(path.stat().st_mtime for path in sources if path.suffix in (".sql", ".yml"))
    return VIEWS.exists() and VIEWS.stat().st_mtime > newest


def _make_views() -> None:
    VIEWS.unlink(missing_ok=True)
    dbt = Path(sys.executable).parent / "dbt"
    done = subprocess.run(  # noqa: S603
        [dbt, "run", "--quiet", "--target", "views"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        VIEWS.unlink(missing_ok=True)
        said = (done.stdout.strip() or done.stderr.strip() or "no reason").splitlines()
        raise MetricsFailed(f"The metrics' views could not be made: {said[-1].strip()}")


class _NoUpdates:
    """Asks no package index for a newer version."""

    def check(self, *_: object) -> None:
        """Know of none."""


def main() -> None:
    """Become `mf` with the arguments given; a foreseeable fault is one sentence and exit code 1."""
    try:
        enter_metrics(load_settings())
    except (InvalidSetting, MetricsFailed, NothingPublished) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    from dbt_metricflow.cli import main as metricflow

    metricflow.UpdateChecker = _NoUpdates  # type: ignore[attr-defined]
    metricflow.cli()


if __name__ == "__main__":
    main()
