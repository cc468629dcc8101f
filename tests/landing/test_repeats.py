"""What came before: duplicates, conflicts, upserts of the catalogue, and whole courses."""

import pytest
from story import csv_lines, event, json_lines


def test_one_event_id_is_one_event_within_a_file(room):
    lines = json_lines(
        event(event_id="bad", learner_id=""),
        event(event_id="bad", learner_id="ben"),
        event(),
        event(occurred_at="2025-03-01T11:00:00+01:00", unknown=1),
        event(lesson_id="maps"),
        event(),
    )
    landed = room.land_one("events/a.jsonl", lines)
    assert (landed.lines, landed.accepted, landed.duplicates, landed.rejected) == (6, 2, 2, 2)
    assert room.reasons() == [(1, "missing_value"), (5, "event_id_conflict")]
    assert room.rows("select line from raw.events order by line") == [(2,), (3,)]


def test_one_event_id_is_one_event_over_all_history(room):
    room.land_one("events/1.jsonl", json_lines(event(), event(event_id="e2")))
    for number in range(3):
        room.land_one(f"events/x{number}.jsonl", json_lines(event(event_id=f"x{number}")))
    later = json_lines(event(event_id="e2", occurred_at="2009-01-01T00:00:00Z"), event())
    landed = room.land_one("events/2.jsonl", later)
    assert (landed.accepted, landed.duplicates, landed.rejected) == (0, 1, 1)
    assert room.rows("select detail, text from raw.rejected_lines") == [
        ("event_id: e2", later.splitlines()[0].encode())
    ]


def test_history_decides_before_the_file_does(room):
    room.land_one("events/1.jsonl", json_lines(event()))
    lines = json_lines(event(lesson_id="maps"), event(lesson_id="maps"), event())
    landed = room.land_one("events/2.jsonl", lines)
    assert (landed.duplicates, landed.rejected) == (1, 2)


def test_a_derived_id_makes_the_same_event_one_in_every_format(room):
    without_id = {name: value for name, value in event().items() if name != "event_id"}
    room.land_one("events/1.jsonl", json_lines(without_id))
    landed = room.land_one("events/2.csv", csv_lines(without_id))
    assert (landed.accepted, landed.duplicates) == (0, 1)


@pytest.mark.parametrize("count", [60_000])
def test_a_large_file_is_marked_like_a_small_one(room, count):
    header = ",".join(event()) + "\n"
    rows = [f"e{n},lesson_viewed,ada,c,l,2025-01-01T00:00:00Z\n" for n in range(count)]
    room.land_one("events/1.csv", header + "".join(rows[: count // 2]))
    landed = room.land_one("events/2.csv", header + "".join(rows) + rows[-1])
    assert (landed.accepted, landed.duplicates) == (count // 2, count // 2 + 1)


def test_a_catalogue_row_equal_to_the_one_that_stands_is_a_duplicate(room):
    a, b = {"course_id": "c", "title": "A"}, {"course_id": "c", "title": "B"}
    first = room.land_one("courses/1.csv", csv_lines(a, a, b, a))
    assert (first.accepted, first.duplicates) == (3, 1)
    second = room.land_one("courses/2.csv", csv_lines(a, b, b))
    assert (second.accepted, second.duplicates) == (1, 2)
    rows = room.rows("select batch_id, line, title from raw.courses order by all")
    assert rows == [(1, 2, "A"), (1, 4, "B"), (1, 5, "A"), (2, 3, "B")]


def test_a_rejected_catalogue_line_stands_for_nothing(room):
    lines = "course_id,title\nc,A\nc,\nc,A\n"
    assert room.land_one("courses/1.csv", lines).duplicates == 1


def test_a_deadline_for_everyone_has_a_key_too(room):
    everyone = "course_id,learner_id,due_at\nc,,2025-01-01\nc,ada,2025-01-01\nd,,\n"
    room.land_one("deadlines/1.csv", everyone)
    again = room.land_one("deadlines/2.csv", everyone + "c,,2025-01-02\n")
    assert (again.accepted, again.duplicates) == (1, 3)


LESSONS = "course_id,lesson_id,position,title\n"


def test_one_bad_lesson_rejects_its_course_and_no_other(room):
    text = LESSONS + "a,1,1,T\nb,1,1,T\na,2,x,T\na,3,3,\na,4,4,T\n"
    landed = room.land_one("lessons/1.csv", text)
    assert (landed.accepted, landed.duplicates, landed.rejected) == (1, 0, 4)
    assert room.reasons() == [
        (2, "course_incomplete"),
        (4, "invalid_position"),
        (5, "missing_value"),
        (6, "course_incomplete"),
    ]
    texts = room.rows("select text from raw.rejected_lines order by line")
    assert texts == [(b"a,1,1,T",), (b"a,2,x,T",), (b"a,3,3,",), (b"a,4,4,T",)]


@pytest.mark.parametrize("line", [",1,1,T", "a,1", 'a,"', " a,1,1,T", "\xff,1,1,T"])
def test_a_lesson_of_no_readable_course_sets_the_file_aside(room, line):
    landed = room.land_one("lessons/1.csv", (LESSONS + "b,1,1,T\n" + line).encode("latin-1"))
    assert (landed.status, "line 3" in landed.reason) == ("set_aside", True)
    assert room.rows("select count(*) from raw.lessons") == [(0,)]


def test_invalid_json_sets_a_lessons_file_aside_but_a_wrong_type_does_not(room):
    good = {"course_id": "a", "lesson_id": "1", "position": 1, "title": "T"}
    assert room.land_one("lessons/1.jsonl", json_lines(good) + "{").status == "set_aside"
    landed = room.land_one("lessons/2.jsonl", json_lines(good, {**good, "position": 1.5}))
    assert (landed.status, landed.rejected) == ("landed", 2)
    assert room.reasons() == [(1, "course_incomplete"), (2, "wrong_type")]
