"""Makes bi/bundle/, what Superset imports, from the dbt manifest and the descriptions."""

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import yaml

from bi.charts import chart_asset
from bi.datasets import UnknownName, dataset_asset, read_datasets
from bi.layout import dashboard_asset
from orchestration.settings import PROJECT_ROOT

HERE = PROJECT_ROOT / "bi"
BUNDLE = HERE / "bundle"
MANIFEST = PROJECT_ROOT / "dbt_project" / "target" / "manifest.json"
_NAMESPACE = uuid.UUID("5d6f2c0e-6a0b-4a53-9f4e-4a54a3f4c8d1")
_DATABASE = {
    "database_name": "learner_progress",
    "sqlalchemy_uri": "duckdb:///:memory:",
    "cache_timeout": 0,
    "expose_in_sqllab": True,
    "allow_run_async": False,
    "allow_ctas": False,
    "allow_cvas": False,
    "allow_dml": False,
    "allow_csv_upload": False,
    "extra": {"allows_virtual_table_explore": True},
    "version": "1.0.0",
}


def asset_id(name: str) -> str:
    """The id of an asset, always the same for a name, so that an import replaces it."""
    return str(uuid.uuid5(_NAMESPACE, name))


def read_pages() -> list[dict[str, Any]]:
    """The dashboards' descriptions, in the order in which they stand."""
    files = sorted((HERE / "dashboards").glob("*.yml"))
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


def make_bundle(manifest: dict[str, Any]) -> dict[str, str]:
    """Every file of the bundle: its path below bi/bundle/, and its text.

    Raises:
        UnknownName: a description names a table or column that the models don't have.
    """
    asked = yaml.safe_load((HERE / "datasets.yml").read_text(encoding="utf-8"))
    datasets = read_datasets(asked, manifest)
    database = asset_id("database")
    assets: dict[str, dict[str, Any]] = {
        "metadata.yaml": {
            "version": "1.0.0",
            "type": "assets",
            "timestamp": "2025-07-01T00:00:00+00:00",
        },
        "databases/learner_progress.yaml": {**_DATABASE, "uuid": database},
    }
    uuids = {name: asset_id(f"dataset/{name}") for name in datasets}
    for name, dataset in datasets.items():
        path = f"datasets/learner_progress/{name}.yaml"
        assets[path] = dataset_asset(dataset, uuids[name], database)
    for page in read_pages():
        slug = page["slug"]
        uuids[slug] = asset_id(f"dashboard/{slug}")
        for tile in (tile for row in page["rows"] for tile in row["tiles"]):
            name = f"{slug}/{tile['title']}"
            uuids[name] = asset_id(f"chart/{name}")
            dataset = datasets[tile["dataset"]]
            path = f"charts/{name.lower().replace(' ', '_')}.yaml"
            assets[path] = chart_asset(tile, dataset, uuids[name], uuids[tile["dataset"]])
        assets[f"dashboards/{slug}.yaml"] = dashboard_asset(page, datasets, uuids)
    return {path: _text(asset) for path, asset in assets.items()}


def _text(asset: dict[str, Any]) -> str:
    return str(yaml.safe_dump(asset, sort_keys=False, allow_unicode=True, width=100))


def committed_bundle() -> dict[str, str]:
    """The bundle as it stands in the repository."""
    return {
        str(file.relative_to(BUNDLE)): file.read_text(encoding="utf-8")
        for file in sorted(BUNDLE.rglob("*.yaml"))
    }


def write_bundle(files: dict[str, str]) -> None:
    """Write the bundle, and remove what is no longer in it."""
    for path in committed_bundle().keys() - files.keys():
        (BUNDLE / path).unlink()
    for path, text in files.items():
        target = BUNDLE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def read_manifest(path: Path = MANIFEST) -> dict[str, Any]:
    """The manifest that `dbt parse` left behind at set-up."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def main() -> None:
    """Write the bundle; a name that the models don't have is one sentence and exit code 1."""
    try:
        files = make_bundle(read_manifest())
    except UnknownName as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    write_bundle(files)
    print(f"{len(files)} files in {BUNDLE}")


if __name__ == "__main__":
    main()
