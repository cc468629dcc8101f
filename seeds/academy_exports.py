"""What the academy's systems export of its catalogue: courses, lessons, enrollments, deadlines."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from academy_files import Line, Row, write_rows
from academy_learners import Course, Enrollment

FIRST_EXPORT = datetime(2025, 4, 1, tzinfo=UTC)


def write_catalogue(folder: Path, courses: dict[str, Course]) -> None:
    """Write courses twice (a title changed, one was announced), lessons again at each change."""
    titles: list[Row] = [{"course_id": c.course_id, "title": c.title} for c in courses.values()]
    old = {"data-protection": "Data Protection", "kitchen-garden": None}
    first = [t | {"title": old.get(str(t["course_id"]), t["title"])} for t in titles]
    write_rows(folder / "courses/courses_2025-01.csv", [t for t in first if t["title"]])
    write_rows(folder / "courses/courses_2025-05.jsonl", titles)
    begin = [row for c in courses.values() for row in _lesson_rows(c, until="2025-01")]
    write_rows(folder / "lessons/lessons_2025-01.csv", begin)
    added = _lesson_rows(courses["spanish"], until="2025-04")
    write_rows(folder / "lessons/lessons_2025-04_spanish.csv", added)
    removed = _lesson_rows(courses["data-protection"], until="2025-05")
    write_rows(folder / "lessons/lessons_2025-05_data-protection.jsonl", removed)


def _lesson_rows(course: Course, *, until: str) -> list[Row]:
    known = [e for e in course.lessons if not e.added_at or f"{e.added_at:%Y-%m}" <= until]
    return [
        {
            "course_id": course.course_id,
            "lesson_id": lesson.lesson_id,
            "position": position,
            "title": lesson.title,
            "section": lesson.section,
            "added_at": _instant(lesson.added_at),
            "removed_at": _instant(lesson.removed_at)
            if lesson.removed_at and f"{lesson.removed_at:%Y-%m}" <= until
            else None,
        }
        for position, lesson in enumerate(known, start=1)
    ]


def write_enrollments(
    rng: Random, folder: Path, learners: list[str], enrollments: list[Enrollment]
) -> None:
    """Write the state at the end of March, then all that was new or had changed by July."""
    early = [e for e in enrollments if e.enrolled_at < FIRST_EXPORT]
    as_exported = [
        replace(e, unenrolled_at=None) if e.unenrolled_at and e.unenrolled_at >= FIRST_EXPORT else e
        for e in early
    ]
    faulty = {"learner_id": "mira.k-901", "course_id": "bread", "enrolled_at": "2025-02-29"}
    rows: list[Line] = [*_enrollment_rows(as_exported), faulty]
    write_rows(folder / "enrollments/enrollments_2025-03.csv", rows)
    new = [e for e in enrollments if e not in as_exported]
    left = [e for e in as_exported if e.unenrolled_at and e.course_id != "statistics"]
    back = datetime(2025, 5, 5, 9, tzinfo=UTC)
    again = [replace(e, enrolled_at=back, unenrolled_at=None) for e in rng.sample(left, 6)]
    waiting = rng.sample(learners, 28)
    autumn = [
        Enrollment(name, course_id, datetime(2025, month, 7, 8, number, tzinfo=UTC))
        for number, name in enumerate(waiting)
        for course_id, month in [("kitchen-garden", 6 if number < 6 else 7)]
    ]
    unchanged = rng.sample(as_exported, 20)
    unchanged = [e for e in unchanged if e in enrollments and not e.unenrolled_at]
    rows = [*_enrollment_rows([*unchanged, *new, *again, *autumn])]
    write_rows(folder / "enrollments/enrollments_2025-06.jsonl.gz", rows)


def _enrollment_rows(enrollments: Iterable[Enrollment]) -> list[Row]:
    return [
        {
            "learner_id": each.learner_id,
            "course_id": each.course_id,
            "enrolled_at": _instant(each.enrolled_at),
            "unenrolled_at": _instant(each.unenrolled_at),
        }
        for each in enrollments
    ]


def write_deadlines(rng: Random, folder: Path, enrollments: list[Enrollment]) -> None:
    """Write course-wide deadlines, then personal ones, then one withdrawn."""
    everyone = {
        "bookkeeping": "2025-05-31T18:00:00+02:00",
        "data-protection": "2025-06-15",
        "first-aid": "2025-03-31",
        "spanish": "2025-09-30",
    }
    personal = [
        ("first-aid", "2025-04-30", 12),
        ("bookkeeping", "2025-07-15T18:00:00+02:00", 10),
        ("bookkeeping", "2025-06-20T18:00:00+02:00", 8),
        ("bread", "2025-03-14T20:00:00Z", 15),
    ]
    rows: list[Row] = [{"course_id": c, "due_at": due} for c, due in everyone.items()]
    columns = {"course_id": "", "learner_id": None, "due_at": ""}
    write_rows(folder / "deadlines/deadlines_2025-01.csv", [columns | row for row in rows])
    own: list[Row] = []
    for course_id, due_at, count in personal:
        taken = {row["learner_id"] for row in own if row["course_id"] == course_id}
        early = [
            e for e in enrollments if e.course_id == course_id and e.enrolled_at < FIRST_EXPORT
        ]
        names = [e.learner_id for e in early if e.learner_id not in taken]
        own += [
            {"course_id": course_id, "learner_id": name, "due_at": due_at}
            for name in rng.sample(names, count)
        ]
    write_rows(folder / "deadlines/deadlines_2025-03.csv", own)
    withdrawn = own[13] | {"due_at": ""}
    faulty = own[14] | {"due_at": "end of June"}
    write_rows(folder / "deadlines/deadlines_2025-06.jsonl", [withdrawn, faulty])


def _instant(at: datetime | None) -> str | None:
    return at and f"{at:%Y-%m-%dT%H:%M:%SZ}"
