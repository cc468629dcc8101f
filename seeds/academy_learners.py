"""What the academy's learners do: enrollments, and the views and completions that follow."""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)
END = datetime(2025, 7, 1, tzinfo=UTC)
"""The story's end: nothing occurs from here on, and the demo speaks about this instant."""

FIRST_NAMES = (
    "ada", "aino", "amina", "andrei", "aylin", "bela", "bruno", "carla", "chidi", "daria",
    "david", "dilan", "edda", "elif", "emeka", "emil", "fatima", "felix", "finn", "frida",
    "goran", "greta", "hana", "hugo", "ida", "ines", "ivo", "jana", "jonas", "jun", "kaja",
    "karim", "lea", "leon", "lina", "lucia", "luka", "malik", "mara", "marta", "mats", "mei",
    "milo", "mira", "nadia", "nils", "noor", "olga", "omar", "oskar", "paula", "petra",
    "rafael", "rosa", "sami", "sara", "selin", "sofia", "stefan", "tara", "theo", "tomas",
    "ulla", "vera", "viktor", "wanda", "yara", "yusuf", "zoe", "zoran", "split",
)  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """A lesson of a course, with the instants between which it counts, if any."""

    lesson_id: str
    title: str
    section: str
    added_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True)
class Course:
    """A course of the outline: its lessons in order, and how learners fare in it.

    Shares of learners from 0 to 1: `drop` and `hard` leave the course at any or the named lesson,
    `skip` and `unloved` go on without completing any or the named lesson.
    """

    course_id: str
    title: str
    popularity: int
    lessons: tuple[Lesson, ...] = ()
    drop: float = 0.0
    skip: float = 0.0
    hard: dict[str, float] = field(default_factory=dict)
    unloved: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Enrollment:
    """A learner's place in a course; `unenrolled_at` is None while it lasts."""

    learner_id: str
    course_id: str
    enrolled_at: datetime
    unenrolled_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """A view or completion; it lands at `landed_at`, later than it occurred."""

    event_type: str
    learner_id: str
    course_id: str
    lesson_id: str
    occurred_at: datetime
    landed_at: datetime
    event_id: str = ""
    is_review: bool = False


def learner_names(rng: Random, count: int) -> list[str]:
    """Readable, distinct learner ids such as `amina.k-017`."""
    letters = "abcdefghjklmnoprstvwz"
    return [
        f"{rng.choice(FIRST_NAMES)}.{rng.choice(letters)}-{number:03d}"
        for number in range(1, count + 1)
    ]


def enroll(rng: Random, learners: list[str], courses: list[Course]) -> list[Enrollment]:
    """Enroll learners in courses by popularity, most of them when a term begins."""
    enrollments = []
    for learner_id in learners:
        joined = rng.choices([0, 21, 91, 119], [40, 18, 30, 12])[0] + rng.randrange(20)
        for course in courses:
            if rng.random() * 100 < course.popularity:
                wait = rng.choice([0, 0, 0, 0, 7, 14, 30, 45])
                day = min(joined + wait, 172)
                at = BEGIN + timedelta(days=day, minutes=480 + rng.randrange(600))
                enrollments.append(Enrollment(learner_id, course.course_id, at))
    return sorted(enrollments, key=lambda each: (each.enrolled_at, each.learner_id))


def study(rng: Random, enrollment: Enrollment, course: Course) -> list[Event]:
    """Walk through a course: sessions on human days, lessons in order, until done or dropped.

    A hard lesson is viewed by all who get there and left for good by many of them.
    """
    if rng.random() < 0.05:
        return []
    events: list[Event] = []
    per_session, gap = rng.choice([1, 1, 2, 2, 3]), rng.choice([1, 2, 2, 3, 4, 7, 7, 10])
    session = _evening(rng, enrollment.enrolled_at, rng.choice([0, 1, 1, 2, 5, 9]))
    at = session
    for number, lesson in enumerate(course.lessons):
        if number and number % per_session == 0:
            session = _evening(rng, session, max(1, gap + rng.choice([-1, 0, 0, 0, 1, 4])))
            at = session
        if (lesson.added_at and at < lesson.added_at) or (
            lesson.removed_at and at > lesson.removed_at
        ):
            continue
        stays = rng.random() >= course.hard.get(lesson.lesson_id, course.drop)
        finished = at + timedelta(minutes=rng.randrange(9, 40), seconds=rng.randrange(60))
        in_class = lesson.title == "The Practical Day" and rng.random() < 0.4
        if not in_class:
            events += _views(rng, enrollment, lesson.lesson_id, at, lesson.lesson_id in course.hard)
        skips = course.unloved.get(lesson.lesson_id, course.skip) if stays else 0.88
        if rng.random() >= skips:
            events.append(_event(rng, "lesson_completed", enrollment, lesson.lesson_id, finished))
        if not stays:
            break
        at = finished + timedelta(minutes=rng.randrange(2, 15))
    return [event for event in events if event.occurred_at < END]


def _views(
    rng: Random, enrollment: Enrollment, lesson_id: str, at: datetime, is_hard: bool
) -> list[Event]:
    views = [_event(rng, "lesson_viewed", enrollment, lesson_id, at)]
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3]) + (is_hard and rng.randrange(3))):
        later = _evening(rng, at, math.ceil(12 * rng.random() ** 2))
        view = _event(rng, "lesson_viewed", enrollment, lesson_id, later)
        views.append(replace(view, is_review=True))
    return views


def _event(rng: Random, kind: str, enrollment: Enrollment, lesson: str, at: datetime) -> Event:
    delay = timedelta(seconds=rng.randrange(5, 90))
    if rng.random() < 0.08:
        delay = timedelta(minutes=rng.randrange(180, 9 * 1440))
    return Event(kind, enrollment.learner_id, enrollment.course_id, lesson, at, at + delay)


def _evening(rng: Random, after: datetime, days: int) -> datetime:
    day = after + timedelta(days=days)
    if day.weekday() >= 5 and rng.random() < 0.5:
        day += timedelta(days=7 - day.weekday())
    hour = rng.choice([7, 8, 10, 12, 13, 15, 17, 18, 18, 19, 19, 20])
    start = day.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60))
    return start if start > after else after + timedelta(minutes=rng.randrange(5, 50))
