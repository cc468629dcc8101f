"""The dbt project as Dagster knows it; its manifest is made by the set-up, or by `dg dev`."""

import json
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject

from orchestration.models import DBT_PROJECT

project = DbtProject(project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT)
project.prepare_if_dev()

_manifest = json.loads(project.manifest_path.read_text(encoding="utf-8"))

nodes: dict[str, dict[str, Any]] = _manifest["nodes"]
"""Models and tests by unique id."""

exposures: dict[str, dict[str, Any]] = _manifest["exposures"]
"""Who reads what, by unique id."""


def asset_key(node: dict[str, Any]) -> dg.AssetKey:
    """The asset of a model."""
    return dg.AssetKey([node["schema"], node["name"]])


promised = [
    node
    for node in nodes.values()
    if node["resource_type"] == "model" and node["config"]["contract"]["enforced"]
]
"""The models that readers see: those of progress and marts that promise their columns."""
