"""A build on the cluster: raw is handed over, models built and tested, readers' tables gathered."""

import json
from datetime import datetime
from pathlib import Path

from orchestration import models
from orchestration.builds import Outcome, Standing
from orchestration.models import Progress
from orchestration.settings import Settings
from orchestration.spark import folder, gathering, handover
from orchestration.warehouse import open_warehouse


def build(
    settings: Settings,
    *,
    as_of: datetime,
    candidate: Path,
    full_refresh: bool = False,
    standing: Standing | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Build and test every model on the cluster, then gather what readers see into the candidate.

    Arguments, what is returned and what is raised are those of `models.build`; besides:

    Raises:
        FolderUnusable: the shared folder can't be reached.
        TableMissing: a table that was built isn't in the shared folder.
    """
    with open_warehouse(settings) as connection:
        tables = handover.hand_over(connection, settings)
    with models.dbt_environment(settings, as_of, candidate, standing=standing):
        models.invoke(settings, "spark", _preparation(settings, tables))
        arguments = models.dbt_arguments(settings, engine="spark", full_refresh=full_refresh)
        outcomes = models.invoke(settings, "spark", arguments, progress=progress)
    gathering.gather(settings, candidate, as_of=as_of)
    return outcomes


def _preparation(settings: Settings, tables: dict[str, object]) -> list[str]:
    """The dbt command that shows the cluster its folders and what was handed over."""
    told = json.dumps({"location": folder.url(settings), "tables": tables})
    given = ["--vars", models.settings_fingerprint(settings), "--target", "spark"]
    return ["run-operation", "prepare_cluster", "--args", told, *given]
