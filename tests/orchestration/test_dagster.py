"""What Dagster's operators get: one graph, checks, a job that publishes, a schedule that is on."""

import gc
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from orchestration import built, published
from orchestration.defs.resources import RefreshRun
from orchestration.garbage import SELDOM
from orchestration.models import DBT_PROJECT
from orchestration.settings import InvalidSetting, load_settings
from orchestration.warehouse import open_warehouse

COURSE = {"course_id": "knots", "title": "Knots"}
EVENT = {
    "event_type": "lesson_viewed",
    "learner_id": "ada",
    "course_id": "knots",
    "lesson_id": "bowline",
    "occurred_at": "2025-02-03T12:00:00Z",
}
SNAPSHOT = dg.AssetKey(["published", "learner_progress"])
AS_OF = {"resources": {"refresh_run": {"config": {"as_of": "2025-07-01T00:00:00Z"}}}}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    dbt = str(Path(sys.executable).parent / "dbt")
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    subprocess.run([dbt, "parse", "--quiet", *folders], check=True)
    from orchestration.definitions import defs

    return defs


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEARNER_PROGRESS_HOME", str(tmp_path_factory.mktemp("home")))
        settings = load_settings()
        for source, rows in (("courses", [COURSE]), ("events", [EVENT, EVENT, {"event_id": 1}])):
            (settings.landing / source).mkdir(parents=True)
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (settings.landing / source / f"{source}.jsonl").write_text(text, encoding="utf-8")
        yield settings


@pytest.fixture(scope="module")
def instance():
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture(scope="module")
def refreshed(defs, home, instance):
    """The result of the job's first run on a fresh home."""
    job = defs.resolve_job_def("refresh")
    return job.execute_in_process(instance=instance, run_config=AS_OF)


