"""Macros in which engines differ mean the same on each."""

import re
from datetime import datetime

import pytest
from dbt.cli.main import dbtRunner

from orchestration import dbt_connections, models, raw
from orchestration.models import DBT_PROJECT, dbt_environment
from orchestration.settings import load_settings
from tests.spark.facts import FACTS, query

OPERATIONS = {
    *("prepare_cluster", "show_database", "show_raw_table", "spark__get_empty_schema_sql"),
    *("drop_standing", "persist_docs", "rows_among"),
}
"""What does something, or says how, and returns no expression that could be a fact."""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_every_fact_about_the_macros_holds(engine, tmp_path, request):
    ports = {}
    if engine == "spark":
        ports = {"spark_port": request.getfixturevalue("cluster").spark_port}
    settings = load_settings(home=tmp_path, timezone="Europe/Vienna", _env_file=None, **ports)
    with raw.opened(settings):
        pass
    arguments = ["show", "--inline", query(), "--limit", "-1", "--quiet", "--target", engine]
    arguments += ["--vars", models.settings_fingerprint(settings)]
    with dbt_environment(settings, datetime(2025, 7, 1), tmp_path / "snapshot.duckdb"):
        shown = dbtRunner().invoke([*arguments, *folders(tmp_path)])
        dbt_connections.close()
    assert shown.success, shown.exception or shown.result.results[0].message
    holds = {row["fact"]: row["holds"] for row in shown.result.results[0].agate_table.rows}
    assert len(holds) == len(FACTS)
    assert [fact for fact, is_so in holds.items() if not is_so] == []


def folders(home):
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    return [*project, "--target-path", str(home / "target"), "--log-path", str(home / "logs")]


def test_every_macro_in_which_engines_differ_has_a_fact():
    texts = [path.read_text("utf-8") for path in (DBT_PROJECT / "macros/engine").glob("*.sql")]
    defined = {name for text in texts for name in re.findall(r"macro (\w+)\(", text)}
    named = {name for name in defined if not re.match(r"(default|duckdb)__", name)} - OPERATIONS
    named = {name.removeprefix("spark__") for name in named}
    facts = " ".join(is_ for _, is_, _ in FACTS)
    assert [name for name in sorted(named) if f"{name}(" not in facts] == []
