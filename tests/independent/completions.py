"""Completions that never move: of a lesson (rule 1) and of a course (rule 5)."""

from collections import defaultdict
from datetime import datetime

from .landed import EventRow, LessonRow

LessonKey = tuple[str, str, str]
PairKey = tuple[str, str]


def lesson_completions(events: list[EventRow]) -> dict[LessonKey, EventRow]:
    """The completion that landed first, per learner, course and lesson.

    Least batch; within the batch the earliest occurred_at, then the smallest event_id.
    """
    first: dict[LessonKey, EventRow] = {}
    for event in events:
        if event.is_completion:
            key = (event.learner_id, event.course_id, event.lesson_id)
            if key not in first or _landing_order(event) < _landing_order(first[key]):
                first[key] = event
    return first


def _landing_order(event: EventRow) -> tuple[int, datetime, bytes]:
    return (event.batch_id, event.occurred_at, event.event_id.encode())


def course_completions(
    lessons: list[LessonRow], completions: dict[LessonKey, EventRow]
) -> dict[PairKey, datetime]:
    """When each learner completed each course, by replaying the batches one after another.

    After each batch stands the catalogue as landed so far, and what was completed so far. The
    first batch after which some instant shows every lesson then in the course completed fixes
    the course's completion; later batches are not asked.
    """
    lessons_of_batch: dict[int, list[LessonRow]] = defaultdict(list)
    for row in lessons:
        lessons_of_batch[row.batch_id].append(row)
    completions_of_batch: dict[int, list[EventRow]] = defaultdict(list)
    for event in completions.values():
        completions_of_batch[event.batch_id].append(event)

    catalogue: dict[str, dict[str, LessonRow]] = defaultdict(dict)
    done: dict[str, dict[str, dict[str, datetime]]] = defaultdict(lambda: defaultdict(dict))
    completed: dict[PairKey, datetime] = {}
    for batch in sorted({*lessons_of_batch, *completions_of_batch}):
        touched: set[PairKey] = set()
        for row in sorted(lessons_of_batch[batch], key=lambda row: row.line):
            catalogue[row.course_id][row.lesson_id] = row
        for course_id in {row.course_id for row in lessons_of_batch[batch]}:
            touched |= {(learner_id, course_id) for learner_id in done[course_id]}
        for event in completions_of_batch[batch]:
            done[event.course_id][event.learner_id][event.lesson_id] = event.occurred_at
            touched.add((event.learner_id, event.course_id))
        for learner_id, course_id in touched - completed.keys():
            standing = list(catalogue[course_id].values())
            completed_at = first_shown_completion(standing, done[course_id][learner_id])
            if completed_at is not None:
                completed[learner_id, course_id] = completed_at
    return completed


def first_shown_completion(lessons: list[LessonRow], done: dict[str, datetime]) -> datetime | None:
    """The course's completion at the earliest instant that shows every lesson complete.

    Between two boundaries (a lesson added, removed or completed) nothing changes, so the
    boundaries are all the instants there are to try. Before the first, nothing is completed.
    """
    boundaries = {*done.values()}
    boundaries |= {row.added_at for row in lessons if row.added_at is not None}
    boundaries |= {row.removed_at for row in lessons if row.removed_at is not None}
    for instant in sorted(boundaries):
        then = [row.lesson_id for row in lessons if row.is_in_course(instant)]
        if then and all(lesson in done and done[lesson] <= instant for lesson in then):
            return max(done[lesson] for lesson in then)
    return None
