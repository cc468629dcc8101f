"""How the academy's events arrive: in dated files of several formats, with mishaps on the way."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

from academy_files import Line, Row, write_rows
from academy_learners import Event

LINES = 30_000
REPEATS = 900
OFFLINE = datetime(2025, 5, 1, 2, tzinfo=UTC)
EVENT_FILES = {
    "2025-01": "events_2025-01.jsonl.gz",
    "2025-02": "events_2025-02.csv.gz",
    "2025-03": "events_2025-03.parquet",
    "2025-04": "events_2025-04.jsonl.zst",
    "2025-04 offline": "events_2025-04_offline-app.jsonl.gz",
    "2025-05": "events_2025-05.csv.zst",
    "2025-06": "events_2025-06.ndjson.gz",
}

_FINE: Row = {
    "event_id": None,
    "event_type": "lesson_viewed",
    "learner_id": "mira.k-901",
    "course_id": "bread",
    "lesson_id": "bread-01",
    "occurred_at": "2025-02-14T18:30:00Z",
}


def _json_with(event_type: str, event_id: str) -> str:
    rest = {name: value for name, value in _FINE.items() if name != "event_type"}
    return f"{{{event_type}," + json.dumps(rest | {"event_id": event_id})[1:]


BAD_LINES: dict[str, list[Line]] = {
    "2025-01": [
        '{"event_id":"ev-900001","event_type":"lesson_viewed","learner_id":"mira.k-9',
        _FINE | {"event_id": "ev-900002", "learner_id": None},
        _FINE | {"event_id": "ev-900003", "occurred_at": "2025-01-20T18:30:00"},
    ],
    "2025-02": [
        _FINE | {"event_id": "ev-900004", "occurred_at": "2025-02-30T18:30:00Z"},
        _FINE | {"event_id": "ev-900005", "occurred_at": "1739557800"},
        _FINE | {"event_id": "ev-900006", "event_type": "lesson_liked"},
    ],
    "2025-03": [
        _FINE | {"event_id": "ev-900007", "learner_id": "mira.k-901 "},
        _FINE | {"event_id": "ev-900008", "lesson_id": ""},
    ],
    "2025-04": [
        _json_with('"event_type":"lesson_viewed","event_type":"lesson_completed"', "ev-900009"),
        _json_with('"event_type":"lesson_viewed","score":NaN', "ev-900010"),
        '{"event_id":"ev-900011","event_type":"lesson_viewed","learner_id":17.5}',
    ],
    "2025-05": [
        _FINE | {"event_id": "ev-900012", "occurred_at": "2075-05-09T18:30:00Z"},
        _FINE | {"event_id": "ev-900013", "course_id": ""},
    ],
    "2025-06": [],
}
"""Faulty lines by file; June's are two events whose id an earlier one has."""
CONFLICTS = 2


def write_events(rng: Random, folder: Path, events: list[Event]) -> None:
    """Write 30,000 event lines in landing order, a file a month and one of the offline app.

    Views of lessons seen before are left out until the number fits.
    """
    reports = _reported_twice(rng, events)
    faults = sum(len(lines) for lines in BAD_LINES.values()) + CONFLICTS
    surplus = len(events) + len(reports) + REPEATS + faults - LINES
    reviews = [number for number, event in enumerate(events) if event.is_review]
    left_out = set(rng.sample(reviews, surplus))
    kept = [event for number, event in enumerate(events) if number not in left_out]
    numbered = _numbered(_offline(rng, kept)) + reports
    repeats = [
        replace(event, landed_at=event.landed_at + timedelta(minutes=rng.randrange(1, 6000)))
        for event in rng.sample(numbered, REPEATS)
    ]
    delivered = sorted(numbered + repeats, key=lambda event: (event.landed_at, event.event_id))
    for month, name in EVENT_FILES.items():
        lines: list[Line] = [_row(e, month) for e in delivered if _file_of(e) == month]
        for fault in BAD_LINES.get(month, []):
            lines.insert(rng.randrange(1, len(lines)), _as_columns(fault, month))
        if month == "2025-06":
            lines += [_row(e, month) | {"lesson_id": "bread-03"} for e in _conflicting(numbered)]
        write_rows(folder / "events" / name, lines)


def _reported_twice(rng: Random, events: list[Event]) -> list[Event]:
    """Completions of April that the app reports once more, some with an earlier time."""
    april = [e for e in events if e.event_type == "lesson_completed" and e.occurred_at.month == 4]
    return [
        replace(
            event,
            event_id=f"app-{number:04d}",
            occurred_at=event.occurred_at + timedelta(minutes=rng.randrange(-90, 40)),
            landed_at=OFFLINE,
        )
        for number, event in enumerate(rng.sample(april, 24), start=1)
    ]


def _offline(rng: Random, events: list[Event]) -> list[Event]:
    """Let what two dozen learners did in April wait on their phones until the month's end."""
    active = sorted({event.learner_id for event in events if event.occurred_at.month == 4})
    phones = set(rng.sample(active, 24))
    return [
        replace(event, landed_at=OFFLINE)
        if event.learner_id in phones and event.occurred_at.month == 4
        else event
        for event in events
    ]


def _numbered(events: list[Event]) -> list[Event]:
    """Give event ids in order of time; February's first days come from a system without ids."""
    in_order = sorted(events, key=lambda e: (e.occurred_at, e.learner_id, e.lesson_id))
    return [
        replace(
            event,
            event_id=""
            if event.landed_at.isoformat() < "2025-02-04" and event.landed_at.month == 2
            else f"ev-{number:06d}",
        )
        for number, event in enumerate(in_order, start=1)
    ]


def _conflicting(numbered: list[Event]) -> list[Event]:
    named = [e for e in numbered if e.lesson_id == "bread-02" and e.event_id]
    return named[40 : 40 + CONFLICTS]


def _file_of(event: Event) -> str:
    if event.landed_at == OFFLINE:
        return "2025-04 offline"
    return min(f"{event.landed_at:%Y-%m}", "2025-06")


def _row(event: Event, month: str) -> Row:
    at = event.occurred_at
    if month == "2025-02":
        instant = at.astimezone(timezone(timedelta(hours=1))).strftime("%Y-%m-%d %H:%M:%S+01:00")
    else:
        instant = f"{at:%Y-%m-%dT%H:%M:%S}Z"
    row: Row = {
        "event_id": event.event_id or None,
        "event_type": event.event_type,
        "learner_id": event.learner_id,
        "course_id": event.course_id,
        "lesson_id": event.lesson_id,
        "occurred_at": instant,
    }
    columns = _as_columns(row, month)
    assert isinstance(columns, dict)
    return columns


def _as_columns(line: Line, month: str) -> Line:
    """February's export has its own order of columns and one that nobody needs."""
    if month == "2025-02" and isinstance(line, dict):
        return {"occurred_at": line["occurred_at"], "device": "web"} | line
    return line
