"""Teachable: deliveries of webhooks, alone or in arrays, of completed lectures and enrollments."""

import json

import pytest
from story import json_lines

ENROLLMENTS = """
select learner_id, course_id, enrolled_at::text, unenrolled_at::text
from raw.enrollments order by line
"""


def delivery(
    kind: str = "LectureProgress.created", hook: int = 1, **parts: object
) -> dict[str, object]:
    """Learner 7, lecture 42 and course 3, with some parts of one's own."""
    thing = {
        "id": 900,
        "course_id": 3,
        "percent_complete": 40,
        "user": {"id": 7, "email": "ada@x.test"},
        "course": {"id": 3, "name": "Knots"},
    }
    if kind == "LectureProgress.created":
        thing |= {"is_completed": True, "lecture_id": 42, "lecture": {"id": 42, "name": "Bowline"}}
    sound = {
        "type": kind,
        "id": 900,
        "livemode": True,
        "created": "2025-03-01T10:00:00+00:00",
        "hook_event_id": hook,
    }
    return {**sound, "object": thing | parts.pop("object", {}), **parts}


def counts(landed) -> tuple[int, ...]:
    assert landed.lines == (landed.accepted + landed.duplicates + landed.rejected + landed.ignored)
    return landed.accepted, landed.duplicates, landed.rejected, landed.ignored


def test_a_completed_lecture_is_a_completion(room):
    lines = json_lines(delivery(), delivery(), delivery(hook=2, object={"percent_complete": 100}))
    assert counts(room.land_one("teachable/a.jsonl", lines)) == (2, 1, 0, 0)
    columns = "event_id, event_type, learner_id, course_id, lesson_id, occurred_at::text, line"
    assert room.rows(f"select {columns} from raw.events order by 1") == [
        ("1", "lesson_completed", "7", "3", "42", "2025-03-01 10:00:00", 1),
        ("2", "lesson_completed", "7", "3", "42", "2025-03-01 10:00:00", 3),
    ]


@pytest.mark.parametrize(
    "one",
    [
        delivery(livemode=False),
        delivery(object={"is_completed": False, "percent_complete": 100}),
        delivery("Enrollment.completed"),
        delivery("User.created"),
        delivery("Enrollment.created", livemode=False),
    ],
)
def test_what_completes_no_lecture_is_ignored(room, one):
    assert counts(room.land_one("teachable/a.jsonl", json_lines(one))) == (0, 0, 0, 1)


def test_enrollments_begin_and_end_in_the_order_of_their_time(room):
    left = delivery("Enrollment.disabled", 5, created="2025-03-03T10:00:00+00:00")
    landed = room.land_one("teachable/a.jsonl", json_lines(left, delivery("Enrollment.created", 4)))
    assert counts(landed) == (2, 0, 0, 0)
    assert room.rows(ENROLLMENTS) == [
        ("7", "3", "2025-03-01 10:00:00", None),
        ("7", "3", "2025-03-01 10:00:00", "2025-03-03 10:00:00"),
    ]
    again = json_lines(delivery("Enrollment.created", 4), delivery(hook=6))
    assert counts(room.land_one("teachable/b.jsonl", again)) == (1, 1, 0, 0)
    assert room.unaccounted() == []


def test_things_may_be_named_in_the_object_or_beside_it(room):
    inner = delivery(object={"course_id": None, "lecture_id": None})
    outer = delivery(hook=2, object={"user": None, "user_id": 7, "course": None, "lecture": None})
    assert room.land_one("teachable/a.jsonl", json_lines(inner, outer)).accepted == 2
    assert room.rows("select distinct learner_id, course_id, lesson_id from raw.events") == [
        ("7", "3", "42")
    ]


def test_what_cannot_be_mapped_is_rejected(room):
    bad = [
        delivery(object={"user": {}}),
        delivery(object={"is_completed": None}),
        delivery(object={"is_completed": "yes"}),
        delivery(created=1740823200),
        delivery(type=None),
        delivery(created="2025-03-01 10:00:00 +0000"),
        delivery(object={"user": "ada"}),
        delivery() | {"object": []},
        delivery(type=["x"]),
    ]
    assert counts(room.land_one("teachable/a.jsonl", json_lines(*bad))) == (0, 0, 9, 0)
    assert room.rows("select reason, detail from raw.rejected_lines order by line") == [
        ("missing_value", "object.user.id is empty"),
        ("missing_value", "object.is_completed is empty"),
        ("wrong_type", "object.is_completed is neither true nor false"),
        ("invalid_instant", "occurred_at: 1740823200"),
        ("missing_value", "type is empty"),
        ("invalid_instant", "occurred_at: 2025-03-01 10:00:00 +0000"),
        ("wrong_type", "object.user is no object"),
        ("wrong_type", "object is no object"),
        ("wrong_type", "type is no text"),
    ]


# Arrays

