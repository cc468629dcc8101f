"""What a value must be: every reason code for which a value is rejected, and what is accepted."""

from datetime import datetime

import pytest
from story import csv_lines, event, json_lines

from orchestration.landing import REASONS

LONGEST = "x" * 255

REJECTED_EVENTS = [
    ("missing_value", {"learner_id": None}),
    ("missing_value", {"course_id": ""}),
    ("missing_value", {"occurred_at": None}),
    ("wrong_type", {"learner_id": 1.0}),
    ("wrong_type", {"learner_id": True}),
    ("wrong_type", {"lesson_id": {"id": "x"}}),
    ("wrong_type", {"lesson_id": []}),
    ("lone_surrogate", {"lesson_id": "\ud800"}),
    ("id_too_long", {"lesson_id": "😀" * 256}),
    ("id_with_control_characters", {"lesson_id": "a\tb"}),
    ("id_with_control_characters", {"lesson_id": "a\0b"}),
    ("id_with_control_characters", {"lesson_id": "a\n"}),
    ("id_with_control_characters", {"lesson_id": "a\x85"}),
    ("id_with_outer_blanks", {"lesson_id": " a"}),
    ("id_with_outer_blanks", {"lesson_id": "a\u00a0"}),
    ("id_with_outer_blanks", {"lesson_id": "\u2029a"}),
    ("id_with_outer_blanks", {"lesson_id": "\u3000"}),
    ("reserved_event_id", {"event_id": "body:1"}),
    ("unknown_event_type", {"event_type": "lesson_viewed "}),
    ("unknown_event_type", {"event_type": 1}),
    ("invalid_instant", {"occurred_at": "2025-02-29T10:00:00Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T24:00:00Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:60Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:60:00Z"}),
    ("invalid_instant", {"occurred_at": "2025-W01-1T10:00:00Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01t10:00:00z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01  10:00:00Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:00,5Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:00 Z"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:00+24:00"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:00+01:60"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:00+1"}),
    ("invalid_instant", {"occurred_at": "01/02/2025 10:00:00Z"}),
    ("invalid_instant", {"occurred_at": "1735689600"}),
    ("invalid_instant", {"occurred_at": 1735689600}),
    ("invalid_instant", {"occurred_at": "2025-01-01"}),
    ("invalid_instant", {"occurred_at": "2025-01-01T10:00:00Z\n"}),
    ("invalid_instant", {"occurred_at": "٢٠٢٥-01-01T10:00:00Z"}),
    ("instant_without_zone", {"occurred_at": "2025-01-01T10:00:00"}),
    ("instant_without_zone", {"occurred_at": "2025-01-01 10:00"}),
    ("instant_too_early", {"occurred_at": "1989-12-31T23:59:59.999999Z"}),
    ("instant_too_early", {"occurred_at": "1990-01-01T00:00:00+01:00"}),
    ("instant_too_late", {"occurred_at": "9999-12-31T23:59:59-01:00"}),
    ("instant_in_the_future", {"occurred_at": "2026-01-01T13:00:00.000001Z"}),
]

INSTANTS = {
    "2025-01-01T10:00:00Z": datetime(2025, 1, 1, 10),
    "2025-01-01 10:00Z": datetime(2025, 1, 1, 10),
    "2025-01-01T10:00:00+05:30": datetime(2025, 1, 1, 4, 30),
    "2025-01-01T10:00:00-0530": datetime(2025, 1, 1, 15, 30),
    "2025-01-01T10:00:00+02": datetime(2025, 1, 1, 8),
    "2025-01-01T10:00:00-23:59": datetime(2025, 1, 2, 9, 59),
    "2025-01-01T10:00:00.1Z": datetime(2025, 1, 1, 10, 0, 0, 100_000),
    "2025-01-01T10:00:00.999999999999Z": datetime(2025, 1, 1, 10, 0, 0, 999_999),
    "1990-01-01T00:00:00Z": datetime(1990, 1, 1),
    "2024-02-29T23:59:59Z": datetime(2024, 2, 29, 23, 59, 59),
    "2026-01-01T13:00:00Z": datetime(2026, 1, 1, 13),
}

STRANGE_IDS = [
    "'; drop table raw.events; --",
    *("İstanbul", "ада", "e\u0301", "\u200b", LONGEST, "😀" * 255),
    *("=1+1", "NULL", "null", "\\N", "a b", "\ufeff", "{}", "..", "%s", "0012"),
]


def test_a_bad_value_rejects_its_line_and_no_other(room):
    bad = [event(**columns) for _, columns in REJECTED_EVENTS]
    good = [event(event_id=f"good {n}") for n in range(len(bad))]
    lines = json_lines(*(row for pair in zip(bad, good, strict=True) for row in pair))
    landed = room.land_one("events/a.jsonl", lines)
    assert (landed.accepted, landed.rejected) == (len(good), len(bad))
    expected = [(2 * n + 1, reason) for n, (reason, _) in enumerate(REJECTED_EVENTS)]
    assert room.reasons() == expected


def test_an_instant_is_kept_in_utc_cut_at_microseconds(room):
    rows = [event(event_id=written, occurred_at=written) for written in INSTANTS]
    room.land_one("events/a.jsonl", json_lines(*rows))
    assert dict(room.rows("select event_id, occurred_at from raw.events")) == INSTANTS


def test_the_zone_of_the_session_moves_no_instant(room):
    room.connection.execute("set TimeZone = 'Asia/Tokyo'")
    room.land_one("events/a.jsonl", json_lines(event(occurred_at="2025-01-01T10:00:00+02:00")))
    assert room.rows("select occurred_at from raw.events") == [(datetime(2025, 1, 1, 8),)]


def test_strange_but_sound_ids_are_plain_text(room):
    lines = json_lines(*(event(learner_id=text, event_id=text) for text in STRANGE_IDS))
    room.land_one("events/a.jsonl", lines)
    kept = room.rows("select learner_id, event_id from raw.events order by line")
    assert kept == [(text, text) for text in STRANGE_IDS]


def test_integers_are_their_decimal_text_of_any_size(room):
    huge = "9" * 200
    line = '{"event_id": -0, "event_type": "lesson_viewed", "learner_id": %s, "course_id": -7,'
    line += ' "lesson_id": 1, "occurred_at": "2025-01-01T00:00:00Z"}'
    room.land_one("events/a.jsonl", line % huge)
    ids = room.rows("select event_id, learner_id, course_id, lesson_id from raw.events")
    assert ids == [("0", huge, "-7", "1")]


def test_an_integer_longer_than_python_converts_is_only_too_long(room):
    line = json_lines(event(learner_id="?")).replace('"?"', "9" * 5000)
    room.land_one("events/a.jsonl", line)
    assert room.reasons() == [(1, "id_too_long")]


def test_a_missing_event_id_is_derived_from_the_body(room):
    lines = json_lines(event(event_id=None, extra=1), event(event_id="", extra=2))
    landed = room.land_one("events/a.jsonl", lines)
    assert (landed.accepted, landed.duplicates) == (1, 1)
    body = "lesson_viewed\x1fada\x1falgebra\x1fsets\x1f2025-03-01T10:00:00.000000Z"
    assert room.rows("select event_id = 'body:' || md5($$" + body + "$$) from raw.events") == [
        (True,)
    ]


@pytest.mark.parametrize(
    ("reason", "columns"),
    [
        ("missing_value", {"title": ""}),
        ("blank_title", {"title": " \u2003"}),
        ("missing_value", {"position": ""}),
        ("invalid_position", {"position": "1.5"}),
        ("invalid_position", {"position": "+1"}),
        ("invalid_position", {"position": " 1"}),
        ("invalid_position", {"position": "9223372036854775808"}),
        ("instant_in_the_future", {"removed_at": "2027-01-01"}),
        ("invalid_instant", {"removed_at": "2025-02-30"}),
    ],
)
def test_a_bad_lesson_is_rejected(room, reason, columns):
    lesson = {"course_id": "c", "lesson_id": "l", "position": "1", "title": "T", "removed_at": ""}
    room.land_one("lessons/a.csv", csv_lines({**lesson, **columns}))
    assert room.reasons() == [(2, reason)]


def test_future_deadlines_enrollments_and_additions_are_accepted(room):
    room.deliver("deadlines/a.csv", "course_id,due_at\nc,2099-01-01T00:00:00Z\n")
    lesson = "course_id,lesson_id,position,title,added_at\nc,l,-5,T,2099-01-01T00:00:00Z\n"
    room.deliver("lessons/a.csv", lesson)
    room.deliver(
        "enrollments/a.csv",
        "learner_id,course_id,enrolled_at,unenrolled_at\na,c,2098-01-01,2099-01-01\n",
    )
    assert [file.accepted for file in room.land()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        ("UTC", "2025-03-30", "2025-03-30T00:00:00", "2025-03-30T23:59:59.999999"),
        # 23 and 25 hours
        ("Europe/Vienna", "2025-03-30", "2025-03-29T23:00:00", "2025-03-30T21:59:59.999999"),
        ("Europe/Vienna", "2025-10-26", "2025-10-25T22:00:00", "2025-10-26T22:59:59.999999"),
        # midnight skipped: the day begins at 01:00
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00", "2018-11-05T01:59:59.999999"),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00:00", "2018-11-04T02:59:59.999999"),
        # midnight twice: the first one counts
        ("America/Havana", "2025-11-02", "2025-11-02T04:00:00", "2025-11-03T04:59:59.999999"),
        ("America/Havana", "2025-11-01", "2025-11-01T04:00:00", "2025-11-02T03:59:59.999999"),
        # the day that an island never had
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00", "2011-12-30T09:59:59.999999"),
    ],
)
def test_a_date_alone_is_a_day_of_the_reporting_zone(open_room, zone, day, first, last):
    room = open_room(timezone=zone)
    room.deliver("enrollments/a.csv", f"learner_id,course_id,enrolled_at\nada,c,{day}\n")
    room.deliver("deadlines/a.csv", f"course_id,due_at\nc,{day}\n")
    room.land()
    assert room.rows("select enrolled_at from raw.enrollments") == [
        (datetime.fromisoformat(first),)
    ]
    assert room.rows("select due_at from raw.deadlines") == [(datetime.fromisoformat(last),)]


