"""The dbt project as Dagster knows it; its manifest is made by the set-up, or by `dagster dev`."""

import json
import sys
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject

from orchestration.models import DBT_PROJECT

project = DbtProject(project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT)
project.prepare_if_dev()

dbt = DbtCliResource(project_dir=project, dbt_executable=str(Path(sys.executable).parent / "dbt"))


def readers_tables() -> list[dg.AssetKey]:
    """The models that readers see: those of progress and marts that promise their columns."""
    nodes = json.loads(project.manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return [
        dg.AssetKey([node["schema"], node["name"]])
        for node in nodes
        if node["resource_type"] == "model" and node["config"]["contract"]["enforced"]
    ]
