"""Makes the demo's source files: half a year of the Weaver Street Academy.

Run it as `python seeds/make_academy.py`, or with another folder than seeds/academy as argument.
The story is told in seeds/academy/README.md. Courses and lessons stand in academy_outline.json,
how learners behave in academy_learners.py, what the files hold in academy_exports.py (catalogue
sources) and academy_landing.py (events).
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from academy_exports import write_catalogue, write_deadlines, write_enrollments
from academy_landing import write_events
from academy_learners import Course, Enrollment, Event, Lesson, enroll, learner_names, study

LEARNERS = 400
WAVE = datetime(2025, 4, 24, 15, tzinfo=UTC)


def main(folder: Path) -> None:
    """Write the academy's source files under `folder`, each source in a folder of its own."""
    rng = Random(20250106)
    courses = read_outline()
    learners = learner_names(rng, LEARNERS)
    enrollments = enroll(rng, learners, list(courses.values()))
    events = [event for each in enrollments for event in study(rng, each, courses[each.course_id])]
    enrollments, events = _leave(rng, enrollments, events)
    events += _outsiders(rng, learners, enrollments, courses)
    write_catalogue(folder, courses)
    write_enrollments(rng, folder, learners, enrollments)
    write_deadlines(rng, folder, enrollments)
    write_events(rng, folder, events)


def read_outline() -> dict[str, Course]:
    """Read the courses of academy_outline.json by id, each with its lessons in order."""
    outline = json.loads(Path(__file__).with_name("academy_outline.json").read_text("utf-8"))
    return {course_id: _course(course_id, told) for course_id, told in outline.items()}


def _course(course_id: str, told: dict[str, Any]) -> Course:
    added, removed = told.pop("added", {}), told.pop("removed", {})
    titles = [
        (section, title) for section, titles in told.pop("sections").items() for title in titles
    ]
    lessons = []
    for number, (section, title) in enumerate(titles, start=1):
        lesson = Lesson(f"{course_id}-{number:02d}", title, section)
        if lesson.lesson_id == added.get("lesson_id"):
            lesson = replace(lesson, added_at=datetime.fromisoformat(added["at"]))
        if lesson.lesson_id == removed.get("lesson_id"):
            lesson = replace(lesson, removed_at=datetime.fromisoformat(removed["at"]))
        lessons.append(lesson)
    if added:
        lessons.insert(added["position"] - 1, lessons.pop())
    return Course(course_id=course_id, lessons=tuple(lessons), **told)


def _leave(
    rng: Random, enrollments: list[Enrollment], events: list[Event]
) -> tuple[list[Enrollment], list[Event]]:
    """Let some leave: a firm its statistics course at one hour, finishers, and single learners."""
    leaving: dict[tuple[str, str], datetime] = {}
    finished = {
        (e.learner_id, e.course_id): e.occurred_at
        for e in sorted(events, key=lambda e: e.occurred_at)
        if e.event_type == "lesson_completed" and e.lesson_id in ("first-aid-06", "bread-08")
    }
    for pair, at in rng.sample(sorted(finished.items()), 16):
        leaving[pair] = at + timedelta(days=3, hours=rng.randrange(90))
    for each in rng.sample(enrollments, 50):
        pair = (each.learner_id, each.course_id)
        leaving.setdefault(pair, each.enrolled_at + timedelta(days=rng.randrange(12, 70)))
    early = [e for e in enrollments if e.course_id == "statistics" and e.enrolled_at < WAVE]
    leaving |= {(each.learner_id, "statistics"): WAVE for each in rng.sample(early, 34)}
    leaving = {pair: at for pair, at in leaving.items() if at < datetime(2025, 7, 1, tzinfo=UTC)}
    enrollments = [
        replace(e, unenrolled_at=leaving.get((e.learner_id, e.course_id))) for e in enrollments
    ]
    never = datetime.max.replace(tzinfo=UTC)
    return enrollments, [
        e for e in events if e.occurred_at < leaving.get((e.learner_id, e.course_id), never)
    ]


def _outsiders(
    rng: Random, learners: list[str], enrollments: list[Enrollment], courses: dict[str, Course]
) -> list[Event]:
    """Guests without an enrollment, a pilot that no catalogue knows, an unlisted welcome page."""
    bakers = {each.learner_id for each in enrollments if each.course_id == "bread"}
    guests = rng.sample([name for name in learners if name not in bakers], 7)
    start = datetime(2025, 3, 3, 9, tzinfo=UTC)
    events = [
        e for name in guests for e in study(rng, Enrollment(name, "bread", start), courses["bread"])
    ]
    pilot = Course(
        "podcast-pilot", "", 0, tuple(Lesson(f"podcast-{n}", "", "") for n in range(1, 4)), 0.1
    )
    for name in rng.sample(learners, 11):
        events += study(rng, Enrollment(name, "podcast-pilot", start + timedelta(days=70)), pilot)
    welcome = Course("spanish", "", 0, (Lesson("spanish-welcome", "", ""),), skip=1.0)
    for each in [e for e in enrollments if e.course_id == "spanish"][:60:2]:
        events += study(rng, each, welcome)
    return events


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).with_name("academy"))