def test_the_last_day_of_all_is_a_deadline(room):
    room.land_one("deadlines/a.csv", "course_id,due_at\nc,9999-12-31\n")
    assert room.rows("select due_at from raw.deadlines") == [(datetime.max,)]


@pytest.mark.parametrize(
    ("zone", "day", "reasons"),
    [
        ("America/New_York", "9999-12-31", [(2, "instant_too_late")]),
        ("Asia/Kathmandu", "0001-01-01", [(2, "instant_too_early")]),
    ],
)
def test_a_day_that_ends_beyond_the_calendar_in_utc(open_room, zone, day, reasons):
    room = open_room(timezone=zone)
    room.land_one("deadlines/a.csv", f"course_id,due_at\nc,{day}\n")
    assert room.reasons() == reasons


def test_an_empty_due_at_withdraws_but_an_absent_one_is_missing(room):
    lines = '{"course_id": "a", "due_at": null}\n{"course_id": "b", "due_at": ""}\n'
    room.land_one("deadlines/a.jsonl", lines + '{"course_id": "c"}\n')
    assert room.rows("select course_id, due_at from raw.deadlines order by line") == [
        ("a", None),
        ("b", None),
    ]
    assert room.reasons() == [(3, "missing_value")]


def test_the_allowed_skew_is_a_setting(open_room):
    room = open_room(max_future_minutes=0)
    room.land_one("events/a.jsonl", json_lines(event(occurred_at="2026-01-01T12:00:01Z")))
    assert room.reasons() == [(1, "instant_in_the_future")]


def test_every_reason_says_what_it_means():
    assert all(meaning.endswith(".") for meaning in REASONS.values())