def made(result, *path: str) -> dict[str, object]:
    """The figures of an asset that a run made."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey(path):
            return {name: v.value for name, v in event.materialization.metadata.items()}
    raise AssertionError(path)


def test_the_graph_leads_from_the_inbox_to_the_snapshot_and_its_readers(defs):
    graph = defs.resolve_asset_graph()
    upstream = {key.path[0] for key in graph.get_ancestor_asset_keys(SNAPSHOT)}
    assert upstream == {"landing", "raw", "staging", "progress", "marts"}
    assert {key.path[0] for key in graph.get(SNAPSHOT).child_keys} == {"readers", "published"}
    for key in graph.get_all_asset_keys():
        assert graph.get(key).group_name == key.path[0]


def test_every_asset_says_what_it_is_who_keeps_it_and_where_to_read_on(defs):
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        asset = graph.get(key)
        assert asset.description, key
        assert asset.owners, key
        assert asset.kinds, key
        assert Path(asset.metadata["page"].value).is_file(), key


def test_every_table_that_readers_see_has_a_check_of_its_key_and_its_columns(defs):
    graph = defs.resolve_asset_graph()
    for table in graph.get(SNAPSHOT).parent_keys:
        names = {key.name for key in graph.asset_check_keys if key.asset_key == table}
        assert "columns_are_as_promised" in names
        assert any(name.startswith("is_unique_") for name in names)


def test_every_test_of_dbt_is_a_check(defs):
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    assert {path.stem for path in (DBT_PROJECT / "tests").glob("*.sql")} <= checks


def test_a_run_looks_for_garbage_seldom_and_leaves_python_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(tmp_path))
    usual = (700, 10, 10)
    gc.set_threshold(*usual)
    with dg.build_resources({"refresh_run": RefreshRun()}):
        assert gc.get_threshold() == SELDOM
    assert gc.get_threshold() == usual


def test_the_refresh_runs_every_hour_by_default(defs):
    (schedule,) = [one for one in defs.schedules if one.job_name == "refresh"]
    assert schedule.cron_schedule == "0 * * * *"
    assert schedule.execution_timezone == "UTC"
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


@pytest.mark.parametrize(
    "cron", ["", "hourly", "* * * *", "61 * * * *", "* * * * * *", "0 0 31 2 *"]
)
def test_a_cron_that_never_is_is_named_in_a_sentence(monkeypatch, cron):
    monkeypatch.setenv("LEARNER_PROGRESS_REFRESH_CRON", cron)
    with pytest.raises(InvalidSetting, match=r"LEARNER_PROGRESS_REFRESH_CRON .* five cron fields"):
        load_settings()


def test_the_job_lands_builds_checks_and_publishes(refreshed, home):
    assert refreshed.success
    checks = refreshed.get_asset_check_evaluations()
    failed = {check.check_name for check in checks if not check.passed}
    assert failed == {"rejected_lines_are_few", "rejected_share", "event_gap"}
    assert published.read_table("course_completion", home)["course_title"].tolist() == ["Knots"]
    assert str(published.read_table("refreshes", home)["as_of"][0]) == "2025-07-01 00:00:00"


def test_what_landed_is_told_in_figures(refreshed):
    events = made(refreshed, "raw", "events")
    counts = ("files", "lines", "accepted", "duplicates", "rejected", "ignored")
    assert [events[name] for name in counts] == [1, 3, 1, 1, 1, 0]
    assert events["bytes"] > 100
    assert (events["dagster/row_count"], events["new_rows"]) == (1, 1)
    assert made(refreshed, "raw", "landed_files")["dagster/row_count"] == 2
    (observed,) = [
        event.asset_observation_data.asset_observation
        for event in refreshed.get_asset_observation_events()
        if event.asset_key == dg.AssetKey(["landing", "events"])
    ]
    assert observed.metadata["rejected"].value == 1


def test_a_table_is_told_with_its_rows_columns_and_their_sources(refreshed):
    table = made(refreshed, "marts", "course_completion")
    assert table["dagster/row_count"] == 1
    columns = {column.name: column for column in table["dagster/column_schema"].columns}
    assert columns["enrolled_learners"].type == "BIGINT"
    assert not columns["enrolled_learners"].constraints.nullable
    assert "six decimals" in columns["completion_rate"].description
    assert "`marts.ever_enrolled.is_completed`" in columns["completion_rate"].description
    sources = table["dagster/column_lineage"].deps_by_column["course_title"]
    stg_courses = dg.AssetKey(["staging", "stg_courses"])
    assert sources == [dg.TableColumnDep(stg_courses, "course_title")]


def test_the_snapshot_is_told_with_its_refresh_and_size(refreshed, home, instance):
    snapshot = made(refreshed, "published", "learner_progress")
    newest = published.latest_refresh(home)
    assert snapshot["refresh_id"] == newest["refresh_id"]
    assert snapshot["previous_refresh_id"] == "none"
    assert snapshot["bytes"] == home.snapshot_file.stat().st_size
    assert snapshot["rows of marts.course_completion"] == 1
    run = instance.get_run_by_id(refreshed.run_id)
    assert run.tags["refresh_id"] == newest["refresh_id"]


def test_the_report_is_printed_beside_the_snapshot_after_the_refresh(
    defs, refreshed, home, instance
):
    assert not home.report_file.exists()
    context = dg.build_sensor_context(instance=instance, definitions=defs)
    sensor = defs.resolve_sensor_def("report_after_publish")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    (asked,) = sensor.evaluate_tick(context).run_requests
    assert asked.run_key == refreshed.run_id
    job = defs.resolve_job_def(sensor.job_name)
    result = job.execute_in_process(instance=instance)
    report = made(result, "published", "report")
    assert report["refresh_id"] == published.latest_refresh(home)["refresh_id"]
    assert "Knots" in home.report_file.read_text(encoding="utf-8")


@pytest.mark.usefixtures("refreshed")
def test_a_table_that_is_not_as_promised_is_found(home):
    from orchestration.defs.checks import promises_kept
    from orchestration.defs.dbt import promised

    tables = built.tables(home, home.snapshot_file.resolve())
    made = {node["unique_id"] for node in promised}
    assert all(check.passed for check in promises_kept(tables, made))
    table = tables["marts", "course_completion"]
    columns = (replace(table.columns[0], type="BIGINT"), *table.columns[1:-1])
    tables["marts", "course_completion"] = replace(table, columns=columns, key=())
    (broken,) = [check for check in promises_kept(tables, made) if not check.passed]
    for part in ("course_id is BIGINT", "average_progress_percentage is missing", "key"):
        assert part in broken.description


@pytest.mark.usefixtures("refreshed")
def test_a_failing_test_is_red_and_publishes_nothing(defs, home, instance):
    before = published.latest_refresh(home)
    with open_warehouse(home) as connection:
        connection.execute("create table raw.kept as from raw.events; delete from raw.events")
    job = defs.resolve_job_def("refresh")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    evaluations = result.get_asset_check_evaluations()
    graph = defs.resolve_asset_graph()
    judged = {key for key in graph.asset_check_keys if key.asset_key != SNAPSHOT}
    assert {check.asset_check_key for check in evaluations} == judged
    failed = {check.check_name: check for check in evaluations if not check.passed}
    red = {name for name, check in failed.items() if check.severity == dg.AssetCheckSeverity.ERROR}
    assert red == {
        "every_line_is_accounted_for",
        "every_event_is_a_view_or_a_completion_of_its_learner",
    }
    assert published.latest_refresh(home) == before
    with open_warehouse(home) as connection:
        connection.execute("insert into raw.events from raw.kept; drop table raw.kept")
    assert job.execute_in_process(instance=instance).success


@pytest.mark.usefixtures("refreshed")
def test_a_selection_is_never_published(defs, home, instance):
    before = published.latest_refresh(home)
    graph = defs.resolve_asset_graph()
    keys = [key for key in graph.executable_asset_keys if key.path[0] in {"raw", "published"}]
    job = dg.define_asset_job("partial", selection=keys, executor_def=dg.in_process_executor)
    partial = dg.Definitions(
        assets=defs.assets, jobs=[job], resources=defs.resources
    ).resolve_job_def("partial")
    result = partial.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert published.latest_refresh(home) == before
