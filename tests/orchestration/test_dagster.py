"""What Dagster's operators get: one graph, checks, a job that publishes, a schedule that is on."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration import published
from orchestration.models import DBT_PROJECT
from orchestration.settings import load_settings

COURSE = {"course_id": "knots", "title": "Knots"}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    dbt = str(Path(sys.executable).parent / "dbt")
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    subprocess.run([dbt, "parse", "--quiet", *folders], check=True)
    from orchestration.definitions import defs

    return defs


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(tmp_path))
    settings = load_settings()
    inbox = settings.landing / "courses"
    inbox.mkdir(parents=True)
    (inbox / "courses.jsonl").write_text(json.dumps(COURSE) + "\n", encoding="utf-8")
    return settings


def test_the_graph_leads_from_the_inbox_to_the_snapshot(defs):
    graph = defs.resolve_asset_graph()
    snapshot = dg.AssetKey(["published", "learner_progress"])
    upstream = {key.path[0] for key in graph.get_ancestor_asset_keys(snapshot)}
    assert upstream == {"landing", "raw", "staging", "progress", "marts"}
    for key in graph.get_all_asset_keys():
        assert graph.get(key).group_name == key.path[0]


def test_every_table_that_readers_see_has_a_check(defs):
    graph = defs.resolve_asset_graph()
    checked = {key.asset_key for key in graph.asset_check_keys}
    snapshot = dg.AssetKey(["published", "learner_progress"])
    assert graph.get(snapshot).parent_keys <= checked


def test_the_refresh_runs_every_hour_by_default(defs):
    (schedule,) = [one for one in defs.schedules if one.name == "refresh_hourly"]
    assert schedule.job_name == "refresh"
    assert schedule.cron_schedule == "0 * * * *"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_maintenance_runs_every_week_by_default_and_says_what_it_did(defs, home):
    schedule = next(schedule for schedule in defs.schedules if schedule.name == "maintain_weekly")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    with dg.instance_for_test() as instance:
        left = home.home / ".warehouse.compacting.duckdb"
        left.write_bytes(b"x")
        job = defs.resolve_job_def(schedule.job_name)
        result = job.execute_in_process(instance=instance)
    assert result.success
    assert not left.exists()


def test_the_job_lands_builds_checks_and_publishes(defs, home):
    with dg.instance_for_test() as instance:
        result = defs.resolve_job_def("refresh").execute_in_process(
            instance=instance,
            run_config={
                "resources": {"refresh_run": {"config": {"as_of": "2025-07-01T00:00:00Z"}}}
            },
        )
        assert result.success
        checks = result.get_asset_check_evaluations()
        assert checks
        assert all(check.passed for check in checks)
    assert published.read_table("course_completion", home)["course_title"].tolist() == ["Knots"]
    assert str(published.read_table("refreshes", home)["as_of"][0]) == "2025-07-01 00:00:00"


def test_a_selection_is_never_published(defs, home):
    graph = defs.resolve_asset_graph()
    keys = [key for key in graph.executable_asset_keys if key.path[0] in {"raw", "published"}]
    job = dg.define_asset_job("partial", selection=keys, executor_def=dg.in_process_executor)
    partial = dg.Definitions(
        assets=defs.assets, jobs=[job], resources=defs.resources
    ).resolve_job_def("partial")
    with dg.instance_for_test() as instance:
        result = partial.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert published.latest_refresh(home) is None
