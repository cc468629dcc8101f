"""The dashboards are what their description and the models' manifest make them."""

import copy
import json
import re
import subprocess
import sys

import pytest
import yaml

from bi.datasets import UnknownName
from bi.make_bundle import HERE, asset_id, committed_bundle, make_bundle, read_manifest, read_pages

PACKAGES = """
import importlib.metadata, json, sys
import bi.access, bi.install, bi.state, orchestration.published
loaded = {name.partition(".")[0] for name in sys.modules}
owners = importlib.metadata.packages_distributions()
print(json.dumps(sorted({owner for name in loaded for owner in owners.get(name, [])})))
"""
TILES = [tile for page in read_pages() for row in page["rows"] for tile in row["tiles"]]


def test_the_committed_bundle_is_what_the_models_and_descriptions_make():
    made = make_bundle(read_manifest())
    committed = committed_bundle()
    assert sorted(made) == sorted(committed)
    stale = [path for path, text in made.items() if committed[path] != text]
    assert stale == [], "run `make bi-bundle` and commit bi/bundle/"


@pytest.mark.parametrize(
    ("model", "column"),
    [
        ("lesson_drop_off", "stopped_learners"),
        ("course_completion", "course_title"),
        ("overdue_learners", "last_accessed_at"),
        ("refreshes", "as_of"),
    ],
)
def test_a_renamed_column_is_refused_by_name(model, column):
    manifest = copy.deepcopy(read_manifest())
    node = next(
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"] == model
    )
    node["columns"] = {
        name.replace(column, "renamed"): {**found, "name": name.replace(column, "renamed")}
        for name, found in node["columns"].items()
    }
    with pytest.raises(UnknownName, match=column):
        make_bundle(manifest)


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: tile["title"])
def test_a_tile_says_its_measure_and_what_empty_means(tile):
    assert tile["says"].endswith(".")
    assert tile["empty"].endswith(".")


def test_every_dataset_is_a_published_table_of_progress_or_marts():
    for path, text in committed_bundle().items():
        if path.startswith("datasets/"):
            asset = yaml.safe_load(text)
            read = re.findall(r"(?:from|join) (\w+)\.\w+", asset["sql"] or "")
            assert asset["schema"] in ("progress", "marts")
            assert set(read) <= {"progress", "marts"}, path


def test_no_two_assets_share_an_id():
    ids = [yaml.safe_load(text).get("uuid") for text in committed_bundle().values()]
    known = [found for found in ids if found]
    assert len(known) == len(set(known))
    assert asset_id("database") in known


def test_the_locked_dependencies_of_the_dashboards_are_hashed_and_name_no_address():
    text = (HERE / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[a-zA-Z0-9].*==.*$", text, re.MULTILINE)
    assert pins
    assert all(pin.endswith("\\") for pin in pins)


def test_what_the_dashboards_run_of_this_project_needs_no_package_beyond_their_own():
    told = subprocess.run(
        [sys.executable, "-c", PACKAGES],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    text = (HERE / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
    needed = {name.lower().replace("_", "-") for name in json.loads(told.stdout)}
    assert needed - pinned - {"setuptools", "learner-progress"} == set()
