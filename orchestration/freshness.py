"""Is what readers see fresh? Judged by the snapshot and a file beside it: it waits for no one."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from orchestration import notes, published
from orchestration.settings import PREFIX, Settings
from orchestration.warehouse import utc_now

CHECKS = {
    "snapshot_age": "The published snapshot is no older than allowed.",
    "landing_gap": "Events have landed lately.",
    "event_gap": "The latest event happened lately.",
    "rejected_share": "No file of the last landing has too many rejected lines.",
    "volume": "Yesterday's landed events are as many as on the same weekday of the past weeks.",
}
"""What is judged, by name."""

TOO_FEW = 20
"""A usual day of fewer landed events says nothing about an unusual one."""

_STATE = """
select
    max(published_at) as published_at,
    min(published_at) as first_published_at,
    arg_max(last_event_at, refresh_id) as last_event_at,
    max(last_landed_at) filter (where new_events > 0) as last_landed_at
from marts.refreshes
"""
_LANDED = "select last_landed_at, new_events from marts.refreshes where new_events > 0"

_WORST = """
with
    with_lines as (from raw.landed_files where lines > 0 and file <> 'replay'),
    -- The last landing: all since the refresh before the one that has landed any lines last.
    before as (
        select max(last_landed_at) as landed_at
        from raw.refreshes
        where last_landed_at < (select max(recorded_at) from with_lines)
    )
select source, lines, rejected
from with_lines
where recorded_at > coalesce((select landed_at from before), '1900-01-01')
order by rejected / lines desc, batch_id desc
limit 1
"""


@dataclass(frozen=True)
class Finding:
    """What one check found: whether all is well, the figure, its limit, and both in a sentence.

    value and limit are hours, a share, or a count of events with the least allowed; None where
    there is nothing to measure yet.
    """

    check: str
    ok: bool
    value: float | None
    limit: float | None
    message: str


@dataclass(frozen=True)
class _Seen:
    """What the snapshot tells, instants in UTC; `landed` holds pairs of instant and new events."""

    now: datetime
    landed: list[tuple[datetime, int]]
    published_at: datetime
    first_published_at: datetime
    last_event_at: datetime | None
    last_landed_at: datetime | None


def findings(settings: Settings, *, now: datetime | None = None) -> list[Finding]:
    """Judge the snapshot by every check that is switched on, in the order of `CHECKS`.

    Without a snapshot there is one finding, its age, and that isn't well.

    Args:
        now: the instant of judgement, UTC without a zone; the clock's if None.
    """
    try:
        with published.connect(settings) as connection:
            state: tuple[Any, ...] = connection.execute(_STATE).fetchone() or ()
            landed = connection.execute(_LANDED).fetchall()
        seen = _Seen(now or utc_now(), landed, *state)
    except published.NothingPublished as nothing:
        limit = settings.max_snapshot_age_hours
        return [Finding("snapshot_age", False, None, limit, str(nothing))] if limit else []
    judges: tuple[Callable[[Settings, _Seen], Iterator[Finding]], ...]
    judges = (_snapshot_age, _landing_gap, _event_gap, _rejected_share, _volume)
    return [finding for judge in judges for finding in judge(settings, seen)]


def as_lines(found: list[dict[str, Any]]) -> list[str]:
    """The findings for people, a line a finding."""
    return [f"{'Fresh' if one['ok'] else 'Not fresh':<14}{one['message']}" for one in found]


def save_landed(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Keep beside the snapshot which file of the last landing had the greatest rejected share.

    A landing without lines, or of nothing but a replay, is none.
    """
    worst = connection.execute(_WORST).fetchone()
    if worst is not None:
        source, lines, rejected = worst
        landed = {"source": source, "lines": lines, "rejected": rejected}
        notes.write(_landed_file(settings), landed)


def _snapshot_age(settings: Settings, seen: _Seen) -> Iterator[Finding]:
    yield from _gap("snapshot_age", "The snapshot was published", seen.published_at, settings, seen)


def _landing_gap(settings: Settings, seen: _Seen) -> Iterator[Finding]:
    since = seen.last_landed_at or seen.first_published_at
    said = "The last events landed" if seen.last_landed_at else "No event has landed; waiting began"
    yield from _gap("landing_gap", said, since, settings, seen)


def _event_gap(settings: Settings, seen: _Seen) -> Iterator[Finding]:
    if seen.last_event_at is None:
        if limit := settings.max_event_gap_hours:
            yield Finding("event_gap", True, None, limit, "No event has landed yet.")
    else:
        yield from _gap(
            "event_gap", "The latest event happened", seen.last_event_at, settings, seen
        )


def _gap(
    check: str, said: str, since: datetime, settings: Settings, seen: _Seen
) -> Iterator[Finding]:
    setting = f"max_{check}_hours"
    limit = getattr(settings, setting)
    if limit is None:
        return
    hours = round((seen.now - since).total_seconds() / 3_600, 2)
    when = "ago" if hours >= 0 else "ahead of the clock"
    message = f"{said} {abs(hours):,.1f} hours {when}"
    if hours > limit:
        message += f", more than {limit:g} ({PREFIX}{setting.upper()})"
    yield Finding(check, hours <= limit, hours, limit, f"{message}.")


def _rejected_share(settings: Settings, _: _Seen) -> Iterator[Finding]:
    limit = settings.rejected_limit
    landed = notes.read(_landed_file(settings))
    if landed is None:
        yield Finding("rejected_share", True, None, limit, "No file has landed yet.")
        return
    share = landed["rejected"] / landed["lines"]
    message = (
        f"In the last landing at most {landed['rejected']:,} of {landed['lines']:,} lines of a file"
        f" were rejected ({landed['source']})"
    )
    if share > limit:
        message += f", more than {limit:.2%} ({PREFIX}REJECTED_LIMIT)"
    ok = share <= limit
    yield Finding("rejected_share", ok, round(share, 6), limit, f"{message}.")


def _volume(settings: Settings, seen: _Seen) -> Iterator[Finding]:
    """Hold yesterday, in the reporting time zone, to the median of the same weekday."""
    if settings.volume_factor is None:
        return
    day = _day(seen.now, settings) - timedelta(days=1)
    volumes: Counter[object] = Counter()
    for landed_at, events in seen.landed:
        volumes[_day(landed_at, settings)] += events
    before = [day - timedelta(weeks=week) for week in range(1, settings.volume_weeks + 1)]
    usual = median(volumes[past] for past in before)
    if usual < TOO_FEW or _day(seen.first_published_at, settings) >= before[-1]:
        message = f"{volumes[day]:,} events landed on {day}; too little came before to compare."
        yield Finding("volume", True, volumes[day], None, message)
        return
    least, most = usual / settings.volume_factor, usual * settings.volume_factor
    message = f"{volumes[day]:,} events landed on {day}"
    ok = least <= volumes[day] <= most
    if not ok:
        message += (
            f", usual on that weekday are {usual:,.0f}: outside {least:,.0f} to {most:,.0f}"
            f" ({PREFIX}VOLUME_FACTOR)"
        )
    yield Finding("volume", ok, volumes[day], round(least, 2), f"{message}.")


def _day(instant: datetime, settings: Settings) -> Any:
    return instant.replace(tzinfo=UTC).astimezone(settings.zone).date()


def _landed_file(settings: Settings) -> Path:
    return settings.published / "landed.json"
