"""The progress tables: lessons, completions and courses of every learner."""

from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from typing import Any

from .completions import LessonKey
from .exact import days, microseconds, percentage
from .landed import EventRow
from .state import Pair, State

Row = tuple[Any, ...]


def lesson_progress(state: State) -> list[Row]:
    """A row per learner, course and lesson with any event."""
    rows = []
    for pair in state.pairs:
        for lesson_id in sorted({event.lesson_id for event in pair.events}):
            views = pair.views.get(lesson_id, [])
            completion = pair.completions.get(lesson_id)
            rows.append(
                (
                    pair.learner_id,
                    pair.course.course_id,
                    lesson_id,
                    bool(views),
                    min(views, default=None),
                    max(views, default=None),
                    len(views),
                    completion is not None,
                    completion.occurred_at if completion else None,
                    lesson_id in pair.course.place,
                )
            )
    return rows


def lesson_completions(state: State) -> list[Row]:
    """A row per completed lesson: the completion that landed first, and the later reports."""
    reports: dict[LessonKey, list[datetime]] = defaultdict(list)
    for pair in state.pairs:
        for event in pair.events:
            if event.is_completion:
                key = (pair.learner_id, pair.course.course_id, event.lesson_id)
                reports[key].append(event.occurred_at)
    return [
        (
            *key,
            first.occurred_at,
            first.event_id,
            first.batch_id,
            first.recorded_at,
            len(reports[key]) - 1,
            min(reports[key]),
        )
        for key, first in sorted(state.lesson_completions.items())
    ]


def course_progress(state: State) -> list[Row]:
    """A row per enrollment, and per learner and course with an event."""
    return [_course_progress(pair, state.as_of) for pair in state.pairs]


def _course_progress(pair: Pair, as_of: datetime) -> Row:
    lessons = [row.lesson_id for row in pair.course.lessons]
    is_completed = pair.completed_at is not None
    return (
        pair.learner_id,
        pair.course.course_id,
        pair.status,
        pair.enrolled_at,
        pair.unenrolled_at,
        len(lessons),
        sum(lesson in pair.views for lesson in lessons),
        pair.completed_lessons,
        percentage(progress(pair)),
        pair.first_accessed_at,
        pair.last_accessed_at,
        is_completed,
        pair.completed_at,
        time_to_complete_days(pair),
        is_completed and pair.completed_lessons < len(lessons),
        is_completed,
        resume_lesson_id(pair),
        pair.due_at,
        is_overdue(pair, as_of),
        is_completed_late(pair),
    )


def progress(pair: Pair) -> Fraction | None:
    """Completed lessons now in the course / lessons now in the course, exactly (rule 4)."""
    lessons = pair.course.lessons
    return Fraction(pair.completed_lessons, len(lessons)) if lessons else None


def time_to_complete_days(pair: Pair) -> float | None:
    """Course completion − first access, never below 0 (rule 6)."""
    if pair.completed_at is None or pair.first_accessed_at is None:
        return None
    return days(max(0, microseconds(pair.completed_at - pair.first_accessed_at)))


def resume_lesson_id(pair: Pair) -> str | None:
    """Where to go on: the lesson of the latest event, or the next not completed (rule 7)."""
    order = [row.lesson_id for row in pair.course.lessons]
    place = pair.course.place
    if all(lesson in pair.completions for lesson in order):
        return None
    here = [event for event in pair.events if event.lesson_id in place]
    if not here:
        return order[0]
    latest = max(here, key=lambda event: _recency(event, place))
    start = place[latest.lesson_id]
    onwards = [*order[start:], *order]
    return next(lesson for lesson in onwards if lesson not in pair.completions)


def _recency(event: EventRow, place: dict[str, int]) -> tuple[datetime, int]:
    return (event.occurred_at, place[event.lesson_id])


def is_overdue(pair: Pair, as_of: datetime) -> bool:
    """Active, the deadline before as_of, and not completed at or before as_of (rule 12)."""
    if pair.status != "active" or pair.due_at is None or as_of <= pair.due_at:
        return False
    return pair.completed_at is None or pair.completed_at > as_of


def is_completed_late(pair: Pair) -> bool:
    """Completed after the deadline, whatever the enrollment (rule 12)."""
    return (
        pair.completed_at is not None
        and pair.due_at is not None
        and pair.completed_at > pair.due_at
    )


def overdue_learners(state: State) -> list[Row]:
    """A row per learner and course past its deadline and not complete."""
    return [
        (
            pair.learner_id,
            pair.course.course_id,
            pair.course.title,
            pair.due_at,
            days(microseconds(state.as_of - pair.due_at)),
            pair.completed_lessons,
            len(pair.course.lessons),
            percentage(progress(pair)),
            pair.last_accessed_at,
        )
        for pair in state.pairs
        if pair.course.title is not None and pair.due_at and is_overdue(pair, state.as_of)
    ]
