"""Assets of staging, progress and marts: one per dbt model, its tests as checks."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration import models, refresh
from orchestration.defs.dbt import project
from orchestration.defs.resources import RefreshRun
from orchestration.defs.retries import retried


@dbt_assets(manifest=project.manifest_path, project=project, name="dbt_build")
def dbt_models(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, refresh_run: RefreshRun
) -> Iterator[Any]:
    """Build and test the models into a candidate; a failure drops the candidate."""
    settings, started = refresh_run.settings, refresh_run.started
    with retried(context, settings), refresh.candidate(settings, started) as candidate:
        arguments = models.dbt_arguments(settings, engine=started.engine, full_refresh=started.full)
        standing = refresh.take_standing(settings, started)
        # Logs may name learners, so they lie where an erasure looks.
        folder = settings.home / "dbt" / "dagster" / context.run.run_id
        with models.dbt_environment(settings, started.as_of, candidate, standing=standing):
            yield from dbt.cli(arguments, context=context, target_path=folder).stream()
    if not context.is_subset:
        refresh_run.mark_built()
