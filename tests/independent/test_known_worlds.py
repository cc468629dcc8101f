"""Tiny worlds worked out by hand: the judge of the models is judged here.

Every file is a refresh of its own, so batches are numbered 1, 2, 3 in the order written. Days
are of 2024, in March where nothing else is said; as_of is 31 March.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from . import KEYS, Rules, compute, differences
from .deliveries import File, Row, naive_landing

VIENNA = "Europe/Vienna"


def on(day: str) -> datetime:
    """`3` is 3 March, `4-02` is 2 April, `3T12:30` is 3 March at half past twelve."""
    day, _, time = day.partition("T")
    month, _, day = day.rpartition("-")
    return datetime.fromisoformat(f"2024-{month or '3':0>2}-{day:0>2}T{time or '00:00'}")


def utc(day: str) -> str:
    return f"{on(day).isoformat()}Z" if day else ""


def viewed(learner: str, lesson: str, day: str, course: str = "c", event_id: str = "") -> Row:
    return _event("lesson_viewed", learner, lesson, day, course, event_id)


def completed(learner: str, lesson: str, day: str, course: str = "c", event_id: str = "") -> Row:
    return _event("lesson_completed", learner, lesson, day, course, event_id)


def _event(kind: str, learner: str, lesson: str, day: str, course: str, event_id: str) -> Row:
    who = {"learner_id": learner, "course_id": course, "lesson_id": lesson}
    return {"event_id": event_id, "event_type": kind, **who, "occurred_at": utc(day)}


def lesson(lesson_id: str, place: int, added: str = "", removed: str = "") -> Row:
    about = {"position": str(place), "title": lesson_id.upper(), "section": ""}
    when = {"added_at": utc(added), "removed_at": utc(removed)}
    return {"course_id": "c", "lesson_id": lesson_id, **about, **when}


def enrolled(learner: str, day: str = "1", until: str = "") -> Row:
    when = {"enrolled_at": utc(day), "unenrolled_at": utc(until)}
    return {"learner_id": learner, "course_id": "c", **when}


def due(learner: str, day: str) -> Row:
    return {"course_id": "c", "learner_id": learner, "due_at": utc(day)}


def file(source: str, *rows: Row) -> File:
    return source, "file.jsonl", list(rows)


COURSE = file("courses", {"course_id": "c", "title": "The course"})


def tables(*files: File, as_of: str = "31", **settings: Any) -> dict[str, pd.DataFrame]:
    rules = Rules(**settings)
    # Names differ, so that no catalogue file counts as landed already.
    named = [[(source, f"{n}.jsonl", rows)] for n, (source, _, rows) in enumerate(files)]
    return compute(naive_landing(named, ZoneInfo(rules.timezone)), on(as_of), rules)


def rows(table: pd.DataFrame, columns: str = "") -> list[tuple[Any, ...]]:
    chosen = table[columns.split()] if columns else table
    return sorted(chosen.itertuples(index=False, name=None))


def test_one_lesson_of_two_is_fifty_percent() -> None:
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1), lesson("b", 2)),
        file("enrollments", enrolled("ann")),
        file("events", viewed("ann", "a", "2"), viewed("ann", "a", "4T06:00")),
        file("events", completed("ann", "a", "3", event_id="e"), viewed("ann", "x", "1T12:00")),
    )
    assert rows(world["lesson_progress"]) == [
        ("ann", "c", "a", True, on("2"), on("4T06:00"), 2, True, on("3"), True),
        ("ann", "c", "x", True, on("1T12:00"), on("1T12:00"), 1, False, None, False),
    ]
    assert rows(world["lesson_completions"]) == [
        ("ann", "c", "a", on("3"), "e", 5, None, 0, on("3"))
    ]
    enrollment = ("ann", "c", "active", on("1"), None)
    figures = (2, 1, 1, 50.0, on("1T12:00"), on("4T06:00"))
    completion = (False, None, None, False, False, "b", None, False, False)
    assert rows(world["course_progress"]) == [(*enrollment, *figures, *completion)]
    assert rows(world["course_completion"]) == [
        ("c", "The course", 2, 1, 1, 0, 0.0, 1, 0.0, 0.0, 50.0)
    ]
    assert rows(world["time_to_complete"]) == [("c", 1, 0, *[None] * 9)]
    assert rows(world["overdue_learners"]) == rows(world["completion_curve"]) == []


def test_the_completion_that_landed_first_stays() -> None:
    reports = [("e2", "5"), ("e1", "5"), ("e0", "6")]
    world = tables(
        file("events", *[completed("ann", "a", day, event_id=name) for name, day in reports]),
        file("events", completed("ann", "a", "1", event_id="e9"), viewed("ann", "a", "7")),
    )
    assert rows(world["lesson_completions"]) == [
        ("ann", "c", "a", on("5"), "e1", 1, None, 3, on("1"))
    ]


def test_one_event_id_is_one_event_and_its_first_body_counts() -> None:
    same = viewed("ann", "a", "2")
    world = tables(
        file("events", viewed("ann", "a", "1", event_id="e"), same, same),
        file("events", viewed("ann", "a", "9", event_id="e"), same, viewed("ann", "a", "3")),
        file("events", viewed("ann", "a", "2", event_id="f")),
    )
    assert rows(world["lesson_progress"], "first_viewed_at last_viewed_at view_count") == [
        (on("1"), on("3"), 4)
    ]


def test_without_catalogue_or_enrollment_progress_shows_and_reports_do_not() -> None:
    world = tables(file("events", completed("ann", "a", "2")))
    assert rows(world["lesson_progress"]) == [
        ("ann", "c", "a", False, None, None, 0, True, on("2"), False)
    ]
    nothing = (None, on("2"), on("2"), False, None, None, False, False, None, None, False, False)
    assert rows(world["course_progress"]) == [("ann", "c", "none", None, None, 0, 0, 0, *nothing)]
    assert [name for name, table in world.items() if len(table)] == [
        "lesson_progress",
        "lesson_completions",
        "course_progress",
    ]


def test_who_finished_before_a_lesson_was_added_stays_finished() -> None:
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1), lesson("b", 2), lesson("d", 3, added="10")),
        file(
            "events",
            *[completed("ann", "a", "5"), completed("ann", "b", "3"), viewed("ann", "b", "2")],
            *[completed("bob", "a", "11"), completed("bob", "b", "3")],
        ),
    )
    columns = "learner_id progress_percentage is_completed completed_at time_to_complete_days"
    assert rows(world["course_progress"], f"{columns} has_new_lessons resume_lesson_id") == [
        ("ann", 66.67, True, on("5"), 3.0, True, "d"),
        ("bob", 66.67, False, None, None, False, "d"),
    ]
    assert rows(world["daily_activity"]) == [
        ("c", date(2024, 3, 2), 1, 1, 0, 0),
        ("c", date(2024, 3, 3), 2, 0, 2, 0),
        ("c", date(2024, 3, 5), 1, 0, 1, 1),
        ("c", date(2024, 3, 11), 1, 0, 1, 0),
    ]


def test_removing_the_last_open_lesson_completes_the_course_for_ever() -> None:
    world = tables(
        file("lessons", lesson("a", 1), lesson("b", 2)),
        file("events", completed("ann", "a", "1")),
        file("lessons", lesson("b", 2, removed="20")),
        file("lessons", lesson("b", 2), lesson("d", 3)),
        file("events", completed("bob", "a", "1"), completed("ann", "b", "25")),
        file("lessons", lesson("d", 3, removed="26"), lesson("f", 3, "27")),
    )
    columns = "learner_id completed_lessons total_lessons is_completed completed_at"
    assert rows(world["course_progress"], f"{columns} has_new_lessons") == [
        ("ann", 2, 3, True, on("1"), True),
        ("bob", 1, 3, False, None, False),
    ]


def test_of_several_instants_that_show_a_course_complete_the_earliest_counts() -> None:
    world = tables(
        file("lessons", lesson("a", 1, removed="10"), lesson("b", 1, added="10")),
        file(
            "events",
            *[completed("ann", "b", "15"), completed("ann", "a", "1")],
            *[completed("bob", "a", "12"), completed("cat", "b", "5")],
            *[completed("dan", "b", "4-20"), completed("eve", "a", "10")],
        ),
    )
    columns = "learner_id completed_at progress_percentage has_new_lessons"
    assert rows(world["course_progress"], columns) == [
        ("ann", on("1"), 100.0, False),
        ("bob", None, 0.0, False),
        ("cat", on("5"), 100.0, False),
        ("dan", on("4-20"), 100.0, False),
        ("eve", None, 0.0, False),
    ]


def test_the_learner_resumes_at_the_latest_lesson_or_the_next_open_one() -> None:
    world = tables(
        file("lessons", lesson("d", 2), lesson("b", 2), lesson("a", 1), lesson("x", 9, "4-01")),
        file("enrollments", *[enrolled(name) for name in ("ann", "bob", "fay")]),
        file(
            "events",
            *[viewed("ann", "b", "2"), viewed("ann", "a", "1"), viewed("ann", "x", "3")],
            *[completed("bob", "d", "2"), completed("cat", "b", "1"), completed("cat", "d", "1")],
            *[viewed("dan", "a", "1"), viewed("dan", "b", "1"), completed("dan", "b", "1")],
            *[completed("eve", "a", "1"), completed("eve", "b", "1"), completed("eve", "d", "1")],
        ),
    )
    assert rows(world["course_progress"], "learner_id resume_lesson_id") == [
        *[("ann", "b"), ("bob", "a"), ("cat", "a"), ("dan", "d"), ("eve", None), ("fay", "a")],
    ]


def test_rates_count_the_active_and_those_who_completed_before_leaving() -> None:
    days = {"ann": "3", "cat": "10", "dan": "11", "fay": "3", "gus": "3"}
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1), lesson("b", 2)),
        file("enrollments", enrolled("ann"), enrolled("bob"), enrolled("hal")),
        file("enrollments", *[enrolled(name, "1", "10") for name in ("cat", "dan", "eve")]),
        file("enrollments", enrolled("fay", "4-01"), enrolled("ann", "2-29", "4-01")),
        file("events", completed("bob", "a", "5")),
        file("events", *[completed(name, "a", "2") for name in days]),
        file("events", *[completed(name, "b", day) for name, day in days.items()]),
    )
    assert rows(world["course_progress"], "learner_id enrollment_status") == [
        *[("ann", "active"), ("bob", "active"), ("cat", "unenrolled"), ("dan", "unenrolled")],
        *[("eve", "unenrolled"), ("fay", "upcoming"), ("gus", "none"), ("hal", "active")],
    ]
    assert rows(world["course_completion"]) == [
        ("c", "The course", 2, 4, 3, 2, 0.5, 6, 0.5, 0.666667, 62.5)
    ]
    assert rows(world["enrollment_cohorts"]) == [
        ("c", date(2024, 2, 1), 1, 1, 1.0, 1.0),
        ("c", date(2024, 3, 1), 3, 1, 0.333333, 9.0),
    ]


def test_drop_off_by_lesson_and_its_ranks() -> None:
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1), lesson("b", 2), lesson("d", 3)),
        file("enrollments", *[enrolled(name) for name in ("ann", "bob", "cat", "eve", "fay")]),
        file("enrollments", enrolled("dan", "1", "9"), enrolled("zoe")),
        file("events", *[completed("zoe", name, "2") for name in ("a", "b", "d")]),
        file(
            "events",
            *[viewed("ann", "a", "1"), completed("ann", "a", "2"), viewed("ann", "b", "17")],
            *[viewed("bob", "a", "20"), viewed("cat", "a", "5"), viewed("cat", "x", "25")],
            *[completed("dan", "d", "3"), viewed("eve", "x", "1"), viewed("gus", "a", "1")],
        ),
        min_cohort=1,
    )
    assert rows(world["lesson_drop_off"]) == [
        ("c", "a", "A", 1, 3, 2, 2, 0.666667, 1, 0.333333, 5, 0.833333, 0, 0.0, 1),
        ("c", "b", "B", 2, 1, 1, 1, 1.0, 1, 1.0, 3, 0.5, 1, 0.333333, 2),
        ("c", "d", "D", 3, 0, 2, 0, None, 0, None, 2, 0.333333, 1, 0.5, 3),
    ]


@pytest.mark.parametrize(("min_cohort", "ranks"), [(0, [4, 2, 3, 1]), (2, [4, 1, 2, 3])])
def test_few_viewers_rank_after_enough_viewers(min_cohort: int, ranks: list[int]) -> None:
    """Lower bounds: none of a; b and d 0 (of 2, of 3); e 0.206549 (1 of 1)."""
    events = [viewed("ann", "b", "1"), viewed("bob", "b", "1"), viewed("ann", "e", "1")]
    events += [completed("ann", "b", "1"), completed("bob", "b", "1")]
    for name in ("ann", "bob", "cat"):
        events += [viewed(name, "d", "1"), completed(name, "d", "1")]
    world = tables(
        COURSE,
        file("lessons", *[lesson(name, place) for place, name in enumerate("abde", start=1)]),
        file("enrollments", *[enrolled(name) for name in ("ann", "bob", "cat")]),
        file("events", *events),
        min_cohort=min_cohort,
    )
    assert list(world["lesson_drop_off"]["drop_off_rank"]) == ranks


def test_time_to_complete_follows_all_who_started() -> None:
    """Followed for 1, 2, 2.5 and 10 days to completion, the last at as_of; 2 and 30 without."""
    ends = {"ann": "2", "bob": "3", "dan": "3T12:00"}
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1)),
        file("enrollments", *[enrolled(name) for name in ("ann", "bob", "cat", "dan", "gus")]),
        file("enrollments", enrolled("eve", "1", "5"), enrolled("fay", "4-01"), enrolled("hal")),
        file("events", *[viewed(name, "a", "1") for name in (*ends, "eve", "fay", "ivy")]),
        file("events", *[completed(name, "a", day) for name, day in ends.items()]),
        file("events", completed("fay", "a", "2"), viewed("gus", "a", "21")),
        file("events", completed("gus", "a", "31")),
        file("events", viewed("cat", "a", "29"), completed("cat", "a", "4-02")),
    )
    assert rows(world["time_to_complete"]) == [
        ("c", 6, 4, 2.5, 2.0, 10.0, None, 2.25, 1.75, 4.375, 7.75, 3.875)
    ]
    assert rows(world["completion_curve"]) == [
        ("c", 1, 6, 1, 0.166667),
        ("c", 2, 5, 2, 0.5),
        ("c", 10, 2, 1, 0.75),
    ]
    assert rows(world["enrollment_cohorts"]) == [("c", date(2024, 3, 1), 6, 5, 0.833333, 2.5)]


def test_deadlines_apply_own_first_then_the_course_s() -> None:
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1)),
        file("enrollments", *[enrolled(name) for name in ("ann", "bob", "cat", "gus", "hal")]),
        file("enrollments", enrolled("dan", "20"), enrolled("eve", "31"), enrolled("joe")),
        file("enrollments", enrolled("ivy", "1", "31")),
        file("deadlines", due("", "20"), due("bob", "4-15"), due("cat", "5"), due("joe", "31")),
        file("deadlines", due("cat", ""), due("eve", "10T12:00"), due("fay", "10")),
        file("events", viewed("fay", "a", "2"), viewed("kim", "a", "2")),
        file("events", completed("bob", "a", "4-15")),
        file("events", completed("gus", "a", "21"), completed("hal", "a", "4-02")),
    )
    columns = "learner_id enrollment_status due_at is_overdue is_completed_late"
    assert rows(world["course_progress"], columns) == [
        ("ann", "active", on("20"), True, False),
        ("bob", "active", on("4-15"), False, False),
        ("cat", "active", on("20"), True, False),
        ("dan", "active", None, False, False),
        ("eve", "active", on("10T12:00"), True, False),
        ("fay", "none", on("10"), False, False),
        ("gus", "active", on("20"), False, True),
        ("hal", "active", on("20"), True, True),
        ("ivy", "unenrolled", on("20"), False, False),
        ("joe", "active", on("31"), False, False),
        ("kim", "none", None, False, False),
    ]
    assert rows(world["overdue_learners"]) == [
        ("ann", "c", "The course", on("20"), 11.0, 0, 1, 0.0, None),
        ("cat", "c", "The course", on("20"), 11.0, 0, 1, 0.0, None),
        ("eve", "c", "The course", on("10T12:00"), 20.5, 0, 1, 0.0, None),
        ("hal", "c", "The course", on("20"), 11.0, 1, 1, 100.0, on("4-02")),
    ]


def test_enrollments_are_inferred_only_where_none_was_sent() -> None:
    events = [completed("ann", "a", "5"), viewed("ann", "x", "4"), viewed("bob", "a", "2")]
    world = tables(
        COURSE,
        file("lessons", lesson("a", 1)),
        file("enrollments", enrolled("bob", "4-01")),
        file("events", *events, viewed("cat", "a", "4-20"), completed("dan", "a", "1")),
        infer_enrollments=True,
    )
    assert rows(world["course_progress"], "learner_id enrollment_status enrolled_at") == [
        ("ann", "active", on("4")),
        ("bob", "upcoming", on("4-01")),
        ("cat", "active", on("4-20")),
        ("dan", "active", on("1")),
    ]
    # Cat's first access lies after as_of: followed for no time, at risk on day 0 only.
    assert rows(world["time_to_complete"]) == [
        ("c", 3, 2, 1.0, 0.0, 1.0, 1.0, 0.5, 0.25, 0.75, 0.9, 0.5)
    ]
    assert rows(world["completion_curve"]) == [("c", 0, 3, 1, 0.333333), ("c", 1, 1, 1, 1.0)]


def test_days_and_months_are_those_of_the_reporting_zone() -> None:
    dated = {"course_id": "c", "learner_id": "", "due_at": "2024-03-31"}
    world = tables(
        COURSE,
        file("enrollments", enrolled("ann", "2-29T23:00"), enrolled("bob", "2-29T22:59")),
        file("deadlines", dated),
        file("events", viewed("ann", "a", "30T22:59"), completed("ann", "a", "30T23:00")),
        timezone=VIENNA,
    )
    assert rows(world["enrollment_cohorts"], "cohort_month enrolled_learners median_days") == [
        (date(2024, 2, 1), 1, None),
        (date(2024, 3, 1), 1, None),
    ]
    assert rows(world["daily_activity"]) == [
        ("c", date(2024, 3, 30), 1, 1, 0, 0),
        ("c", date(2024, 3, 31), 1, 0, 1, 0),
    ]
    # Summer time begins that day, so midnight comes at 22:00 UTC.
    assert set(world["course_progress"]["due_at"]) == {on("31T21:59:59.999999")}


def test_differences_name_the_row_the_column_and_both_values() -> None:
    columns = ["course_id", "day", "at_risk_learners", "observed_completions", "completed_share"]
    one = pd.DataFrame([("c", 1, 6, 1, 0.25), ("c", 2, 5, 2, None)], columns=columns, dtype=object)
    other = pd.DataFrame([("c", 1, 7, 1, 0.25 + 1e-10), ("c", 3, 5, 2, 1.0)], columns=columns)
    assert differences(one, one, KEYS["completion_curve"]) == []
    assert differences(one, other, KEYS["completion_curve"]) == [
        "course_id='c', day=1: at_risk_learners should be 6, is 7",
        "missing row: course_id='c', day=2: expected ('c', 2, 5, 2, None)",
        "extra row: course_id='c', day=3: actual ('c', 3, 5, 2, 1.0)",
    ]
