"""A refresh: landing → dbt build with tests → publish, by one writer, all or nothing."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import engines, ledger, models, parting, raw, snapshots
from orchestration.builds import Outcome, Standing
from orchestration.erasing import unfinished
from orchestration.freshness import save_landed
from orchestration.landed import Landed, land
from orchestration.landing.instants import FORM
from orchestration.models import Progress
from orchestration.parquet import publish_parquet
from orchestration.settings import Settings
from orchestration.snapshots import Making
from orchestration.status import save_gaps
from orchestration.warehouse import open_warehouse, utc_now, writer_lock


class InvalidInstant(Exception):
    """A text is no instant with a zone; the message shows one."""


@dataclass(frozen=True)
class Refresh:
    """A refresh under way: which, speaking about when (UTC), built how."""

    refresh_id: str
    as_of: datetime
    started_at: datetime
    engine: str
    full: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh did: what landed, what was published, and what an operator should know."""

    refresh: Refresh
    published_at: datetime
    snapshot: Path
    landed: Landed
    warnings: list[str]

    def summary(self) -> dict[str, Any]:
        """The refresh as `refresh --json` prints it."""
        return {
            "refresh_id": self.refresh.refresh_id,
            "as_of": self.refresh.as_of,
            "published_at": self.published_at,
            "full_refresh": self.refresh.full,
            "snapshot": str(self.snapshot),
            "landing": self.landed.summary(),
            "warnings": self.warnings,
        }

    def headline(self) -> str:
        """The refresh in a line."""
        return (
            f"Published refresh {self.refresh.refresh_id} as of"
            f" {self.refresh.as_of:%Y-%m-%dT%H:%M:%SZ}: {self.snapshot}"
        )


def refresh(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    full_refresh: bool = False,
    engine: str | None = None,
    strict: bool = False,
    wait: bool = True,
    paths: Sequence[Path] = (),
    progress: Progress | None = None,
) -> RefreshResult:
    """Land what waits, build and test every model, and publish if all tests pass.

    Args:
        as_of: the instant to speak about, UTC without a zone; the start of the refresh if None.
        full_refresh: build every model anew from raw.
        engine: what builds the models, `duckdb` or `spark`; the setting's if None.
        strict: whether too many rejected lines in a landed file are a failure.
        wait: whether to wait while another process writes.
        paths: files or folders to land instead of the inbox.

    Raises:
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
        ClusterUnreachable, InvalidSetting: as `engines.check` has it; nothing was done.
        TooManyRejected: with `strict`; what landed stays landed, nothing was published.
        ModelsFailed: a model or test failed; what landed stays landed, readers keep the last
            good snapshot.
    """
    with writer_lock(settings, wait=wait):
        started = begin(settings, as_of=as_of, full_refresh=full_refresh, engine=engine)
        with candidate(settings, started) as file:
            with ThreadPoolExecutor(1) as beside:
                # dbt takes longer to import than a small file to land; a fault shows at its use.
                beside.submit(models.warm_up, settings, started.engine)
                landed = land(settings, paths=paths)
            if strict:
                landed.check_rejected(settings)
            warnings = [*started.warnings, *landed.warnings, *record(settings, started)]
            _build_in(file, settings, started, progress=progress)
        published_at = publish(settings, started)
    return RefreshResult(started, published_at, settings.snapshot_file, landed, warnings)


def begin(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    full_refresh: bool = False,
    engine: str | None = None,
) -> Refresh:
    """Fix a refresh's identity and as_of; the caller holds the writer's lock.

    Traces of refreshes that were never published are removed first, and erasures that were cut
    short are gone on with.

    Raises:
        ClusterUnreachable, InvalidSetting: as `engines.check` has it; nothing was done.
    """
    from orchestration.erasing.erase import complete

    engine = engine or settings.engine
    engines.check(settings, engine)
    parting.follow(settings)
    is_erasing = complete(settings)
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        ledger.forget_unpublished(connection, settings)
        last = ledger.last_refresh_id(connection)
        reasons = ledger.reasons_for_full(connection, settings, engine)
    if is_erasing:
        reasons.append("A learner was erased")
    started_at = utc_now()
    while refresh_id_of(started_at) <= last:
        started_at += timedelta(microseconds=1)
    return Refresh(
        refresh_id=refresh_id_of(started_at),
        as_of=as_of or started_at,
        started_at=started_at,
        engine=engine,
        full=full_refresh or bool(reasons) or not last,
        warnings=tuple(f"{reason}: this one is full." for reason in reasons),
    )


