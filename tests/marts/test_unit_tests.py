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

UNIT_TESTS = ["build", "--resource-type", "model", "--resource-type", "unit_test"]
PURE_RENAMES = {"stg_events", "stg_refreshes", "refreshes"}


@pytest.fixture
def results(settings, tmp_path) -> list[dict[str, str]]:
    """What became of every model, built without data, and of every unit test."""
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
    dbt = str(Path(sys.executable).parent / "dbt")
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    folders = ["--target-path", str(tmp_path), "--log-path", str(tmp_path)]
    with dbt_environment(settings, at("2025-07-01"), tmp_path / "snapshot.duckdb"):
        done = subprocess.run(
            [dbt, *UNIT_TESTS, *project, *folders, "--quiet"],
            capture_output=True,
            text=True,
            check=False,
        )
    written = tmp_path / "run_results.json"
    assert written.exists(), done.stdout
    return json.loads(written.read_text(encoding="utf-8"))["results"]


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
