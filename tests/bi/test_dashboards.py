"""Every tile answers with the figures of its mart, and a role sees what is its own."""

import json
from datetime import datetime

import pytest
import yaml

from bi.make_bundle import committed_bundle
from orchestration.published import connect
from orchestration.refresh import refresh

pytestmark = pytest.mark.slow

CHARTS = {
    path: yaml.safe_load(text)
    for path, text in committed_bundle().items()
    if path.startswith("charts/")
}
DATASETS = {
    asset["uuid"]: asset
    for path, asset in ((p, yaml.safe_load(t)) for p, t in committed_bundle().items())
    if path.startswith("datasets/")
}
HEALTH = {"first-aid", "data-protection"}
LEARNER_LEVEL = {"overdue_learners", "course_progress", "lesson_progress"}


def query_of(chart):
    params = chart["params"]
    where = [f["sqlExpression"] for f in params["adhoc_filters"] if f["expressionType"] == "SQL"]
    query = {"extras": {"where": " and ".join(f"({text})" for text in where)}, "filters": []}
    if chart["viz_type"] == "table":
        return {**query, "columns": params["all_columns"], "metrics": []}
    columns = [params["x_axis"]] if "x_axis" in params else []
    metrics = params.get("metrics") or [params["metric"]]
    return {**query, "columns": columns + params.get("groupby", []), "metrics": metrics}


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.removeprefix("charts/"))
def test_a_tile_answers_without_an_error(path, admin):
    chart = CHARTS[path]
    dataset = DATASETS[chart["dataset_uuid"]]
    number = admin.ids("dataset", "table_name")[dataset["table_name"]]
    status, rows = admin.data(number, **query_of(chart))
    assert status == 200, rows
    assert rows


@pytest.mark.parametrize(
    "table",
    [
        "marts.course_completion",
        "marts.enrollment_cohorts",
        "marts.lesson_drop_off",
        "marts.time_to_complete",
        "marts.overdue_learners",
        "progress.course_progress",
    ],
)
def test_a_dataset_holds_the_figures_of_its_table(table, admin):
    name = table.partition(".")[2]
    with connect(admin.settings) as snapshot:
        described = snapshot.execute(f"describe {table}").fetchall()
        columns = [row[0] for row in described if row[1] in ("VARCHAR", "BIGINT", "DOUBLE")]
        expected = snapshot.execute(f"select {', '.join(columns)} from {table}").fetchall()
    number = admin.ids("dataset", "table_name")[name]
    status, rows = admin.data(number, columns=columns, metrics=[], filters=[])
    assert status == 200, rows
    found = [tuple(row[column] for column in columns) for row in rows]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_the_completion_rate_of_a_tile_is_that_of_the_mart(admin):
    number = admin.ids("dataset", "table_name")["course_completion"]
    query = {"columns": ["course_id"], "metrics": ["completion_rate", "average_progress"]}
    status, rows = admin.data(number, filters=[], **query)
    assert status == 200, rows
    with connect(admin.settings) as snapshot:
        expected = snapshot.execute(
            "select course_id, completion_rate, average_progress_percentage"
            " from marts.course_completion"
        ).fetchall()
    found = [(row["course_id"], row["completion_rate"], row["average_progress"]) for row in rows]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", sorted({a["table_name"] for a in DATASETS.values()}))
def test_a_course_team_sees_rows_of_its_courses_only(name, logged_in):
    team = logged_in["Course team: Health"]
    number = team.ids("dataset", "table_name")[name]
    if name == "refreshes":
        return
    status, rows = team.data(number, columns=["course_id"], metrics=[], filters=[])
    assert status == 200, rows
    assert {row["course_id"] for row in rows} == HEALTH


SMUGGLED = [
    "(select count(*) from marts.course_completion)",
    "(from marts.course_completion select count(*))",
    "(table marts.course_completion)",
    "count(*) from marts.course_completion --",
    "(select content from read_text('/etc/passwd'))",
    "(select count(*) from query('from marts.course_completion'))",
]


@pytest.mark.parametrize("sql", SMUGGLED)
def test_no_measure_of_ones_own_reaches_past_the_rows(sql, logged_in):
    team = logged_in["Course team: Health"]
    number = team.ids("dataset", "table_name")["course_completion"]
    metric = {"expressionType": "SQL", "sqlExpression": sql, "label": "smuggled"}
    status, answer = team.data(number, columns=[], metrics=[metric], filters=[])
    assert status != 200 or answer == [{"smuggled": len(HEALTH)}], answer


@pytest.mark.parametrize("clause", ["1 = 1) or (1 = 1", "1 = 1 or 1 = 1", "true) or true --"])
def test_no_condition_of_ones_own_reaches_past_the_rows(clause, logged_in):
    team = logged_in["Course team: Health"]
    number = team.ids("dataset", "table_name")["course_completion"]
    extras = {"where": clause}
    status, rows = team.data(number, columns=["course_id"], metrics=[], filters=[], extras=extras)
    assert status != 200 or {row["course_id"] for row in rows} <= HEALTH, rows


@pytest.mark.parametrize("role", ["Course team: Health", "Without learners", "Every course"])
def test_a_role_has_no_sql_lab_and_no_export_of_the_bundle(role, logged_in, admin):
    user = logged_in[role]
    database = next(iter(admin.ids("database", "database_name").values()))
    query = {
        "database_id": database,
        "sql": "select * from marts.course_completion",
        "schema": "marts",
    }
    assert user.ask("/api/v1/sqllab/execute/", query)[0] in (401, 403)
    assert user.ask("/api/v1/dashboard/export/?q=!(1)")[0] in (401, 403, 404)
    assert user.ask("/api/v1/dataset/export/?q=!(1)")[0] in (401, 403, 404)
    assert user.ask("/api/v1/security/users/")[0] in (401, 403)
    assert user.ask("/api/v1/rowlevelsecurity/")[0] in (401, 403)


def test_a_role_without_learners_sees_no_table_of_them(logged_in, admin):
    user = logged_in["Without learners"]
    assert LEARNER_LEVEL.isdisjoint(user.ids("dataset", "table_name"))
    assert set(user.ids("dashboard", "slug")) == {
        "overview",
        "completion",
        "drop-off",
        "time-to-complete",
    }
    for name in LEARNER_LEVEL:
        number = admin.ids("dataset", "table_name")[name]
        assert user.data(number, columns=["learner_id"], metrics=[], filters=[])[0] == 403


def test_even_an_administrator_reads_no_file_and_writes_none(admin, tmp_path):
    database = next(iter(admin.ids("database", "database_name").values()))
    mine = {"database_id": database, "sql": "select 1"}
    assert admin.ask("/api/v1/sqllab/execute/", mine)[0] == 200
    for sql in (
        "select * from read_csv('/etc/passwd')",
        f"copy (select 1) to '{tmp_path}/out.csv'",
        "set enable_external_access = true",
        "create table progress.mine (a int)",
    ):
        status, answer = admin.ask("/api/v1/sqllab/execute/", {"database_id": database, "sql": sql})
        assert status != 200, (sql, answer)
    assert list(tmp_path.iterdir()) == []


def test_a_refresh_underneath_shows_at_once(admin):
    number = admin.ids("dataset", "table_name")["refreshes"]
    before = admin.data(number, columns=[], metrics=["as_of"], filters=[])
    refresh(admin.settings, as_of=datetime(2025, 8, 1))
    after = admin.data(number, columns=[], metrics=["as_of"], filters=[])
    assert before[0] == after[0] == 200, json.dumps([before, after])
    assert before[1] != after[1]
