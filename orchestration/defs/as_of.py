"""Snapshots as of the past: a job for any instant, and an asset of one partition a day."""

import warnings
from datetime import date

import dagster as dg

from orchestration.defs.described import OWNERS, page_of
from orchestration.defs.raw import TABLES
from orchestration.defs.resources import RefreshRun
from orchestration.settings import load_settings
from orchestration.time_travel import past
from orchestration.time_travel.as_of import instant_of, text_of
from orchestration.time_travel.past import AsOfSnapshot

FIRST_DAY = "2015-01-01"
"""The first partition; for an earlier instant there is the job."""

days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=load_settings().timezone)


class AsOfConfig(dg.Config):
    """What the launchpad of the job `as_of_snapshot` asks for."""

    as_of: str
    """An instant, as 2025-07-01T00:00:00Z, or the end of a day, as 2025-06-30."""


@dg.op
def make_snapshot_as_of(context: dg.OpExecutionContext, config: AsOfConfig) -> None:
    """Make the snapshot as of an instant: all that had happened by then of what is known now."""
    settings = load_settings()
    (made,) = past.make_snapshots(settings, [instant_of(config.as_of, settings)])
    context.log.info(made.headline())
    context.add_output_metadata(_metadata(made))


@dg.job(
    executor_def=dg.in_process_executor,
    description="Make the snapshot as of any past instant; readers name it to open it.",
)
def as_of_snapshot() -> None:
    """The job behind the launchpad: one snapshot, of the instant in its config."""
    make_snapshot_as_of()


with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)
    _asset_of_days = dg.asset(
        key=["as_of", "learner_progress"],
        group_name="as_of",
        kinds={"duckdb"},
        owners=OWNERS,
        metadata={"page": page_of("as_of")},
        deps=[dg.AssetKey(["raw", table]) for table in TABLES],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )


@_asset_of_days
def learner_progress_as_of(context: dg.AssetExecutionContext, refresh_run: RefreshRun) -> None:
    """The snapshot as of the end of each day in the reporting time zone.

    A backfill over days is one run: it takes the writer's lock once and makes one after another.
    """
    settings = refresh_run.settings
    keys = context.partition_keys
    instants = [instant_of(date.fromisoformat(key), settings) for key in keys]
    past.check_past(instants)
    for key, instant in zip(keys, instants, strict=True):
        made = past.make_snapshot(settings, instant)
        context.log.info(made.headline())
        context.add_asset_metadata(_metadata(made), partition_key=key)


def _metadata(made: AsOfSnapshot) -> dict[str, dg.MetadataValue]:
    return {
        "as_of": dg.MetadataValue.text(text_of(made.as_of)),
        "events": dg.MetadataValue.int(made.events),
        "snapshot": dg.MetadataValue.path(str(made.snapshot)),
        "bytes": dg.MetadataValue.int(made.snapshot.stat().st_size),
    }
