"""Caliper: which events become views and completions, in envelopes or alone."""

import json

import pytest
from story import event, json_lines

SITE = "https://lms.test"
ADA = {"id": f"{SITE}/users/ada", "type": "Person"}
SECTION = {"id": f"{SITE}/courses/knots/1", "type": "CourseSection"}
PAGE = {"id": f"{SITE}/pages/bowline", "type": "WebPage"}
EVENT = "select event_type, learner_id, course_id, lesson_id from raw.events"


def acted(action: str = "Viewed", thing: object = PAGE, **parts: object) -> dict[str, object]:
    """Ada does something with a thing in her section, with some parts of one's own."""
    sound = {
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": "urn:uuid:1",
        "type": "Event",
        "actor": ADA,
        "action": action,
        "object": thing,
        "eventTime": "2025-03-01T10:00:00.000Z",
        "group": SECTION,
    }
    return {**sound, **parts}


def envelope(*data: object) -> dict[str, object]:
    return {
        "sensor": f"{SITE}/sensors/1",
        "sendTime": "2025-03-01T11:00:00.000Z",
        "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p1",
        "data": list(data),
    }


def counts(landed) -> tuple[int, ...]:
    assert landed.lines == (landed.accepted + landed.duplicates + landed.rejected + landed.ignored)
    return landed.accepted, landed.duplicates, landed.rejected, landed.ignored


@pytest.mark.parametrize(
    ("action", "kind", "thing", "becomes"),
    [
        ("Viewed", "ViewEvent", "Document", "lesson_viewed"),
        ("NavigatedTo", "NavigationEvent", "WebPage", "lesson_viewed"),
        ("Started", "MediaEvent", "VideoObject", "lesson_viewed"),
        ("Started", "AssessmentEvent", "Assessment", "lesson_viewed"),
        ("Completed", "AssignableEvent", "AssignableDigitalResource", "lesson_completed"),
        ("Completed", "AssessmentItemEvent", "AssessmentItem", "lesson_completed"),
        ("Completed", "Event", "Assessment", "lesson_completed"),
        ("Completed", "Event", "AudioObject", "lesson_completed"),
        ("Submitted", "AssessmentEvent", "Assessment", "lesson_completed"),
        ("Submitted", "AssignableEvent", "AssignableDigitalResource", "lesson_completed"),
        ("Ended", "MediaEvent", "VideoObject", "lesson_completed"),
        ("Completed", "QuestionnaireEvent", "Questionnaire", None),
        ("Completed", "Event", "Membership", None),
        ("Submitted", "QuestionnaireItemEvent", "QuestionnaireItem", None),
        ("Ended", "Event", "Document", None),
        ("Paused", "MediaEvent", "VideoObject", None),
        ("LoggedIn", "SessionEvent", "SoftwareApplication", None),
        ("Graded", "GradeEvent", "Attempt", None),
    ],
)
def test_an_action_on_a_thing_is_a_view_or_a_completion_or_neither(
    room, action, kind, thing, becomes
):
    lesson = {"id": f"{SITE}/things/1", "type": thing}
    landed = room.land_one("caliper/a.jsonl", json_lines(acted(action, lesson, type=kind)))
    assert counts(landed) == ((1, 0, 0, 0) if becomes else (0, 0, 0, 1))
    assert room.rows(EVENT) == (
        [(becomes, ADA["id"], SECTION["id"], lesson["id"])] if becomes else []
    )


def test_entities_may_be_given_by_their_ids_alone(room):
    thin = acted("Ended", "urn:video:1", type="MediaEvent", actor=ADA["id"], group=SECTION["id"])
    assert room.land_one("caliper/a.jsonl", json_lines(thin)).accepted == 1
    assert room.rows(EVENT) == [("lesson_completed", ADA["id"], SECTION["id"], "urn:video:1")]


def test_an_attempt_stands_for_what_was_attempted(room):
    attempts = [
        acted(
            "Submitted",
            {"id": "urn:attempt:1", "type": "Attempt", "assignable": quiz},
            type="AssessmentEvent",
            id=str(place),
        )
        for place, quiz in enumerate([{"id": "urn:quiz", "type": "Assessment"}, "urn:quiz", None])
    ]
    landed = room.land_one("caliper/a.jsonl", json_lines(*attempts))
    assert counts(landed) == (2, 0, 1, 0)
    assert room.rows("select distinct lesson_id from raw.events") == [("urn:quiz",)]


