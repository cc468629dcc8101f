"""The asset of the published room: the snapshot that readers open."""

import dagster as dg

from orchestration import refresh
from orchestration.defs.dbt import readers_tables
from orchestration.defs.freshness import freshness_policy
from orchestration.defs.resources import RefreshRun
from orchestration.defs.retries import retried


@dg.asset(
    key=["published", "learner_progress"],
    group_name="published",
    kinds={"duckdb"},
    deps=readers_tables(),
    freshness_policy=freshness_policy(),
)
def learner_progress(
    context: dg.AssetExecutionContext, refresh_run: RefreshRun
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The read-only snapshot with the schemas progress and marts, replaced in one atomic step."""
    if not refresh_run.is_built:
        raise dg.Failure(
            "Not published: this run did not build every model, so the snapshot would mix two"
            " refreshes. Launch the job `refresh` instead.",
            allow_retries=False,
        )
    settings, started = refresh_run.settings, refresh_run.started
    with retried(context, settings):
        published_at = refresh.publish(settings, started)
    snapshot = settings.snapshot_file
    return dg.MaterializeResult(
        metadata={
            "refresh_id": started.refresh_id,
            "as_of": f"{started.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "published_at": f"{published_at:%Y-%m-%dT%H:%M:%SZ}",
            "snapshot": dg.MetadataValue.path(str(snapshot)),
            "bytes": snapshot.stat().st_size,
        }
    )
