"""Assets of the published room: the snapshot that readers open, and who they are."""

from typing import Any

import dagster as dg

from orchestration import published, refresh, snapshots
from orchestration.defs.dbt import asset_key, exposures, nodes, promised
from orchestration.defs.described import described, instant
from orchestration.defs.freshness import freshness_policy
from orchestration.defs.resources import RefreshRun
from orchestration.defs.retries import retried

SNAPSHOT = dg.AssetKey(["published", "learner_progress"])

_SPEC = described(
    dg.AssetSpec(
        SNAPSHOT,
        group_name="published",
        kinds={"duckdb"},
        freshness_policy=freshness_policy(),
        deps=[asset_key(node) for node in promised],
        description="The read-only file with the schemas progress and marts that readers open,"
        " replaced in one atomic step after every test passed.",
    )
)


def _reader(exposure: dict[str, Any]) -> dg.AssetSpec:
    tables = [nodes[name] for name in exposure["depends_on"]["nodes"] if name in nodes]
    spec = dg.AssetSpec(
        ["readers", exposure["name"]],
        group_name="readers",
        kinds={exposure["type"]},
        deps=[SNAPSHOT],
        description=exposure["description"],
    )
    return described(
        spec,
        asked=f"{exposure['owner']['name']}, {exposure['owner']['email']}",
        reads=[f"{table['schema']}.{table['name']}" for table in tables],
    )


READERS = [_reader(exposure) for exposure in exposures.values()]
"""Who opens the snapshot, from the dbt project's exposures: shown, and made by no run."""


@dg.multi_asset(name="publish", specs=[_SPEC])
def learner_progress(
    context: dg.AssetExecutionContext, refresh_run: RefreshRun
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Put the tested candidate in the readers' place."""
    if not refresh_run.is_built:
        raise dg.Failure(
            "Not published: this run did not build every model, so the snapshot would mix two"
            " refreshes. Launch the job `refresh` instead.",
            allow_retries=False,
        )
    settings, started = refresh_run.settings, refresh_run.started
    before = published.latest_refresh(settings)
    with retried(context, settings):
        published_at = refresh.publish(settings, started)
    snapshot = settings.snapshot_file
    rows = published.row_counts(settings)
    table = "\n".join(f"| {name} | {count:,} |" for name, count in rows.items())
    return dg.MaterializeResult(
        asset_key=SNAPSHOT,
        metadata={
            "refresh_id": started.refresh_id,
            "as_of": instant(started.as_of),
            "published_at": instant(published_at),
            "previous_refresh_id": str(before["refresh_id"]) if before else "none",
            "snapshot": dg.MetadataValue.path(str(snapshot)),
            "file": dg.MetadataValue.path(str(snapshot.resolve())),
            "bytes": snapshots.size(snapshot.resolve()),
            "tables": dg.MetadataValue.md(f"| table | rows |\n|---|---:|\n{table}"),
            **{f"rows of {name}": count for name, count in rows.items()},
        },
    )
