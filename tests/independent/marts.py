"""The report tables: completion, drop-off, time to complete, cohorts and daily activity."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from .exact import days, interpolated, local_date, mean, percentage, rate, wilson_lower_bound
from .landed import LessonRow
from .progress import progress
from .state import CourseState, Pair, State
from .survival import FollowUp, daily_steps, follow_up, percentile, steps

Row = tuple[Any, ...]
QUARTER, HALF, NINE_TENTHS = Fraction(1, 4), Fraction(1, 2), Fraction(9, 10)


def course_completion(state: State) -> list[Row]:
    """A row per course of the catalogue (rule 9)."""
    rows = []
    for course in state.mart_courses:
        ever = state.ever_enrolled(course)
        enrolled = [pair for pair in ever if pair.is_enrolled]
        started = sum(bool(pair.events) for pair in enrolled)
        completed = _completed(enrolled)
        shares = [share for pair in enrolled if (share := progress(pair)) is not None]
        rows.append(
            (
                course.course_id,
                course.title,
                len(course.lessons),
                len(enrolled),
                started,
                completed,
                rate(completed, len(enrolled)),
                len(ever),
                rate(_completed(ever), len(ever)),
                rate(completed, started),
                percentage(mean(shares)),
            )
        )
    return rows


def _completed(pairs: Iterable[Pair]) -> int:
    return sum(pair.completed_at is not None for pair in pairs)


def lesson_drop_off(state: State) -> list[Row]:
    """A row per lesson now in a course of the catalogue (rule 10)."""
    rows = []
    for course in state.mart_courses:
        pairs = state.ever_enrolled(course)
        figures = [_drop_off(lesson, course, pairs, state) for lesson in course.lessons]
        ranks = _drop_off_ranks(figures, state.rules.min_cohort)
        rows += [(*row, rank) for row, rank in zip(figures, ranks, strict=True)]
    return rows


def _drop_off(lesson: LessonRow, course: CourseState, pairs: list[Pair], state: State) -> Row:
    lesson_id, place = lesson.lesson_id, course.place[lesson.lesson_id]
    quiet_since = state.as_of - state.rules.grace
    viewed = [pair for pair in pairs if lesson_id in pair.views]
    left_open = [pair for pair in viewed if lesson_id not in pair.completions]
    stalled = sum(max(pair.views[lesson_id]) <= quiet_since for pair in left_open)
    reached = [p for p in pairs if p.reached_place is not None and p.reached_place >= place]
    stopped = sum(
        pair.reached_place == place
        and pair.completed_at is None
        and pair.last_accessed_at is not None
        and pair.last_accessed_at <= quiet_since
        for pair in reached
    )
    return (
        course.course_id,
        lesson_id,
        lesson.title,
        lesson.position,
        len(viewed),
        sum(lesson_id in pair.completions for pair in pairs),
        len(left_open),
        rate(len(left_open), len(viewed)),
        stalled,
        rate(stalled, len(viewed)),
        len(reached),
        rate(len(reached), sum(bool(pair.events) for pair in pairs)),
        stopped,
        rate(stopped, len(reached)),
    )


def _drop_off_ranks(figures: list[Row], min_cohort: int) -> list[int]:
    """Ranks 1 to n of a course's lessons, which come in lesson order.

    First those with enough viewers, then by the lower bound, the highest first, those without
    viewers last, then in lesson order.
    """

    def standing(place: int) -> tuple[bool, bool, float, int]:
        viewed, left_open = figures[place][4], figures[place][6]
        bound = wilson_lower_bound(left_open, viewed)
        return (viewed < min_cohort, bound is None, -(bound or 0.0), place)

    order = sorted(range(len(figures)), key=standing)
    return [order.index(place) + 1 for place in range(len(figures))]


def time_to_complete(state: State) -> list[Row]:
    """A row per course of the catalogue: Kaplan–Meier, and the completers' own figures."""
    rows = []
    for course in state.mart_courses:
        followed = _followed(state.ever_enrolled(course), state)
        curve = steps(followed)
        times = [one.duration for one in followed if one.is_completion]
        quantiles = (HALF, QUARTER, 1 - QUARTER, NINE_TENTHS)
        rows.append(
            (
                course.course_id,
                len(followed),
                len(times),
                *(days(percentile(curve, share)) for share in quantiles),
                *(days(interpolated(times, share)) for share in quantiles),
                days(mean(times)),
            )
        )
    return rows


def _followed(pairs: list[Pair], state: State) -> list[FollowUp]:
    """Those who started, from first access on."""
    return [
        follow_up(pair.first_accessed_at, pair.completed_at, state.as_of)
        for pair in pairs
        if pair.first_accessed_at is not None
    ]


def completion_curve(state: State) -> list[Row]:
    """A row per course of the catalogue and 24-hour day since first access with a completion."""
    return [
        (course.course_id, *step)
        for course in state.mart_courses
        for step in daily_steps(_followed(state.ever_enrolled(course), state))
    ]


def enrollment_cohorts(state: State) -> list[Row]:
    """A row per course of the catalogue and local month in which anyone ever enrolled."""
    rows = []
    for course in state.mart_courses:
        cohorts: dict[date, list[Pair]] = defaultdict(list)
        for pair in state.ever_enrolled(course):
            assert pair.enrolled_at is not None
            month = local_date(pair.enrolled_at, state.rules.zone).replace(day=1)
            cohorts[month].append(pair)
        for month, pairs in sorted(cohorts.items()):
            enrolled = [pair for pair in pairs if pair.is_enrolled]
            completed = _completed(enrolled)
            median = percentile(steps(_followed(pairs, state)), HALF)
            share = rate(completed, len(enrolled))
            row = (course.course_id, month, len(enrolled), completed, share, days(median))
            rows.append(row)
    return rows


def daily_activity(state: State) -> list[Row]:
    """A row per course of the catalogue and local day with an event, whoever's."""
    zone = state.rules.zone
    rows = []
    for course in state.mart_courses:
        active: dict[date, set[str]] = defaultdict(set)
        views: Counter[date] = Counter()
        completions: Counter[date] = Counter()
        courses: Counter[date] = Counter()
        for pair in state.pairs_of_course[course.course_id]:
            for event in pair.events:
                day = local_date(event.occurred_at, zone)
                active[day].add(pair.learner_id)
                views[day] += event.is_view
            for completion in pair.completions.values():
                completions[local_date(completion.occurred_at, zone)] += 1
            if pair.completed_at is not None:
                courses[local_date(pair.completed_at, zone)] += 1
        rows += [
            (course.course_id, day, len(active[day]), views[day], completions[day], courses[day])
            for day in sorted(active)
        ]
    return rows
