"""The rules of staging, progress and marts, as dbt unit tests: each is a fact that must hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import raw
from orchestration.models import DBT_PROJECT, dbt_environment
from orchestration.warehouse import open_warehouse
from tests.conftest import at

MODELS = ["--resource-type", "model"]
UNIT_TESTS = ["--resource-type", "unit_test"]
PURE_RENAMES = {"stg_events", "stg_refreshes", "refreshes"}


@pytest.fixture
def results(settings, tmp_path) -> list[dict[str, str]]:
    """What became of every model, built without data, and of every unit test.

    The models stand before, because facts about what a refresh adds need a table to add to.
    """
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
    with dbt_environment(settings, at("2025-07-01"), tmp_path / "snapshot.duckdb"):
        run_dbt(["run"], tmp_path)
        printed = run_dbt(["build", *MODELS, *UNIT_TESTS], tmp_path)
    written = tmp_path / "run_results.json"
    assert written.exists(), printed
    return json.loads(written.read_text(encoding="utf-8"))["results"]


def run_dbt(command: list[str], folder: Path) -> str:
    dbt = str(Path(sys.executable).parent / "dbt")
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    folders = ["--target-path", str(folder), "--log-path", str(folder)]
    return subprocess.run(
        [dbt, *command, *project, *folders, "--quiet"], capture_output=True, text=True, check=False
    ).stdout


def test_every_fact_holds_and_every_model_that_computes_has_one(results):
    broken = {
        result["unique_id"]: result["message"]
        for result in results
        if result["status"] not in {"success", "pass"}
    }
    assert broken == {}
    names = [result["unique_id"].split(".") for result in results]
    models = {name[2] for name in names if name[0] == "model"}
    assert models - {name[2] for name in names if name[0] == "unit_test"} == PURE_RENAMES
