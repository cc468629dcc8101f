"""Why a line is rejected: the closed list of reasons, and the lines kept under them."""

from typing import Any

import duckdb

REASONS = {
    "invalid_utf8": "The line's bytes are not UTF-8; export the file as UTF-8.",
    "line_too_long": "The line is longer than 16 MB; split it, or look for a missing line end.",
    "invalid_json": "The line is not one whole JSON value by the standard (a key twice, NaN and"
    " Infinity included); write one JSON object per line.",
    "not_an_object": "The line is JSON but no object; write one object per line, with the columns'"
    " names as keys.",
    "invalid_csv": "The quoting is broken: a quote inside a bare field, text after a closing quote,"
    " or a quote never closed; double the quotes inside quoted fields.",
    "wrong_number_of_fields": "The line has more or fewer fields than the header; quote fields that"
    " hold a comma.",
    "wrong_type": "A column holds a fraction, a boolean, an object or an array; send text, or an"
    " integer.",
    "lone_surrogate": "A text holds half of a surrogate pair, which is no character; send whole"
    " characters.",
    "missing_value": "A required column is absent, null or empty; send its value.",
    "id_too_long": "An id is longer than 255 characters; send the platform's own id.",
    "id_with_control_characters": "An id holds a control character such as a tab or line end;"
    " remove it.",
    "id_with_outer_blanks": "An id begins or ends with white space; trim it at its origin.",
    "reserved_event_id": "The event_id begins with body:, which is kept for events without an id;"
    " send another id, or none.",
    "unknown_event_type": "The event_type is neither lesson_viewed nor lesson_completed.",
    "blank_title": "The title holds nothing but white space; send a title that people can read.",
    "invalid_position": "The position is no integer of 64 bits; send 1, 2, 3 through the course.",
    "invalid_instant": "A time is not written YYYY-MM-DDThh:mm[:ss[.ffffff]] with a zone, or names"
    " a day or hour that doesn't exist.",
    "instant_without_zone": "A time has no zone; add Z or an offset such as +02:00.",
    "instant_too_early": "A time lies before 1990; look for a zero or default date.",
    "instant_too_late": "A time lies after the year 9999; leave the column empty for 'never'.",
    "instant_in_the_future": "A time that must have passed lies later than the landing allows;"
    " correct the sender's clock, or raise LEARNER_PROGRESS_MAX_FUTURE_MINUTES.",
    "event_id_conflict": "Another event already landed under this event_id with another body; the"
    " first stays, so send this one under an id of its own.",
    "voided": "The statement was voided by another one that landed before or in the same file; send"
    " a new statement if it was voided by mistake.",
    "course_incomplete": "Another line of this course was rejected, and a lessons file speaks for"
    " whole courses; mend that line and send the file again.",
}
"""Every reason code, with what it means and what to do."""

_LINES = """
select source, file, line, reason, detail, text
from raw.rejected_lines
where $reason is null or reason = $reason
order by batch_id, line
limit $limit
"""

_COUNTS = """
select reason, source, file, count(*) as lines
from raw.rejected_lines
group by reason, source, file
order by lines desc, reason, source, file
"""

_ALL = 2**62


def rejected_lines(
    connection: duckdb.DuckDBPyConnection, reason: str | None = None, limit: int | None = None
) -> list[dict[str, object]]:
    """Read rejected lines in landing order, of one reason if given.

    Each has source, file, line (physical, from 1), reason, detail, and text: the line as it came,
    with U+FFFD where its bytes are not UTF-8.
    """
    parameters = {"reason": reason, "limit": _ALL if limit is None else limit}
    rows = _rows(connection.execute(_LINES, parameters))
    return [{**row, "text": bytes(row["text"]).decode("utf-8", "replace")} for row in rows]


def rejected_counts(connection: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Count rejected lines by reason, source and file, the most frequent first."""
    return _rows(connection.execute(_COUNTS))


def _rows(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
