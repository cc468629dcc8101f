"""Every model says the same on every engine."""

from pathlib import Path

import pytest
import yaml

from orchestration.models import DBT_PROJECT
from tests.house.portability import division_faults, faults, incremental_faults, plain_sql
from tests.house.test_house import upto_closing_parenthesis

SQL = sorted(
    path
    for folder in ("models", "tests", "macros")
    for path in (DBT_PROJECT / folder).rglob("*.sql")
    if path.parent.name != "engine"
)
MODELS = [path for path in SQL if path.is_relative_to(DBT_PROJECT / "models")]


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_no_sql_is_read_otherwise_by_another_engine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert faults(text) == []
    assert "macros" in path.parts or division_faults(text) == []


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_what_is_incremental_on_plain_parquet_overwrites_partitions(path: Path) -> None:
    described = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"][0]
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    general = project["models"]["learner_progress"]
    strategy = {"incremental_strategy": general["+incremental_strategy"]}
    assert incremental_faults(strategy | described.get("config", {})) == []


@pytest.mark.parametrize(
    "sql",
    [
        "select count_if(is_completed) from t",
        "select arg_max(lesson_id, at) from t",
        "select quantile_cont(days, 0.5) from t",
        "select datediff('day', a, b) from t",
        "select at at time zone 'UTC' from t",
        "select body ->> 'id' from t",
        "select hash(learner_id) from t",
        "select concat(a, b) from t",
        "select unnest(lessons) from t",
        "select * exclude (line) from t",
        "select a from t union all by name select a from u",
        "select a from t qualify row_number() over w = 1",
        'select "Title" from t',
        "select '\\n' from t",
        "select a // b from t",
        "select now() from t",
    ],
)
def test_a_construct_that_engines_read_otherwise_is_found(sql: str) -> None:
    assert faults(sql) != []


def test_a_division_by_what_may_be_zero_is_found() -> None:
    assert division_faults("select a / b from t") != []
    assert division_faults("select a / nullif(b, 0), a / 2 from t") == []


def test_a_plain_model_has_no_fault() -> None:
    sql = """
        -- what isn't SQL, as a // b or "this", is none of the linter's business
        select {{ rate("a", "b") }} as some_rate, count(*) filter (where {{ is_late("x") }})
        from {{ ref("t") }} qualify row_number() over (partition by a order by b nulls last) = 1
    """
    assert faults(sql) == []


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({"materialized": "{{ 'incremental' if target.type == 'duckdb' else 'table' }}"}, 0),
        ({"materialized": "incremental", "incremental_strategy": "delete+insert"}, 2),
        (
            {
                "materialized": "incremental",
                "partition_by": "{{ 'activity_date' if target.type == 'spark' else none }}",
                "incremental_strategy": "{{ 'insert_overwrite' if target.type != 'duckdb' }}",
            },
            0,
        ),
    ],
)
def test_an_incremental_model_without_partitions_is_found(
    config: dict[str, object], count: int
) -> None:
    assert len(incremental_faults(config)) == count


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_every_order_in_macros_and_tests_says_where_nulls_go(path: Path) -> None:
    text = plain_sql(path.read_text(encoding="utf-8"))
    while "order by " in text:
        text = text.partition("order by ")[2]
        order = upto_closing_parenthesis(text)
        assert "nulls first" in order or "nulls last" in order or "engine_value" in order, order
