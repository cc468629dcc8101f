"""The dbt project as Dagster knows it; its manifest is made by the set-up, or by `dagster dev`."""

import sys
from pathlib import Path

from dagster_dbt import DbtCliResource, DbtProject

from orchestration.models import DBT_PROJECT

project = DbtProject(project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT)
project.prepare_if_dev()

dbt = DbtCliResource(project_dir=project, dbt_executable=str(Path(sys.executable).parent / "dbt"))
