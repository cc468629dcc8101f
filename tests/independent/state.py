"""What is known at as_of of each course, and of each learner in each course."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from .completions import LessonKey, PairKey, course_completions, lesson_completions
from .landed import EnrollmentRow, EventRow, Landed, LessonRow, Rules


@dataclass(frozen=True)
class CourseState:
    """A course: its title if the catalogue has a row of it, and its lessons now, in order."""

    course_id: str
    title: str | None
    lessons: list[LessonRow]

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each lesson now in the course, in lesson order."""
        return {row.lesson_id: place for place, row in enumerate(self.lessons)}


@dataclass
class Pair:
    """A learner in a course: the enrollment, every event, and what was completed when."""

    learner_id: str
    course: CourseState
    status: str = "none"
    enrolled_at: datetime | None = None
    unenrolled_at: datetime | None = None
    due_at: datetime | None = None
    completed_at: datetime | None = None
    events: list[EventRow] = field(default_factory=list)
    completions: dict[str, EventRow] = field(default_factory=dict)

    @cached_property
    def first_accessed_at(self) -> datetime | None:
        return min((event.occurred_at for event in self.events), default=None)

    @cached_property
    def last_accessed_at(self) -> datetime | None:
        return max((event.occurred_at for event in self.events), default=None)

    @cached_property
    def views(self) -> dict[str, list[datetime]]:
        """Every view's instant, by lesson."""
        views = defaultdict(list)
        for event in self.events:
            if event.is_view:
                views[event.lesson_id].append(event.occurred_at)
        return dict(views)

    @cached_property
    def reached_place(self) -> int | None:
        """The furthest place in lesson order, of lessons now in the course, with any event."""
        place = self.course.place
        return max((place[e.lesson_id] for e in self.events if e.lesson_id in place), default=None)

    @property
    def is_ever_enrolled(self) -> bool:
        return self.status in ("active", "unenrolled")

    @property
    def is_enrolled(self) -> bool:
        """Active now, or completed before leaving (rule 9)."""
        if self.status == "unenrolled" and self.completed_at is not None:
            return self.unenrolled_at is not None and self.completed_at <= self.unenrolled_at
        return self.status == "active"

    @cached_property
    def completed_lessons(self) -> int:
        return sum(row.lesson_id in self.completions for row in self.course.lessons)


@dataclass(frozen=True)
class State:
    """Everything the tables are made of."""

    as_of: datetime
    rules: Rules
    courses: dict[str, CourseState]
    pairs: list[Pair]
    lesson_completions: dict[LessonKey, EventRow]

    @property
    def mart_courses(self) -> list[CourseState]:
        """The courses that have a row in the catalogue: reports hold no others."""
        return [one for _, one in sorted(self.courses.items()) if one.title is not None]

    @cached_property
    def pairs_of_course(self) -> dict[str, list[Pair]]:
        """The learners of each course, whatever their enrollment."""
        pairs = defaultdict(list)
        for pair in self.pairs:
            pairs[pair.course.course_id].append(pair)
        return pairs

    def ever_enrolled(self, course: CourseState) -> list[Pair]:
        """The active and the unenrolled learners of a course."""
        return [pair for pair in self.pairs_of_course[course.course_id] if pair.is_ever_enrolled]


def read_state(landed: Landed, as_of: datetime, rules: Rules) -> State:
    """Work out what stands at as_of from the landed rows."""
    completions = lesson_completions(landed.events)
    courses = _courses(landed, as_of)
    pairs = _pairs(landed, courses)
    for event in landed.events:
        pairs[event.learner_id, event.course_id].events.append(event)
    for (learner_id, course_id, lesson_id), event in completions.items():
        pairs[learner_id, course_id].completions[lesson_id] = event
    for key, completed_at in course_completions(landed.lessons, completions).items():
        pairs[key].completed_at = completed_at
    enrollments = _standing(landed.enrollments, lambda row: (row.learner_id, row.course_id))
    due_at = {
        key: row.due_at
        for key, row in _standing(
            landed.deadlines, lambda row: (row.learner_id or None, row.course_id)
        ).items()
    }
    for key, pair in pairs.items():
        _enroll(pair, enrollments.get(key), as_of, rules)
        pair.due_at = _due_at(pair, due_at)
    return State(as_of, rules, courses, [*pairs.values()], completions)


def _standing(rows: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, Any]:
    """The row landed last for each key: the last batch, and within it the last line."""
    return {key(row): row for row in sorted(rows, key=lambda row: (row.batch_id, row.line))}


def _courses(landed: Landed, as_of: datetime) -> dict[str, CourseState]:
    titles: dict[str, str] = {
        key: row.title for key, row in _standing(landed.courses, lambda row: row.course_id).items()
    }
    lessons: dict[str, list[LessonRow]] = defaultdict(list)
    for row in _standing(landed.lessons, lambda row: (row.course_id, row.lesson_id)).values():
        if row.is_in_course(as_of):
            lessons[row.course_id].append(row)
    for rows in lessons.values():
        rows.sort(key=lambda row: (row.position, row.lesson_id.encode()))
    return {
        course_id: CourseState(course_id, titles.get(course_id), lessons.get(course_id, []))
        for course_id in {*titles, *lessons}
    }


def _pairs(landed: Landed, courses: dict[str, CourseState]) -> dict[PairKey, Pair]:
    """Every enrollment, and every learner and course with an event; adds unknown courses."""
    keys = {(row.learner_id, row.course_id) for row in landed.enrollments}
    keys |= {(event.learner_id, event.course_id) for event in landed.events}
    for _, course_id in keys:
        courses.setdefault(course_id, CourseState(course_id, None, []))
    return {key: Pair(key[0], courses[key[1]]) for key in sorted(keys)}


def _enroll(pair: Pair, row: EnrollmentRow | None, as_of: datetime, rules: Rules) -> None:
    """Set the enrollment: its row's, or where no row was sent, the one inferred (rules 8, 9)."""
    if row is None:
        if rules.infer_enrollments and pair.events:
            pair.status, pair.enrolled_at = "active", pair.first_accessed_at
        return
    pair.enrolled_at, pair.unenrolled_at = row.enrolled_at, row.unenrolled_at
    if row.unenrolled_at is not None and row.unenrolled_at <= as_of:
        pair.status = "unenrolled"
    else:
        pair.status = "upcoming" if row.enrolled_at > as_of else "active"


def _due_at(pair: Pair, due_at: dict[tuple[str | None, str], datetime | None]) -> datetime | None:
    """The learner's own deadline, else the course's if they enrolled before it (rule 12)."""
    own = due_at.get((pair.learner_id, pair.course.course_id))
    if own is not None:
        return own
    course = due_at.get((None, pair.course.course_id))
    if course is None or pair.enrolled_at is None or pair.enrolled_at >= course:
        return None
    return course
