"""The habits of the house that a machine can see."""

import json
import re
from pathlib import Path

import pytest
import yaml

from orchestration.models import DBT_PROJECT
from orchestration.settings import PROJECT_ROOT

MODELS = sorted((DBT_PROJECT / "models").rglob("*.sql"))
PYTHON = sorted((PROJECT_ROOT / "orchestration").rglob("*.py"))
READERS = [path for path in MODELS if path.parent.name in {"progress", "marts"}]
CEILINGS = {
    "orchestration/**/*.py": 250,
    "dbt_project/models/**/*.sql": 120,
    "dbt_project/**/*.yml": 150,
    "dbt_project/macros/**/*.sql": 30,
    "bi/*.py": 250,
    "metrics/models/*.sql": 120,
    "metrics/models/*.yml": 150,
    "bench/*.py": 250,
    "bench/baselines/*": 310,
    "tests/**/*.py": 400,
    "README.md": 200,
}


def described(path: Path) -> dict[str, object]:
    return yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"][0]


@pytest.mark.parametrize(("pattern", "ceiling"), CEILINGS.items())
def test_no_file_is_over_its_ceiling(pattern, ceiling):
    lengths = {
        str(path.relative_to(PROJECT_ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in PROJECT_ROOT.glob(pattern)
        if "target" not in path.parts
    }
    assert lengths
    assert {path: length for path, length in lengths.items() if length > ceiling} == {}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_stands_beside_its_description_which_begins_with_the_grain(path):
    assert described(path)["name"] == path.stem
    assert described(path)["description"].startswith("One row per ")


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_every_column_that_readers_see_is_described(path):
    for column in described(path)["columns"]:
        assert column["description"], column["name"]
        assert column["data_type"], column["name"]


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_every_table_that_readers_see_proves_its_key(path):
    assert any("is_unique" in test for test in described(path)["data_tests"])


def test_a_shared_meaning_is_written_once():
    meanings: dict[str, list[str]] = {}
    for path in READERS:
        for column in described(path)["columns"]:
            if "doc(" not in column["description"]:
                meanings.setdefault(column["description"], []).append(path.stem)
    assert {text: models for text, models in meanings.items() if len(models) > 1} == {}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_no_model_reads_the_clock_or_names_an_engine(path):
    text = path.read_text(encoding="utf-8").lower()
    assert not re.search(r"\b(now\(\)|current_timestamp|current_date|today\(\)|random\(\))", text)
    assert not re.search(r"\b(duckdb|spark)\b", text)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_order_says_where_nulls_go(path):
    text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8").lower())
    while "order by " in text:
        text = text.partition("order by ")[2]
        assert re.search(r"nulls (first|last)", upto_closing_parenthesis(text)), text[:80]


def upto_closing_parenthesis(text: str) -> str:
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return text[:place]
    return text


def test_dagster_is_imported_in_its_shell_only():
    shell = {PROJECT_ROOT / "orchestration" / "definitions.py"}
    strangers = [
        path
        for path in PYTHON
        if re.search(r"^\s*(import|from) dagster", path.read_text(encoding="utf-8"), re.MULTILINE)
        and path.parent.name != "defs"
        and path not in shell
    ]
    assert strangers == []


def test_the_environment_is_read_in_one_place():
    readers = [
        path.name
        for path in PYTHON
        if re.search(r"(getenv|environ(\.get)?)[\[(][\"']LEARNER", path.read_text(encoding="utf-8"))
    ]
    assert readers == []


def test_every_setting_is_in_the_example_and_the_documents():
    from orchestration.settings import PREFIX, Settings

    names = {PREFIX + name.upper() for name in Settings.model_fields}
    example = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    document = (PROJECT_ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert {name for name in names if name not in example} == set()
    assert {name for name in names if name not in document} == set()


def test_no_room_is_without_a_subject():
    names = {path.stem for path in PYTHON} | {path.name for path in PROJECT_ROOT.glob("*/*")}
    assert names.isdisjoint({"utils", "helpers", "common", "misc"})


def test_the_locked_dependencies_are_hashed_and_name_no_address():
    text = (PROJECT_ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[a-zA-Z0-9].*==.*$", text, re.MULTILINE)
    assert pins
    assert all(pin.endswith("\\") for pin in pins)


def test_the_manifest_knows_who_reads_every_published_table():
    exposures = yaml.safe_load((DBT_PROJECT / "models" / "exposures.yml").read_text("utf-8"))
    read = json.dumps(exposures)
    assert [path.stem for path in READERS if f"ref('{path.stem}')" not in read] == []