@pytest.mark.parametrize(
    ("placed", "course"),
    [
        ({"group": {"id": "g", "type": "Group", "subOrganizationOf": SECTION}}, SECTION["id"]),
        ({"group": {"id": "g", "type": "Group"}}, "g"),
        ({"group": None, "membership": {"organization": SECTION}}, SECTION["id"]),
        ({"group": None, "membership": {"organization": SECTION["id"]}}, SECTION["id"]),
        (
            {"group": None, "object": {**PAGE, "isPartOf": {"id": "book", "isPartOf": SECTION}}},
            SECTION["id"],
        ),
        ({"group": None, "object": {**PAGE, "extensions": {"isPartOf": SECTION}}}, SECTION["id"]),
    ],
)
def test_the_course_is_the_group_or_the_membership_or_where_the_object_belongs(
    room, placed, course
):
    assert room.land_one("caliper/a.jsonl", json_lines(acted(**placed))).accepted == 1
    assert room.rows("select course_id from raw.events") == [(course,)]


def test_the_course_itself_gives_no_view_and_software_is_no_learner(room):
    app = {"id": SITE, "type": "SoftwareApplication"}
    described = {"id": SECTION["id"], "type": "CourseSection", "name": "Knots"}
    lines = json_lines(
        acted("NavigatedTo", SECTION), acted(thing=SECTION["id"]), acted(actor=app), described
    )
    assert counts(room.land_one("caliper/a.jsonl", lines)) == (0, 0, 0, 4)


def test_every_event_of_an_envelope_counts_as_a_line_of_its_own(room):
    first = envelope(acted(), acted(id="urn:uuid:2", eventTime=None), acted("Paused"), "urn:uuid:3")
    second = envelope(acted(), acted(id="urn:uuid:4"), acted(id="urn:uuid:1", thing="urn:other"))
    landed = room.land_one("caliper/a.jsonl", json_lines(first, envelope(), second))
    assert counts(landed) == (2, 1, 3, 2)
    assert room.rows("select line, event_id from raw.events order by all") == [
        (1, "urn:uuid:1"),
        (3, "urn:uuid:4"),
    ]
    rejected = room.rows("select line, reason, text from raw.rejected_lines order by all")
    assert [(line, reason, json.loads(bytes(text))) for line, reason, text in rejected] == [
        (1, "missing_value", first["data"][1]),
        (1, "not_an_object", "urn:uuid:3"),
        (3, "event_id_conflict", second["data"][2]),
    ]
    assert room.unaccounted() == []


def test_an_envelope_without_an_array_of_events_is_rejected(room):
    wrong = {**acted(), "action": ["Viewed"]}
    lines = json_lines({**envelope(), "data": acted()}, {"sensor": "s"}, {}, wrong)
    assert counts(room.land_one("caliper/a.jsonl", lines)) == (0, 0, 4, 0)
    reasons = ["wrong_type", "missing_value", "missing_value", "wrong_type"]
    assert [reason for _, reason in room.reasons()] == reasons


def test_a_group_is_no_learner_and_a_missing_course_is_named(room):
    crew = acted(actor={"id": "crew", "type": "Group"})
    landed = room.land_one(
        "caliper/a.jsonl", json_lines(crew, acted(group=None), acted(actor=None))
    )
    assert counts(landed) == (0, 0, 3, 0)
    assert room.rows("select detail from raw.rejected_lines order by line") == [
        ("actor is of type Group, which is no learner",),
        ("group, or membership.organization, is empty",),
        ("actor.id is empty",),
    ]


def test_event_ids_are_one_namespace_with_the_other_sources(room):
    room.land_one("events/a.jsonl", json_lines(event(event_id="urn:uuid:1")))
    assert counts(room.land_one("caliper/a.jsonl", json_lines(acted()))) == (0, 0, 1, 0)
    assert room.reasons() == [(1, "event_id_conflict")]
