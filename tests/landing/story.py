"""The few words in which the stories of the landing room are told."""

import json


def event(**columns: object) -> dict[str, object]:
    """A sound event, with some columns of one's own."""
    sound = {
        "event_id": "e1",
        "event_type": "lesson_viewed",
        "learner_id": "ada",
        "course_id": "algebra",
        "lesson_id": "sets",
        "occurred_at": "2025-03-01T10:00:00Z",
    }
    return {**sound, **columns}


def json_lines(*rows: dict[str, object]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def csv_lines(*rows: dict[str, object]) -> str:
    """Rows as plain CSV, under the columns of the first."""
    return "".join(
        ",".join(map(str, fields)) + "\n" for fields in (rows[0], *(r.values() for r in rows))
    )
