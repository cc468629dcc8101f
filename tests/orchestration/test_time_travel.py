"""Time travel from Dagster and from the console: what operators start, and what they are told."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import cli, published
from orchestration.models import DBT_PROJECT
from orchestration.settings import load_settings
from orchestration.time_travel.as_of import known
from tests.conftest import at

CHECK = "equals_a_rebuild_from_raw"


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    dbt = str(Path(sys.executable).parent / "dbt")
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    subprocess.run([dbt, "parse", "--quiet", *folders], check=True)
    from orchestration.definitions import defs

    return defs


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(tmp_path / "home"))
    settings = load_settings()
    inbox = settings.landing / "courses"
    inbox.mkdir(parents=True)
    row = {"course_id": "knots", "title": "Knots"}
    (inbox / "courses.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return settings


def run(defs, job, **config):
    with dg.instance_for_test() as instance:
        return defs.resolve_job_def(job).execute_in_process(
            instance=instance, run_config=config, raise_on_error=False
        )


def evaluations(result):
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_every_night_the_snapshot_is_reconciled(defs):
    (schedule,) = [one for one in defs.schedules if one.name == "reconcile_nightly"]
    assert schedule.job_name == "reconcile"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


@pytest.mark.slow
def test_the_check_is_green_after_a_refresh_and_red_with_both_rows_when_a_row_was_changed(
    defs, home
):
    assert evaluations(run(defs, "reconcile"))[CHECK].passed
    config = {"as_of": "2025-07-01T00:00:00Z", "full_refresh": True}
    refreshed = run(defs, "refresh", resources={"refresh_run": {"config": config}})
    assert refreshed.success
    assert CHECK not in evaluations(refreshed)
    green = run(defs, "reconcile")
    assert green.success
    assert evaluations(green)[CHECK].metadata["rows"].value > 0
    with duckdb.connect(str(home.snapshot_file.resolve())) as connection:
        connection.execute("update marts.course_completion set enrolled_learners = 3")
    red = run(defs, "reconcile")
    assert not red.success
    check = evaluations(red)[CHECK]
    assert not check.passed
    assert "marts.course_completion" in check.description
    (difference,) = check.metadata["differences"].value
    assert difference["key"] == ["course_id"]
    (row,) = difference["rows"]
    assert (row["published"]["enrolled_learners"], row["rebuilt"]["enrolled_learners"]) == (3, 0)


def test_the_launchpad_makes_a_snapshot_of_any_past_instant(defs, home):
    for as_of in ("2025-06-30T12:00:00+02:00", "9999-12-31"):
        config = {"make_snapshot_as_of": {"config": {"as_of": as_of}}}
        assert run(defs, "as_of_snapshot", ops=config).success == (as_of < "9999")
    assert known(home) == [at("2025-06-30T10:00:00")]
    assert published.latest_refresh(home) is None


def test_a_backfill_over_days_is_one_run_that_makes_a_snapshot_a_day(defs, home):
    (days,) = [
        asset
        for asset in defs.assets
        if isinstance(asset, dg.AssetsDefinition)
        and dg.AssetKey(["as_of", "learner_progress"]) in asset.keys
    ]
    assert days.backfill_policy == dg.BackfillPolicy.single_run()
    range_of_days = {
        "dagster/asset_partition_range_start": "2025-03-01",
        "dagster/asset_partition_range_end": "2025-03-02",
    }
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [days], instance=instance, resources=dict(defs.resources), tags=range_of_days
        )
        assert instance.get_materialized_partitions(days.key) == {"2025-03-01", "2025-03-02"}
    materialized = result.asset_materializations_for_node("as_of__learner_progress")
    told = {one.partition: one.metadata["as_of"].value for one in materialized}
    assert told["2025-03-01"] == "2025-03-01T23:59:59.999999Z"
    assert [f"{instant:%m-%d}" for instant in known(home)] == ["03-01", "03-02"]


@pytest.fixture
def call(monkeypatch, capsys):
    """Call the console script in this process: exit code, standard output, standard error."""

    def calling(*arguments):
        monkeypatch.setattr(sys, "argv", ["learner-progress", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code
        out, err = capsys.readouterr()
        return code, out, err

    return calling


@pytest.mark.slow
def test_the_console_travels_too(home, call, tmp_path):
    assert call("refresh", "--as-of", "2025-07-01T00:00:00Z")[0] == 0
    code, out, _ = call("snapshot", "--as-of", "2025-06-30", "--json")
    assert code == 0
    assert json.loads(out)[0]["as_of"] == "2025-06-30T23:59:59.999999Z"
    query = "select as_of from marts.refreshes"
    code, out, _ = call("sql", query, "--as-of", "2025-06-30", "--json")
    assert json.loads(out) == [{"as_of": "2025-06-30T23:59:59.999999Z"}]
    assert call("report", "completion", "--as-of", "2025-06-30")[0] == 0
    assert "1 snapshots, from 2025-06-30" in call("status")[1]
    assert "Equal:" in call("reconcile")[1]
    code, out, _ = call("reland", "--into", str(tmp_path / "new"), "--json")
    assert code == 0
    assert json.loads(out)["totals"]["accepted"] == 1
    with duckdb.connect(str(home.snapshot_file.resolve())) as connection:
        connection.execute("delete from marts.course_completion")
    code, out, err = call("reconcile")
    assert code == 1
    assert "knots" in out
    assert err.startswith("Error: ")
    assert "marts.course_completion differ" in err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["snapshot", "--as-of", "9999-12-31"], "lies ahead"),
        (["sql", "select 1", "--as-of", "2025-06-30"], "snapshot --as-of 2025-06-30T23"),
        (["reconcile"], "learner-progress refresh"),
        (["reland", "--into", "elsewhere"], "nothing to re-land"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(home, call, command, sentence):
    code, out, err = call(*command)
    assert (code, out) == (1, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_what_is_no_instant_is_wrong_usage(home, call):
    assert call("snapshot", "--as-of", "2025-02-30")[0] == 2
    assert call("snapshot", "--as-of", "yesterday")[0] == 2
    assert call("snapshot")[0] == 2
