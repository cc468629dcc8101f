"""Instants: text with a zone, or a date alone that stands for a day of the reporting zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing import arrays
from orchestration.landing.sources import Source

_TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
LOCAL_FORM = rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]{_TIME}"
FORM = LOCAL_FORM + r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"
_DATE_FORM = r"^\d{4}-\d{2}-\d{2}$"


_BEFORE_ALL, _AFTER_ALL = "0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z"
"""What a day of the zone stands for that begins or ends beyond the calendar in UTC."""


def of_day(name: str) -> str:
    """The column of a chunk that holds what a date alone in column `name` stands for."""
    return f"{name}_of_day"


def with_days(chunk: pa.Table, source: Source, zone: ZoneInfo) -> pa.Table:
    """Add what each date alone stands for, as text in UTC, null where there is no such date."""
    for column in source.columns:
        if column.day is None:
            continue
        values = chunk.column(column.name).cast(pa.string())
        dates = values.filter(pc.match_substring_regex(values, _DATE_FORM)).unique()
        meanings = [_instant(text, column.day == "last", zone) for text in dates.to_pylist()]
        places = pc.index_in(values, dates)
        days = arrays.texts(meanings, pa.string()).take(places.combine_chunks())
        chunk = chunk.append_column(of_day(column.name), days)
    return chunk


def _instant(text: str, is_last: bool, zone: ZoneInfo) -> str | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    try:
        local = last_of_day(day, zone) if is_last else _first(day, zone)
        return f"{local.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    except OverflowError:
        return _BEFORE_ALL if day.year == 1 else _AFTER_ALL


def _first(day: date, zone: ZoneInfo) -> datetime:
    """Midnight; where it comes twice the first, where it is skipped the instant of the leap."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def last_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond before the next midnight of the zone, in UTC."""
    if day == date.max:
        return datetime.max.replace(tzinfo=zone)
    return _first(day + timedelta(days=1), zone) - timedelta(microseconds=1)