ONE, TWO, BAD = (delivery(hook=hook) for hook in (1, 2, 3))
BAD["created"] = None


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
def test_an_array_is_numbered_by_its_elements(room, indent, name):
    text = json.dumps([ONE, BAD, delivery("User.created"), TWO, 5], indent=indent)
    landed = room.land_one(f"teachable/{name}", text)
    assert counts(landed) == (2, 0, 2, 1)
    assert room.rows("select line from raw.events order by 1") == [(1,), (4,)]
    assert room.reasons() == [(2, "missing_value"), (5, "not_an_object")]


def test_lines_may_be_arrays_each_on_its_own(room):
    text = f"{json.dumps([ONE])}\n\n{json.dumps([TWO, BAD])}\n[]\n{json.dumps(delivery(hook=9))}\n"
    landed = room.land_one("teachable/a.jsonl", text)
    assert counts(landed) == (3, 0, 1, 1)
    assert room.rows("select line from raw.events order by 1") == [(1,), (3,), (5,)]
    assert room.reasons() == [(3, "missing_value")]


def test_one_object_may_be_written_over_many_lines(room):
    text = "\n".join(json.dumps(one, indent=1) for one in (ONE, BAD))
    landed = room.land_one("teachable/a.json", "\ufeff" + text)
    assert counts(landed) == (1, 0, 1, 0)
    ((line, _),) = room.reasons()
    assert text.splitlines()[line - 1] == "{"


def test_an_object_may_begin_and_end_beside_its_brackets(room):
    text = json.dumps(ONE, indent=1).replace("{\n", "{", 1)
    assert counts(room.land_one("teachable/a.json", text)) == (1, 0, 0, 0)


def test_a_bad_element_harms_no_other(room):
    bad = [
        '{"a": NaN}',
        '{"type": "x", "type": "y"}',
        "{a: [1, {}]}",
        '"text, with ] and [ and \\" {"',
        "",
        "-",
    ]
    text = f"[{json.dumps(ONE)}, {', '.join(bad)}, {json.dumps(TWO)},]"
    landed = room.land_one("teachable/a.json", text)
    assert counts(landed) == (2, 0, 7, 0)
    reasons = dict(room.reasons())
    assert reasons.pop(5) == "not_an_object"
    assert set(reasons.values()) == {"invalid_json"}
    assert sorted(reasons) == [2, 3, 4, 6, 7, 9]


@pytest.mark.parametrize("end", [", {", '{"type": "Lect', ", "])
def test_an_array_cut_short_keeps_what_came_before(room, end):
    landed = room.land_one("teachable/a.json", f"[{json.dumps(ONE)},{json.dumps(TWO)}{end}")
    assert landed.accepted + landed.rejected in (2, 3)
    assert room.rows("select count(*) >= 1 from raw.events") == [(True,)]


def test_an_empty_array_has_no_lines_and_what_follows_an_array_is_read(room):
    assert counts(room.land_one("teachable/a.json", " [ ]\n")) == (0, 0, 0, 0)
    text = f"[,{json.dumps(ONE)},\n{json.dumps(BAD)}] [{json.dumps(TWO)}]\nrubbish\n"
    assert counts(room.land_one("teachable/b.json", text)) == (2, 0, 3, 0)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.txt", "a.json.bz2"])
def test_other_formats_are_left_alone(room, name):
    landed = room.land_one(f"teachable/{name}", "?")
    assert (landed.status, ".json" in landed.reason) == ("left_alone", True)
    room.deliver("events/a.json", "[]")
    assert {file.status for file in room.land()} == {"left_alone"}


def test_a_large_array_is_read_in_bounded_memory(room):
    import tracemalloc

    from orchestration.landing.standards.documents import documents

    class Endless:
        left = 40

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            return b'{"a": ["b", {"c": "]}"}]},' * 40_000 if self.left > 0 else b""

    class Opened(Endless):
        is_open = False

        def read(self, size: int, /) -> bytes:
            self.is_open, was_open = True, self.is_open
            return super().read(size) if was_open else b"["

    tracemalloc.start()
    assert sum(1 for _ in documents(Opened())) == 39 * 40_000
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()


def test_a_file_of_many_chunks_lands_whole(room, monkeypatch):
    monkeypatch.setattr("orchestration.landing.formats.chunks.CHUNK_ROWS", 2)
    kinds = ["LectureProgress.created", "Enrollment.created", "User.created"]
    said = [delivery(kinds[hook % 3], hook, object={"user": {"id": hook}}) for hook in range(21)]
    landed = room.land_one("teachable/a.json", json.dumps([*said, said[0], BAD]))
    assert counts(landed) == (14, 1, 1, 7)
    assert room.rows("select list(line order by line) from raw.events") == [
        ([1, 4, 7, 10, 13, 16, 19],)
    ]
    assert room.rows("select count(*) from raw.enrollments") == [(7,)]
    assert room.unaccounted() == []