def record(settings: Settings, started: Refresh) -> list[str]:
    """Enter the refresh in the ledger with what is new, and warn where as_of lies in the past."""
    with open_warehouse(settings) as connection:
        last_event_at = ledger.record(
            connection,
            settings,
            refresh_id=started.refresh_id,
            as_of=started.as_of,
            started_at=started.started_at,
            engine=started.engine,
        )
    if last_event_at is None or started.as_of >= last_event_at:
        return []
    return [
        f"as_of {started.as_of:%Y-%m-%dT%H:%M:%SZ} lies before the last event"
        f" ({last_event_at:%Y-%m-%dT%H:%M:%SZ}): later events count too; as_of rules only the"
        " lessons now in the course, enrollment status, overdue, grace and the end of follow-up."
    ]


def candidate(settings: Settings, started: Refresh) -> AbstractContextManager[Making]:
    """The file to build in, for the length of the block; a failure drops it."""
    # What a cluster built is gathered anew as a whole.
    return snapshots.candidate(settings, fresh=started.full or started.engine != "duckdb")


def take_standing(settings: Settings, started: Refresh) -> Standing | None:
    """What a refresh that isn't full adds to; until it is published, the next one would be full."""
    with open_warehouse(settings) as connection:
        standing = ledger.take_standing(connection)
    return None if started.full else standing


def build(
    settings: Settings, started: Refresh, *, progress: Progress | None = None
) -> list[Outcome]:
    """Build and test every model into a candidate; returns what became of each.

    Raises:
        ModelsFailed: a model or test failed; the candidate is dropped.
    """
    with candidate(settings, started) as file:
        return _build_in(file, settings, started, progress=progress)


def _build_in(
    file: Making, settings: Settings, started: Refresh, *, progress: Progress | None = None
) -> list[Outcome]:
    models.warm_up(settings, started.engine)
    return models.build(
        settings,
        as_of=started.as_of,
        candidate=file(),
        engine=started.engine,
        full_refresh=started.full,
        standing=take_standing(settings, started),
        progress=progress,
    )


def publish(settings: Settings, started: Refresh) -> datetime:
    """Publish the tested candidate, and enter in the ledger when (UTC)."""
    file = snapshots.candidate_file(settings)
    published_at = snapshots.publish(settings, file, started.refresh_id)
    if settings.publish_parquet:
        publish_parquet(settings)
    with ThreadPoolExecutor(1) as beside, open_warehouse(settings) as connection:
        dropped = beside.submit(snapshots.drop_old_snapshots, settings)
        ledger.mark_published(connection, started.refresh_id, published_at)
        ledger.stand(connection, started.refresh_id)
        save_gaps(connection, settings, engine=started.engine)
        save_landed(connection, settings)
    dropped.result()
    if unfinished.asked(settings) is not None:
        unfinished.finish(settings)
    return published_at


def parse_instant(text: str) -> datetime:
    """Read an instant such as 2025-07-01T00:00:00Z or 2025-07-01 02:00+02:00 as UTC without a zone.

    Raises:
        InvalidInstant: the text has another form, no zone, or names no real day.
    """
    try:
        if re.fullmatch(FORM, text):
            return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        pass
    raise InvalidInstant(f"{text!r} is no instant: write it as 2025-07-01T00:00:00Z.")


def refresh_id_of(started_at: datetime) -> str:
    """The id of what began at an instant (UTC): sortable text."""
    return f"{started_at:%Y%m%dT%H%M%S%fZ}"
