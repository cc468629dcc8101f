"""A small course, as delivered before the tests of whoever runs the warehouse."""

import pytest

COURSE = {"course_id": "knots", "title": "Knots"}
LESSONS = [
    {"course_id": "knots", "lesson_id": name, "position": place, "title": name.title()}
    for place, name in enumerate(["bowline", "bend"], 1)
]


@pytest.fixture
def deliver_knots(deliver):
    """Deliver a course, and learners who completed its first lesson; further ones by number."""

    def give(first=1, last=3):
        if first == 1:
            deliver("courses", "courses.jsonl", [COURSE])
            deliver("lessons", "lessons.jsonl", LESSONS)
        learners = [f"learner-{number}" for number in range(first, last + 1)]
        enrolled = [{"course_id": "knots", "enrolled_at": "2025-01-01"}]
        rows = [{**enrolled[0], "learner_id": learner} for learner in learners]
        deliver("enrollments", f"enrollments-{first}.jsonl", rows)
        events = [
            {
                "event_id": f"e-{learner}",
                "event_type": "lesson_completed",
                "learner_id": learner,
                "course_id": "knots",
                "lesson_id": "bowline",
                "occurred_at": "2025-02-01T12:00:00Z",
            }
            for learner in learners
        ]
        deliver("events", f"events-{first}.jsonl", events)

    return give
