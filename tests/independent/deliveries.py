"""Source files as they are delivered, refresh by refresh, and a naive landing of them.

The landing knows valid rows only: it drops repetitions and rejects conflicting event ids.
"""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .landed import CourseRow, DeadlineRow, EnrollmentRow, EventRow, Landed, LessonRow

SOURCES = ("courses", "lessons", "enrollments", "deadlines", "events")

# A row as text; one file (source, file name, rows); the files of one refresh; all refreshes.
Row = dict[str, str]
File = tuple[str, str, list[Row]]
Refresh = list[File]
Deliveries = list[Refresh]

_IDS = ("event_id", "learner_id", "course_id", "lesson_id")


def prefixed(deliveries: Deliveries, prefix: str) -> Deliveries:
    """Put a prefix before every id and file name, so that many worlds can share one build.

    A missing id stays missing. Order, repetition and conflicts stay as they are.
    """

    def cell(column: str, value: str) -> str:
        return prefix + value if column in _IDS and value else value

    return [
        [
            (source, prefix + name, [{c: cell(c, row[c]) for c in row} for row in rows])
            for source, name, rows in refresh
        ]
        for refresh in deliveries
    ]


def merged(worlds: list[Deliveries]) -> Deliveries:
    """Deliver several prefixed worlds together: the first refreshes in one, and so on."""
    length = max((len(deliveries) for deliveries in worlds), default=0)
    return [
        [file for deliveries in worlds if turn < len(deliveries) for file in deliveries[turn]]
        for turn in range(length)
    ]


def write_files(refresh: Refresh, inbox: Path) -> list[Path]:
    """Write the files of one refresh into `inbox/<source>/`, as CSV or JSON lines by ending."""
    paths = []
    for source, name, rows in refresh:
        path = inbox / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            if name.endswith(".csv"):
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            else:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        paths.append(path)
    return paths


def naive_landing(deliveries: Deliveries, zone: ZoneInfo) -> Landed:
    """Land all refreshes one after another: the rows that then stand in schema raw.

    A file is a batch, in the order of sources, then of names as bytes. Events that were delivered
    under another name with the same content are no batch. recorded_at is unknown (None).
    """
    landed = Landed([], [], [], [], [])
    events: dict[str, tuple[Any, ...]] = {}
    standing: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    contents: set[tuple[Any, ...]] = set()
    batch_id = 0
    for refresh in deliveries:
        for source, name, rows in sorted(refresh, key=_landing_order):
            known_as = "any name" if source == "events" else name
            lines = tuple(tuple(row.items()) for row in rows)
            content = (source, known_as, name.split(".")[-1], lines)
            if content in contents:
                continue
            contents.add(content)
            batch_id += 1
            for line, row in enumerate(rows, _first_line(name)):
                tail = (batch_id, line, None)
                if source == "events":
                    _land_event(landed, events, row, tail)
                else:
                    _land_catalogue_row(landed, standing, source, row, tail, zone)
    return landed


def _landing_order(file: File) -> tuple[int, bytes]:
    return (SOURCES.index(file[0]), file[1].encode())


def _first_line(name: str) -> int:
    """The line of a file's first row: a CSV header is line 1. (Ids hold no line breaks.)"""
    return 2 if name.endswith(".csv") else 1


def _land_event(
    landed: Landed, events: dict[str, tuple[Any, ...]], row: Row, tail: tuple[Any, ...]
) -> None:
    """Keep an event whose id is new; an id that is known is a duplicate or a conflict."""
    ids = (row["event_type"], row["learner_id"], row["course_id"], row["lesson_id"])
    occurred_at = instant(row["occurred_at"])
    text = "\x1f".join([*ids, f"{occurred_at:%Y-%m-%dT%H:%M:%S.%fZ}"])
    event_id = row["event_id"] or "body:" + md5(text.encode()).hexdigest()
    if event_id not in events:
        events[event_id] = (*ids, occurred_at)
        landed.events.append(EventRow(event_id, *ids, occurred_at, *tail))


def _land_catalogue_row(
    landed: Landed,
    standing: dict[tuple[Any, ...], tuple[Any, ...]],
    source: str,
    row: Row,
    tail: tuple[Any, ...],
    zone: ZoneInfo,
) -> None:
    """Keep a catalogue row unless it equals the one that stands for its key."""
    key_length, make, values = _catalogue_row(source, row, zone)
    key = (source, *values[:key_length])
    if standing.get(key) != values:
        standing[key] = values
        getattr(landed, source).append(make(*values, *tail))


def _catalogue_row(
    source: str, row: Row, zone: ZoneInfo
) -> tuple[int, Callable[..., Any], tuple[Any, ...]]:
    """How many columns are the key, what makes the row, and its values, the key first."""

    def day(column: str) -> datetime | None:
        return first_instant(row[column], zone) if row[column] else None

    if source == "courses":
        return 1, CourseRow, (row["course_id"], row["title"])
    if source == "lessons":
        about = (int(row["position"]), row["title"], row["section"] or None)
        when = (day("added_at"), day("removed_at"))
        return 2, LessonRow, (row["course_id"], row["lesson_id"], *about, *when)
    if source == "enrollments":
        when = (day("enrolled_at"), day("unenrolled_at"))
        return 2, EnrollmentRow, (row["learner_id"], row["course_id"], *when)
    due_at = last_instant(row["due_at"], zone) if row["due_at"] else None
    return 2, DeadlineRow, (row["course_id"], row["learner_id"] or None, due_at)


def instant(text: str) -> datetime:
    """An instant with its zone, as naive UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def first_instant(text: str, zone: ZoneInfo) -> datetime:
    """An instant; of a date alone, the day's first one in the reporting zone."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return _day_begins(date.fromisoformat(text), zone)
    return instant(text)


def last_instant(text: str, zone: ZoneInfo) -> datetime:
    """An instant; of a date alone, the last microsecond before the next local midnight."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        next_day = date.fromisoformat(text) + timedelta(days=1)
        return _day_begins(next_day, zone) - timedelta(microseconds=1)
    return instant(text)


@cache
def _day_begins(day: date, zone: ZoneInfo) -> datetime:
    """The first instant whose local date is the day, found by trying every minute."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(zone).date() < day:
        at += timedelta(minutes=1)
    return at.replace(tzinfo=None)
