"""Rejected lines go through landing again: mended ones leave, all are counted."""

import gzip
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import NOW
from story import csv_lines, event, json_lines

from orchestration.landing import rejected_lines, replay
from orchestration.settings import load_settings

LATER = "2026-01-02T12:00:00Z"
AFTER = NOW + timedelta(days=2)


def lesson(lesson_id, **columns):
    sound = {"course_id": "algebra", "lesson_id": lesson_id, "position": 1, "title": "Sets"}
    return {**sound, **columns}


def enrollment(**columns):
    sound = {"learner_id": "ada", "course_id": "algebra", "enrolled_at": "2025-01-01T00:00:00Z"}
    return {**sound, **columns}


def replayed(room, **arguments):
    return replay(room.connection, room.settings, **{"now": lambda: AFTER, **arguments})


def counts(file):
    return file.lines, file.accepted, file.duplicates, file.rejected, file.ignored


def test_mended_lines_leave_and_the_ledger_keeps_both_facts(room):
    room.land_one("events/a.jsonl", json_lines(event(), event(event_id="e2", occurred_at=LATER)))
    (again,) = replayed(room)
    assert (again.source, again.file, again.status, again.batch_id) == (
        "events",
        "replay",
        "landed",
        2,
    )
    assert counts(again) == (1, 1, 0, 0, 0)
    assert room.reasons() == []
    ledger = "select batch_id, file, lines, accepted, rejected from raw.landed_files order by 1"
    assert room.rows(ledger) == [(1, "a.jsonl", 2, 1, 1), (2, "replay", 1, 1, 0)]
    assert room.rows("select event_id, batch_id, line, recorded_at from raw.events order by 1") == [
        ("e1", 1, 1, NOW),
        ("e2", 2, 2, AFTER),
    ]
    left = "select batch_id, first_batch_id, source, file, line, reason from raw.replayed_lines"
    assert room.rows(left) == [(2, 1, "events", "a.jsonl", 2, "instant_in_the_future")]
    assert room.unaccounted() == []
    assert replayed(room) == []


def test_lines_rejected_again_keep_their_first_batch_and_get_the_reason_that_holds_now(room):
    room.land_one("events/a.csv", csv_lines(event(occurred_at=LATER), event(event_id="e2")))
    room.land_one("events/b.jsonl", json_lines(event(lesson_id="maps")))
    kept = "select batch_id, line, recorded_at, reason from raw.rejected_lines"
    assert room.rows(kept) == [(1, 2, NOW, "instant_in_the_future")]
    (again,) = replayed(room)
    assert counts(again) == (1, 0, 0, 1, 0)
    assert room.rows(kept) == [(1, 2, NOW, "event_id_conflict")]
    assert rejected_lines(room.connection)[0]["file"] == "a.csv"
    assert room.unaccounted() == []


def test_a_line_that_was_sent_again_meanwhile_is_a_duplicate_and_leaves(room):
    room.land_one("events/a.jsonl", json_lines(event(occurred_at=LATER)))
    sent_again = json_lines(event(occurred_at=LATER), event(event_id="e2"))
    room.land_one("events/b.jsonl", sent_again, now=lambda: AFTER)
    (again,) = replayed(room)
    assert counts(again) == (1, 0, 1, 0, 0)
    assert room.reasons() == []
    assert room.unaccounted() == []


def test_only_lines_of_the_reason_are_replayed(room):
    rows = json_lines(event(occurred_at=LATER), event(event_id="e2", event_type="seen"))
    room.land_one("events/a.jsonl", rows)
    assert replayed(room, reason="invalid_json") == []
    (again,) = replayed(room, reason="instant_in_the_future")
    assert counts(again) == (1, 1, 0, 0, 0)
    assert room.reasons() == [(2, "unknown_event_type")]


def test_lines_of_every_format_are_read_with_their_header_and_number(room, tmp_path):
    text = csv_lines(event(event_id='"two\nlines"'), event(event_id="e2", occurred_at=LATER))
    room.land_one("events/a.csv.gz", gzip.compress(text.encode()))
    rows = pa.Table.from_pylist([event(event_id="e3"), event(event_id="e4", occurred_at=LATER)])
    pq.write_table(rows, tmp_path / "b.parquet")
    room.land_one("events/b.parquet", (tmp_path / "b.parquet").read_bytes())
    assert room.reasons()[-2:] == [(4, "instant_in_the_future"), (2, "instant_in_the_future")]
    replayed(room)
    where = "select event_id, line from raw.events where batch_id = 3 order by 1"
    assert room.rows(where) == [("e2", 4), ("e4", 2)]
    assert room.unaccounted() == []


def test_a_broken_quote_is_read_in_its_place(room):
    room.land_one("events/a.csv", csv_lines(event(event_id='"e1'), event(event_id="e2")))
    assert room.reasons() == [(2, "invalid_csv")]
    (again,) = replayed(room)
    assert counts(again) == (1, 0, 0, 1, 0)
    assert room.reasons() == [(2, "invalid_csv")]


