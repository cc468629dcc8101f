"""Snapshots as of the past: how their instant is written, where they lie, and which there are."""

import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.settings import Settings

AsOf = datetime | date | str
"""An instant (without a zone: UTC), or a day of the reporting time zone, which is its last one."""

_NAME = re.compile(r"\d{8}T\d{6}(\d{6})?Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class NoSnapshotAsOf(Exception):
    """There is no snapshot as of an instant; the message says how to make it, and which exist."""


def instant_of(as_of: AsOf, settings: Settings) -> datetime:
    """The instant that is meant, UTC without a zone.

    Raises:
        InvalidInstant: a text is neither an instant with a zone nor a day.
    """
    # Dashboards read snapshots too, without the packages that landing and dbt need.
    from orchestration.landing.instants import last_of_day
    from orchestration.refresh import InvalidInstant, parse_instant

    if isinstance(as_of, str):
        if not _DAY.fullmatch(as_of):
            return parse_instant(as_of)
        try:
            as_of = date.fromisoformat(as_of)
        except ValueError:
            raise InvalidInstant(f"{as_of!r} is no day: write it as 2025-06-30.") from None
    if isinstance(as_of, datetime):
        return as_of if as_of.tzinfo is None else as_of.astimezone(UTC).replace(tzinfo=None)
    return last_of_day(as_of, settings.zone).replace(tzinfo=None)


def text_of(as_of: datetime) -> str:
    """An instant (UTC without a zone) as people write it: 2025-07-01T00:00:00Z."""
    return f"{as_of.isoformat()}Z"


def file_of(settings: Settings, as_of: datetime) -> Path:
    """Where the snapshot as of an instant lies: a link to it, which readers open."""
    name = re.sub(r"[-:.]", "", text_of(as_of))
    return settings.as_of / name / settings.snapshot_file.name


def find_file(settings: Settings, as_of: AsOf) -> Path:
    """Where the snapshot as of an instant or a day lies.

    Raises:
        NoSnapshotAsOf: there is none.
        InvalidInstant: a text is neither an instant with a zone nor a day.
    """
    instant = instant_of(as_of, settings)
    file = file_of(settings, instant)
    if file.exists():
        return file
    there = [text_of(other) for other in known(settings)]
    raise NoSnapshotAsOf(
        f"There is no snapshot as of {text_of(instant)}: make it with `learner-progress snapshot"
        f" --as-of {text_of(instant)}`. {_list(there)}"
    )


def known(settings: Settings) -> list[datetime]:
    """The instants of which there are snapshots, in order."""
    names = (file.parent.name for file in settings.as_of.glob(f"*/{settings.snapshot_file.name}"))
    return sorted(_instant(name) for name in names if _NAME.fullmatch(name))


def drop_snapshots(settings: Settings) -> int:
    """Remove every snapshot as of the past; returns how many there were."""
    count = len(known(settings))
    shutil.rmtree(settings.as_of, ignore_errors=True)
    return count


def _instant(name: str) -> datetime:
    return datetime.strptime(name, "%Y%m%dT%H%M%S%fZ" if len(name) > 16 else "%Y%m%dT%H%M%SZ")


def _list(there: list[str]) -> str:
    if not there:
        return "None has been made yet."
    shown = ", ".join(there[-5:])
    return f"There is one as of {shown}." if len(there) <= 5 else f"The latest: {shown}."
