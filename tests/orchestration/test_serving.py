"""What a server runs: Dagster's settings, the check of health, and the units of systemd."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from dagster import DagsterInstance

from orchestration.operations import dagster_home
from orchestration.operations.dagster_home import (
    PostgresMissing,
    enter_dagster_home,
    prepare_dagster_home,
)
from orchestration.operations.health import health
from orchestration.operations.serve import ManifestMissing, _both, serve
from orchestration.settings import PROJECT_ROOT, load_settings
from orchestration.ui import INSTANCE
from orchestration.warehouse import utc_now

DEPLOY = PROJECT_ROOT / "deploy"
URL = "postgresql://dagster:s3cret@db/dagster"


@pytest.fixture
def environment(monkeypatch):
    """The environment, brought back after the test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def written(settings):
    prepare_dagster_home(settings, INSTANCE)
    return yaml.safe_load((settings.dagster_home / "dagster.yaml").read_text(encoding="utf-8"))


def test_dagster_accepts_its_settings_and_keeps_them_in_sqlite(settings):
    assert written(settings)["telemetry"] == {"enabled": False}
    with DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        assert instance.get_settings("retention")["schedule"] == {"purge_after_days": 90}
        assert "Sqlite" in type(instance.run_storage).__name__


def test_the_address_of_postgresql_goes_by_the_environment_only(settings, environment):
    chosen = load_settings(home=settings.home, dagster_postgres_url=URL, _env_file=None)
    assert "s3cret" not in str(written(chosen)) + repr(chosen)
    enter_dagster_home(chosen)
    name = written(chosen)["storage"]["postgres"]["postgres_url"]["env"]
    assert os.environ[name] == "postgresql+psycopg2://dagster:s3cret@db/dagster"
    assert "storage" not in written(settings)


def test_without_its_driver_postgresql_is_refused_in_a_sentence(settings, monkeypatch):
    monkeypatch.setattr(dagster_home, "find_spec", lambda _: None)
    chosen = load_settings(home=settings.home, dagster_postgres_url=URL, _env_file=None)
    with pytest.raises(PostgresMissing, match="extra `postgres`"):
        prepare_dagster_home(chosen, INSTANCE)
    assert not settings.home.exists()


def test_settings_of_dagster_that_an_operator_made_theirs_stay(settings):
    written(settings)
    file = settings.dagster_home / "dagster.yaml"
    file.write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    assert written(settings) == {"telemetry": {"enabled": False}}


def test_nothing_is_served_before_the_models_were_parsed(settings, monkeypatch, tmp_path):
    monkeypatch.setattr("orchestration.models.DBT_PROJECT", tmp_path)
    with pytest.raises(ManifestMissing, match="make setup"):
        serve(settings, None, host="127.0.0.1", port=3000)


def test_when_one_process_ends_the_other_is_ended(tmp_path):
    short = [sys.executable, "-c", "import sys; sys.exit(7)"]
    long = [sys.executable, "-c", "import time; time.sleep(60)"]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        started = time.monotonic()
        assert _both([short, long]) == 7
        assert time.monotonic() - started < 30
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_health_tells_a_missing_an_old_and_a_young_snapshot_apart(settings):
    assert not health(settings)["ok"]
    settings.published.mkdir(parents=True)
    for hours, is_ok in ((1, True), (4, False)):
        settings.snapshot_file.unlink(missing_ok=True)
        snapshot = settings.published / f"learner_progress__{hours}.duckdb"
        with duckdb.connect(str(snapshot)) as connection:
            connection.execute("create schema marts")
            connection.execute(
                "create table marts.refreshes as"
                " select 'r' as refresh_id, $1::timestamp as as_of, $1::timestamp as published_at",
                [utc_now() - timedelta(hours=hours)],
            )
        settings.snapshot_file.symlink_to(snapshot.name)
        assert health(settings)["ok"] is is_ok
        assert health(settings, max_age_hours=5)["ok"]
    assert "more than 3" in health(settings)["message"]


def test_the_units_start_commands_that_exist(tmp_path):
    systemd_analyze = shutil.which("systemd-analyze")
    if systemd_analyze is None:
        pytest.skip("there is no systemd-analyze on this machine")
    tools = Path(sys.executable).parent
    for unit in (DEPLOY / "systemd").glob("*.[st]*"):
        text = unit.read_text(encoding="utf-8").replace(
            "/opt/learner-progress/.venv/bin", str(tools)
        )
        text = text.replace("/opt/learner-progress", str(PROJECT_ROOT))
        (tmp_path / unit.name).write_text(re.sub("(User|Group)=.*", r"\1=root", text))
    units = sorted(str(path) for path in tmp_path.glob("learner-progress-*"))
    done = subprocess.run(
        [systemd_analyze, "verify", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_compose_file_runs_the_commands_that_there_are():
    from orchestration.cli import cli

    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text("utf-8"))[
        "services"
    ]
    assert set(services) == {"webserver", "daemon", "postgres"}
    for name in ("webserver", "daemon"):
        command, part, *_ = services[name]["command"]
        assert part in cli.commands[command].params[0].type.choices
    url = services["webserver"]["environment"]["LEARNER_PROGRESS_DAGSTER_POSTGRES_URL"]
    assert url.startswith("postgresql://")
    assert json.dumps(services).count("${POSTGRES_PASSWORD:?set it}") >= 2
