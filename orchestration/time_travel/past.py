"""Snapshots as of the past: what had happened by an instant, of all that is known now."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration import published, refresh, snapshots
from orchestration.models import Progress
from orchestration.settings import Settings
from orchestration.time_travel.as_of import file_of, text_of
from orchestration.time_travel.beside import built_beside
from orchestration.warehouse import utc_now, writer_lock

# The one row of `marts.refreshes` there: nothing was published before it, so all that it holds is
# new; lines that repeat others or were rejected belong to a landing, and not to an instant.
_REFRESHES = """
select
    '{refresh_id}' as refresh_id, TIMESTAMP '{as_of}' as as_of,
    TIMESTAMP '{started_at}' as started_at, null::TIMESTAMP as published_at,
    'duckdb' as engine, count(*) as events, count(*) as new_events, 0::BIGINT as new_duplicates,
    0::BIGINT as new_rejected_lines, max(occurred_at) as last_event_at,
    (select max(recorded_at) from landed.raw.landed_files) as last_landed_at
from landed.raw.events
where occurred_at <= TIMESTAMP '{as_of}'
"""

_EVENTS = "select events from marts.refreshes"


class UnknownFuture(Exception):
    """An instant lies ahead; the message says which, and what to do."""


@dataclass(frozen=True)
class AsOfSnapshot:
    """A snapshot as of the past: its instant, when it was made (UTC), its file, and its events."""

    as_of: datetime
    refresh_id: str
    published_at: datetime
    snapshot: Path
    events: int

    def summary(self) -> dict[str, Any]:
        """The snapshot as `snapshot --json` prints it."""
        return {**asdict(self), "snapshot": str(self.snapshot)}

    def headline(self) -> str:
        """The snapshot in a line."""
        return f"Snapshot as of {text_of(self.as_of)} of {self.events:,} events: {self.snapshot}"


def make_snapshots(
    settings: Settings,
    instants: Sequence[datetime],
    *,
    wait: bool = True,
    progress: Progress | None = None,
) -> list[AsOfSnapshot]:
    """Make the snapshots as of some instants (UTC without a zone), one after another.

    Raises:
        UnknownFuture: one of them lies ahead; none was made.
        WarehouseBusy: another process writes and `wait` is false; none was made.
        ModelsFailed: a model or test failed; those before it are made, others stay as they were.
    """
    check_past(instants)
    with writer_lock(settings, wait=wait):
        return [make_snapshot(settings, instant, progress=progress) for instant in instants]


def check_past(instants: Sequence[datetime]) -> None:
    """Refuse instants that lie ahead.

    Raises:
        UnknownFuture: naming the first.
    """
    now = utc_now()
    if ahead := [instant for instant in instants if instant > now]:
        raise UnknownFuture(
            f"{text_of(ahead[0])} lies ahead, and what will have happened by then isn't known:"
            f" give an instant that has passed. It is {now:%Y-%m-%dT%H:%M:%SZ}."
        )


def make_snapshot(
    settings: Settings, as_of: datetime, *, progress: Progress | None = None
) -> AsOfSnapshot:
    """Make, or make anew, the snapshot as of an instant; the caller holds the writer's lock.

    Of events and enrollments it keeps what had happened by then, all else as it landed. Neither the
    published snapshot nor the warehouse changes. All tests pass before it takes its place at once.

    Raises:
        UnknownFuture, ModelsFailed: the snapshot as of that instant, if any, stays as it was.
    """
    check_past([as_of])
    started_at = utc_now()
    refresh_id = refresh.refresh_id_of(started_at)
    row = _REFRESHES.format(refresh_id=refresh_id, as_of=as_of, started_at=started_at)
    with built_beside(
        settings,
        as_of=as_of,
        known_until=as_of,
        shown={"refreshes": row},
        progress=progress,
    ) as candidate:
        link = file_of(settings, as_of)
        link.parent.mkdir(parents=True, exist_ok=True)
        published_at = snapshots.swap(link, candidate, refresh_id)
    for other in link.parent.glob(f"{link.stem}__*"):
        if other != link.resolve():
            other.unlink()
    with published.connect(settings, as_of=as_of) as connection:
        ((events,),) = connection.execute(_EVENTS).fetchall()
    return AsOfSnapshot(as_of, refresh_id, published_at, link, events)
