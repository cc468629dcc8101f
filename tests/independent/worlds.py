"""Random small worlds for property tests, drawn as the deliveries of their source files.

Few ids and a coarse grid of instants make repetitions, collisions and ties common. Everything
is drawn as plain choices first and turned into rows afterwards, so that worlds shrink well.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from .deliveries import Deliveries, File, Row, instant, merged, naive_landing, prefixed, write_files

__all__ = ["Deliveries", "as_ofs", "merged", "naive_landing", "prefixed", "worlds", "write_files"]

# The simplest first. The odd ones differ only by case or by composition, look like numbers or
# NULL, or sort differently as UTF-16 than as UTF-8. "c9" never gets a row in courses.
ODD_COURSE = 'C 1,\'"x"'
LEARNERS = ["l1", "l2", "l3", "L1", "zo\u00eb", "zoe\u0308", "007"]
COURSES = ["c1"] * 5 + ["c2", "c2", ODD_COURSE, "c9"]
LESSONS = ["a", "b", "c", "d", "B", 'u, "1"', "\U0001f600", "\uff5e", "null"]

INSTANTS = [
    "2024-03-01T00:00:00Z",
    "2024-03-02T12:00:00Z",
    "2024-03-03T12:00:00Z",
    "2024-03-10T09:30:00Z",
    "2024-03-10T09:30:00.000001Z",
    "2024-02-29T23:30:00Z",
    "2024-03-31T01:00:00Z",
    "2024-04-01T00:00:00Z",
    "2023-12-31T23:59:59.999999Z",
]
DATES = ["2024-03-01", "2024-03-10", "2024-03-31", "2024-02-29"]
_FILES = ["events"] * 6 + ["lessons", "enrollments", "deadlines", "again", "new_catalogue"]
_EVENTS = ["new"] * 6 + ["all_lessons"] * 3 + ["no_id", "again", "again_elsewhere", "conflict"]


def as_ofs() -> st.SearchStrategy[datetime]:
    """Instants to evaluate a world at: after it, amid it, exactly the grace later, before it."""
    later = ["2024-06-01T00:00:00Z", "2024-03-15T00:00:00Z", "2024-03-24T09:30:00Z"]
    return st.sampled_from([instant(text) for text in [*later, *INSTANTS, "2023-01-01T00:00:00Z"]])


def _rows(**columns: st.SearchStrategy[str]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=4)


def _when(*, empty: int = 0) -> st.SearchStrategy[str]:
    """An instant or a date of the grid (13 choices), or none (so many further choices)."""
    return st.sampled_from([""] * empty + INSTANTS[:4] + DATES[:2] + INSTANTS[4:] + DATES[2:])


def _contents() -> dict[str, st.SearchStrategy[Any]]:
    """What a file of each kind holds: rows of text, or what is turned into rows later."""
    learner, course = st.sampled_from(LEARNERS), st.sampled_from(COURSES)
    return {
        "events": st.lists(_events(), min_size=3, max_size=12),
        "courses": _rows(
            course_id=st.sampled_from(["c1", "c2", ODD_COURSE]),
            title=st.sampled_from(["One", 'Two, "the" second']),
        ),
        "lessons": _rows(
            course_id=course,
            lesson_id=st.sampled_from(LESSONS[:3] * 2 + LESSONS),
            position=st.sampled_from(["1", "2", "3", "10"]),
            title=st.sampled_from(["Title", "Another title"]),
            section=st.sampled_from(["", "Basics"]),
            added_at=_when(empty=25),
            removed_at=_when(empty=25),
        ),
        "enrollments": _rows(
            learner_id=learner,
            course_id=course,
            enrolled_at=st.sampled_from([*INSTANTS, *DATES, "2024-07-01T00:00:00Z"]),
            unenrolled_at=_when(empty=13),
        ),
        "deadlines": _rows(
            course_id=course, due_at=_when(empty=3), learner_id=st.one_of(st.just(""), learner)
        ),
        "new_catalogue": st.sampled_from(INSTANTS),
        "again": st.integers(0, 30),
    }


def _events() -> st.SearchStrategy[tuple[str, int, Row]]:
    """How an event comes to be, which earlier event it may refer to, and its own body."""
    body = {
        "event_type": st.sampled_from(["lesson_completed", "lesson_viewed"]),
        "learner_id": st.sampled_from(LEARNERS[:2] * 3 + LEARNERS),
        "course_id": st.sampled_from(COURSES),
        "lesson_id": st.sampled_from(LESSONS[:3] * 4 + LESSONS),
        "occurred_at": st.sampled_from(INSTANTS),
    }
    how = st.sampled_from(_EVENTS)
    return st.tuples(how, st.integers(0, 30), st.fixed_dictionaries(body))


@st.composite
def worlds(draw: st.DrawFn) -> Deliveries:
    """Draw a small world: one to four refreshes of a few files, a catalogue first of all."""
    contents = _contents()
    first = _first_files(
        lesson_count=draw(st.integers(1, 3)),
        learner_count=draw(st.integers(0, len(LEARNERS))),
        due_at=draw(st.sampled_from(["", *DATES])),
    )
    kinds = st.lists(st.sampled_from([*_FILES, "courses"]), min_size=1, max_size=6)
    ending = draw(st.sampled_from([".csv", ".jsonl"]))
    files: list[File] = [*first]
    events: list[Row] = []
    deliveries: Deliveries = [first]
    for refresh in draw(st.lists(kinds, min_size=1, max_size=4)):
        delivered = []
        for kind in refresh:
            name = f"{len(files)}{ending}"
            files.append(_file(kind, draw(contents[kind]), name, files, events))
            delivered.append(files[-1])
        deliveries.append(delivered)
    return [first + deliveries[1], *deliveries[2:]]


def _first_files(lesson_count: int, learner_count: int, due_at: str) -> list[File]:
    """A catalogue to begin with: two courses of a few lessons, learners, and a deadline."""
    courses = [{"course_id": course, "title": f"Course {course}"} for course in ("c1", "c2")]
    lessons = [
        _lesson(course, lesson, place)
        for course in ("c1", "c2")
        for place, lesson in enumerate(LESSONS[:lesson_count], start=1)
    ]
    enrollments = [
        {"learner_id": one, "course_id": course, "enrolled_at": INSTANTS[5], "unenrolled_at": ""}
        for course, count in (("c1", learner_count), ("c2", learner_count // 2))
        for one in LEARNERS[:count]
    ]
    deadlines = [{"course_id": "c1", "due_at": due_at, "learner_id": ""}] if due_at else []
    rows = {
        "courses": courses,
        "lessons": lessons,
        "enrollments": enrollments,
        "deadlines": deadlines,
    }
    return [(source, f"{source}.jsonl", rows[source]) for source in rows if rows[source]]


def _lesson(course: str, lesson: str, place: int, added_at: str = "", removed_at: str = "") -> Row:
    about = {"position": str(place), "title": f"Lesson {lesson}", "section": ""}
    key = {"course_id": course, "lesson_id": lesson}
    return {**key, **about, "added_at": added_at, "removed_at": removed_at}


def _file(kind: str, content: Any, name: str, files: list[File], events: list[Row]) -> File:
    """Turn what was drawn into a file's rows; new events join `events`."""
    if kind == "again":
        source, _, rows = files[content % len(files)]
        return source, name, rows
    if kind == "new_catalogue":
        old = [_lesson("c1", lesson, 1, removed_at=content) for lesson in LESSONS[:3]]
        new = [_lesson("c1", lesson, 2, added_at=content) for lesson in LESSONS[3:5]]
        return "lessons", name, old + new
    if kind != "events":
        return kind, name, content
    before = len(events)
    for how, pointer, body in content:
        earlier = events[pointer % len(events)] if events else None
        events += _drawn_events(how, body, earlier, len(events))
    return kind, name, events[before:]


def _drawn_events(how: str, body: Row, earlier: Row | None, number: int) -> list[Row]:
    """New events, or one that has no id, or that repeats or contradicts an earlier one."""
    if how == "all_lessons":
        return [_new(number + n, {**body, "lesson_id": LESSONS[n]}) for n in range(3)]
    if how == "no_id":
        return [{"event_id": "", **body}]
    if how == "new" or earlier is None:
        return [_new(number, body)]
    if how == "again":
        return [earlier]
    if how == "again_elsewhere":
        there = instant(earlier["occurred_at"]) + timedelta(hours=5, minutes=30)
        return [{**earlier, "occurred_at": f"{there.isoformat(sep=' ')}+0530"}]
    return [{"event_id": earlier["event_id"], **body}]


def _new(number: int, body: Row) -> Row:
    """An event with an id of its own, which doesn't sort as it was delivered."""
    return {"event_id": f"{number * 613 % 997}e", **body}
