"""What MetricFlow may ask fits the models: a renamed column fails here by name."""

import json
import re

import duckdb
import pytest
import yaml

from orchestration.metrics import METRICS
from orchestration.models import DBT_PROJECT

MODELS = METRICS / "models"
ASKED = yaml.safe_load((MODELS / "semantics.yml").read_text(encoding="utf-8"))
SEMANTIC_MODELS = {model["name"]: model for model in ASKED["semantic_models"]}
SOURCES = {
    f"{source['name']}.{table['name']}"
    for source in yaml.safe_load((MODELS / "sources.yml").read_text(encoding="utf-8"))["sources"]
    for table in source["tables"]
}


@pytest.fixture(scope="module")
def views():
    """The views over empty tables with the columns of the dbt manifest."""
    manifest = json.loads((DBT_PROJECT / "target" / "manifest.json").read_text(encoding="utf-8"))
    with duckdb.connect() as connection:
        connection.execute("create schema progress; create schema marts")
        for node in manifest["nodes"].values():
            if f"{node['schema']}.{node['name']}" in SOURCES:
                columns = ", ".join(f"{n} {c['data_type']}" for n, c in node["columns"].items())
                connection.execute(f"create table {node['schema']}.{node['name']} ({columns})")
        for model in MODELS.glob("*.sql"):
            sql = re.sub(
                r'\{\{ source\("(\w+)", "(\w+)"\) \}\}', r"\1.\2", model.read_text(encoding="utf-8")
            )
            connection.execute(f"create view {model.stem} as {sql}")
        yield connection


@pytest.mark.parametrize("name", SEMANTIC_MODELS)
def test_every_measure_and_dimension_is_in_the_published_tables(name, views):
    model = SEMANTIC_MODELS[name]
    assert model["model"] == f"ref('{name}')"
    for kind in ("entities", "dimensions", "measures"):
        for asked in model[kind]:
            views.execute(f"select {asked.get('expr', asked['name'])} from {name}")


def test_every_metric_says_what_it_is_and_names_measures_that_there_are():
    measures = {one["name"] for model in SEMANTIC_MODELS.values() for one in model["measures"]}
    metrics = {one["name"] for one in ASKED["metrics"]}
    for metric in ASKED["metrics"]:
        given = metric["type_params"]
        assert metric["description"].endswith(".")
        assert given.get("measure") in measures | {None}
        assert {given[key] for key in ("numerator", "denominator") if key in given} <= metrics