def test_a_replayed_row_loses_to_one_that_landed_after_it_was_first_rejected(room):
    late = enrollment(unenrolled_at="2026-05-01T00:00:00+99:00")
    room.land_one("enrollments/a.jsonl", json_lines(late))
    room.land_one("enrollments/b.jsonl", json_lines(enrollment(enrolled_at="2025-02-01")))
    room.connection.execute("update raw.rejected_lines set reason = 'x'")
    mend_archive(room, 1, json_lines(enrollment(enrolled_at="2025-03-01")))
    (again,) = replayed(room)
    assert counts(again) == (1, 1, 0, 0, 0)
    same = room.land_one("enrollments/c.jsonl", json_lines(enrollment(enrolled_at="2025-02-01")))
    assert (same.accepted, same.duplicates) == (0, 1)
    places = "select enrolled_at::date::text, delivered_batch_id from raw.enrollments order by 1"
    assert room.rows(places) == [("2025-02-01", None), ("2025-03-01", 1)]


def test_rows_of_one_key_stand_in_the_order_of_their_first_delivery_whenever_replayed(room):
    for number in (1, 2):
        broken = enrollment(enrolled_at=f"2025-0{number}-01T00:00")
        other = enrollment(learner_id="bob")
        room.land_one(f"enrollments/{number}.jsonl", json_lines(*([other] * (3 - number)), broken))
        mended = enrollment(enrolled_at=f"2025-0{number}-01T00:00Z")
        mend_archive(room, number, json_lines(*([other] * (3 - number)), mended))
    (again,) = replayed(room)
    assert again.accepted == 2
    standing = room.land_one(
        "enrollments/3.jsonl", json_lines(enrollment(enrolled_at="2025-02-01T00:00Z"))
    )
    assert standing.duplicates == 1


def test_a_course_is_replayed_whole_and_others_stay(room):
    rows = [
        lesson("sets", title=" "),
        lesson("maps", removed_at=LATER),
        lesson("knots", course_id="sailing", removed_at=LATER),
        lesson("bends", course_id="sailing"),
        lesson("rests", course_id="music", title=""),
    ]
    room.land_one("lessons/a.jsonl", json_lines(*rows))
    (again,) = replayed(room, reason="instant_in_the_future")
    assert counts(again) == (4, 2, 0, 2, 0)
    assert room.reasons() == [(1, "blank_title"), (2, "course_incomplete"), (5, "missing_value")]
    assert room.rows("select lesson_id from raw.lessons order by 1") == [("bends",), ("knots",)]
    assert room.unaccounted() == []


def test_without_its_archived_copy_a_line_stays_and_the_replay_says_so(room):
    room.land_one("events/a.jsonl", json_lines(event(occurred_at=LATER)))
    next(room.settings.archive.iterdir()).unlink()
    (again,) = replayed(room)
    assert (again.status, again.lines) == ("left_alone", 0)
    assert "a.jsonl" in again.reason
    assert room.reasons() == [(1, "instant_in_the_future")]
    assert room.unaccounted() == []


def test_a_changed_setting_mends_lines(room):
    room.land_one("events/a.jsonl", json_lines(event(occurred_at=LATER)))
    lenient = load_settings(home=room.settings.home, max_future_minutes=1500)
    (again,) = replay(room.connection, lenient, now=lambda: NOW)
    assert again.accepted == 1


@pytest.mark.parametrize("change", ["delete from raw.events", "delete from raw.rejected_lines"])
def test_the_accounting_is_a_check_that_can_fail(room, change):
    room.land_one("events/a.jsonl", json_lines(event(), event(event_id="e2", event_type="seen")))
    assert room.unaccounted() == []
    room.connection.execute(change)
    assert len(room.unaccounted()) == 1


def mend_archive(room, batch_id, content):
    """Let the archive hold what a mended reader would make of a file."""
    (copy,) = room.settings.archive.glob(f"{batch_id:09d}__*")
    copy.write_bytes(zstandard.compress(content.encode()))


def statement(number, verb="experienced", **columns):
    return {
        "id": f"s{number}",
        "actor": {"account": {"name": "ada", "homePage": "https://example.org"}},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
        "object": {"id": "sets", "objectType": "Activity"},
        "context": {"contextActivities": {"grouping": [{"id": "algebra"}]}},
        "timestamp": "2025-03-01T10:00:00Z",
        **columns,
    }


def test_documents_of_a_standard_are_told_apart_where_they_share_a_line(room):
    said = [
        statement(1),
        statement(2, timestamp=LATER),
        statement(3, "registered", object={"id": "algebra"}),
        statement(4, timestamp="no time"),
    ]
    landed = room.land_one("xapi/a.jsonl", json_lines({"statements": said}))
    assert counts(landed) == (4, 2, 0, 2, 0)
    (again,) = replayed(room)
    assert counts(again) == (2, 1, 0, 1, 0)
    assert room.reasons() == [(1, "invalid_instant")]
    assert room.rows("select event_id, batch_id from raw.events order by 1") == [
        ("s1", 1),
        ("s2", 2),
    ]
    assert room.unaccounted() == []


def test_an_event_rejected_in_two_files_is_one_event(room):
    for name, lesson_id in (("a", "sets"), ("b", "sets"), ("c", "maps")):
        rows = json_lines(event(occurred_at=LATER, lesson_id=lesson_id), event(event_id=name))
        room.land_one(f"events/{name}.jsonl", rows)
    (again,) = replayed(room)
    assert counts(again) == (3, 1, 1, 1, 0)
    assert room.reasons() == [(1, "event_id_conflict")]
    assert room.unaccounted() == []
