"""xAPI: which statements become views, completions and enrollments, whose, of what and when."""

import json

import pytest
from story import event, json_lines

ADL = "http://adlnet.gov/expapi/verbs/"
COURSE = {
    "id": "urn:course:knots",
    "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
}
LESSON = {"id": "urn:lesson:bowline"}
EVENT = """
select event_id, event_type, learner_id, course_id, lesson_id, occurred_at::text, batch_id, line
from raw.events
"""
TIME = "2025-03-01 10:00:00.123456"
ENROLLMENTS = (
    "select enrolled_at::text, unenrolled_at::text from raw.enrollments order by batch_id, line"
)


def statement(verb: str = "experienced", **parts: object) -> dict[str, object]:
    """Ada and a lesson of the course on knots, with some parts of one's own."""
    sound = {
        "id": "s1",
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": "https://lms.test", "name": "ada"},
        },
        "verb": {"id": verb if ":" in verb else ADL + verb},
        "object": LESSON,
        "context": {"contextActivities": {"parent": [COURSE]}},
        "timestamp": "2025-03-01T10:00:00.123456Z",
    }
    return {**sound, **parts}


def told(verb: str, hour: int, **parts: object) -> dict[str, object]:
    """A statement of Ada about the course itself, in the first hours of March."""
    at = f"2025-03-01T{hour:02}:00:00Z"
    return statement(verb, id=f"{verb} {hour}", object=COURSE, timestamp=at, context={}) | parts


def counts(landed) -> tuple[int, ...]:
    assert landed.lines == (landed.accepted + landed.duplicates + landed.rejected + landed.ignored)
    return landed.accepted, landed.duplicates, landed.rejected, landed.ignored


@pytest.mark.parametrize(
    "verb",
    [
        *("experienced", "initialized", "launched", "viewed", "attempted", "played", "navigated"),
        "https://adlnet.gov/expapi/verbs/experienced",
        "http://id.tincanapi.com/verb/viewed",
        "https://w3id.org/xapi/video/verbs/played",
        "https://w3id.org/xapi/dod-isd/verbs/navigated",
        "http://activitystrea.ms/schema/1.0/experienced",
        "https://vocabulary.test/verbs#viewed",
    ],
)
def test_a_verb_of_seeing_is_a_view(room, verb):
    landed = room.land_one("xapi/a.jsonl", json_lines(statement(verb)))
    assert counts(landed) == (1, 0, 0, 0)
    assert room.rows(EVENT) == [
        ("s1", "lesson_viewed", "ada", "urn:course:knots", "urn:lesson:bowline", TIME, 1, 1)
    ]


@pytest.mark.parametrize(
    ("verb", "result", "is_completion"),
    [
        ("completed", {}, True),
        ("completed", {"completion": False}, True),
        ("progressed", {"completion": True}, True),
        ("progressed", {"completion": "true"}, False),
        (
            "progressed",
            {"score": {"scaled": 1}, "extensions": {"https://x.test/progress": 100}},
            False,
        ),
        ("passed", {"completion": True}, False),
        ("satisfied", {}, False),
        ("terminated", {}, False),
        ("answered", {"success": True}, False),
    ],
)
def test_completing_is_a_verb_and_not_a_percentage(room, verb, result, is_completion):
    landed = room.land_one("xapi/a.jsonl", json_lines(statement(verb, result=result)))
    assert counts(landed) == ((1, 0, 0, 0) if is_completion else (0, 0, 0, 1))
    types = [("lesson_completed",)] if is_completion else []
    assert room.rows("select event_type from raw.events") == types


@pytest.mark.parametrize(
    "thing",
    [
        {
            "id": "https://elsewhere.test",
            "definition": {"type": "http://adlnet.gov/expapi/activities/link"},
        },
        COURSE,
        {"id": COURSE["id"]},
        {"objectType": "Agent", "mbox": "mailto:ben@x.test"},
        {"objectType": "Group", "account": {"homePage": "https://x.test", "name": "crew"}},
        {"objectType": "StatementRef", "id": "s0"},
        {"objectType": "SubStatement", "verb": {"id": ADL + "viewed"}, "object": LESSON},
    ],
)
def test_a_link_the_course_itself_and_what_is_no_activity_give_no_view(room, thing):
    landed = room.land_one("xapi/a.jsonl", json_lines(statement(object=thing)))
    assert counts(landed) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("actor", "learner"),
    [
        ({"account": {"homePage": "https://x.test", "name": 17}, "mbox": "mailto:a@x.test"}, "17"),
        ({"mbox": "mailto:ada@x.test", "openid": "https://id.test/ada"}, "ada@x.test"),
        (
            {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
            "ebd31e95054c018b10727ccffd2ef2ec3a016ee9",
        ),
        ({"openid": "https://id.test/ada", "name": "Ada"}, "https://id.test/ada"),
    ],
)
def test_a_learner_is_an_account_or_else_another_identifier(room, actor, learner):
    room.land_one("xapi/a.jsonl", json_lines(statement(actor=actor)))
    assert room.rows("select learner_id from raw.events") == [(learner,)]


def test_the_home_page_is_part_of_the_learner_by_setting_only(open_room):
    room = open_room(xapi_home_page=True)
    without = statement(id="s2", actor={"account": {"name": "ada"}})
    landed = room.land_one("xapi/a.jsonl", json_lines(statement(), without))
    assert room.rows("select learner_id from raw.events") == [("https://lms.test|ada",)]
    assert counts(landed) == (1, 0, 1, 0)
    assert room.rows("select detail from raw.rejected_lines") == [
        ("actor.account.homePage is empty",)
    ]


OTHER = {"id": "urn:other"}
PROGRAMME = {"id": "urn:programme"}


@pytest.mark.parametrize(
    ("related", "course"),
    [
        ({"parent": OTHER, "grouping": COURSE}, "urn:course:knots"),
        ({"parent": [OTHER, COURSE], "grouping": [PROGRAMME]}, "urn:course:knots"),
        ({"parent": [OTHER], "grouping": [PROGRAMME]}, "urn:programme"),
        ({"parent": OTHER, "category": [COURSE]}, "urn:other"),
    ],
)
def test_the_course_is_typed_so_or_the_grouping_or_the_parent(room, related, course):
    room.land_one("xapi/a.jsonl", json_lines(statement(context={"contextActivities": related})))
    assert room.rows("select course_id from raw.events") == [(course,)]


def test_completed_on_the_course_itself_is_kept_under_the_courses_id(room):
    lines = json_lines(told("completed", 1), told("viewed", 2))
    assert counts(room.land_one("xapi/a.jsonl", lines)) == (1, 0, 0, 1)
    assert room.rows("select event_type, course_id, lesson_id from raw.events") == [
        ("lesson_completed", COURSE["id"], COURSE["id"])
    ]


def test_a_course_is_known_by_its_type_among_the_site_and_others_of_any_vocabulary(room):
    site = {"id": "https://moodle.test", "definition": {"type": "http://x.test/lms"}}
    typed = {"id": "urn:c", "definition": {"type": "http://x.test/activitytype/lms/course"}}
    attempt = {"id": "urn:try", "definition": {"type": "http://x.test/activities/attempt"}}
    lines = json_lines(
        statement(context={"contextActivities": {"grouping": [site, typed]}}),
        statement(id="s2", context={"contextActivities": {"parent": typed, "grouping": attempt}}),
    )
    room.land_one("xapi/a.jsonl", lines)
    assert room.rows("select course_id from raw.events") == [("urn:c",)] * 2


def test_open_edx_addresses_are_cut_to_their_keys(room):
    key = "course-v1:Academy+Knots+2025"
    block = "block-v1:Academy+Knots+2025+type@video+block@bowline"
    encoded = block.replace(":", "%3A").replace("+", "%2B").replace("@", "%40")
    course = {**COURSE, "id": f"https://lms.test/course/{key}"}
    quoted = {**COURSE, "id": "https://lms.test/course/course-v1%3AAcademy%2BKnots%2B2025/"}
    moodle = {**COURSE, "id": "https://moodle.test/course/view.php?id=7"}
    lines = json_lines(
        statement(
            id="1",
            object={"id": f"https://lms.test/xblock/{block}"},
            context={"contextActivities": {"parent": [course]}},
        ),
        statement(
            id="2",
            object={"id": f"https://lms.test/xblock/{encoded}"},
            context={"contextActivities": {"parent": [quoted]}},
        ),
        statement(
            id="3", object={"id": block}, context={"contextActivities": {"parent": [moodle]}}
        ),
        statement(id="4", object=course, context={}),
    )
    assert counts(room.land_one("xapi/a.jsonl", lines)) == (3, 0, 0, 1)
    assert room.rows("select course_id, lesson_id from raw.events order by event_id") == [
        (key, block),
        (key, block),
        ("https://moodle.test/course/view.php?id=7", block),
    ]


def test_a_cmi5_session_is_a_view_and_a_completion(room):
    context = {"contextActivities": {"grouping": [COURSE]}, "registration": "r"}
    verbs = ["launched", "initialized", "progressed", "completed", "passed", "terminated"]
    session = [statement(verb, id=verb, context=context) for verb in verbs]
    session.append(statement("satisfied", id="satisfied", object=COURSE))
    landed = room.land_one("xapi/a.jsonl", json_lines(*session))
    assert counts(landed) == (3, 0, 0, 4)
    assert room.rows("select event_id, event_type from raw.events order by line") == [
        ("launched", "lesson_viewed"),
        ("initialized", "lesson_viewed"),
        ("completed", "lesson_completed"),
    ]


def test_what_cannot_be_mapped_is_rejected_in_the_words_of_the_standard(room):
    bad = [
        statement(actor={"objectType": "Agent", "name": "Ada"}),
        statement(actor={"objectType": "Group", "account": {"name": "crew"}}),
        statement(actor={"account": {"name": 1.5}}),
        statement(context={}),
        statement(object={"objectType": "Activity"}),
        statement(timestamp=None),
        statement(timestamp="2025-03-01T10:00:00"),
        statement(timestamp="2099-03-01T10:00:00Z"),
        statement() | {"verb": {"id": ""}},
        {"verb": "experienced"},
        statement(id=["s1"]),
        statement(object={"id": "\ud800"}),
    ]
    landed = room.land_one("xapi/a.jsonl", json_lines(*bad) + '{"id": 1, "id": 2}\n17\n')
    assert landed.rejected == len(bad) + 2
    assert room.rows("select reason, detail from raw.rejected_lines order by line") == [
        ("missing_value", "actor.account.name is empty"),
        ("missing_value", "actor is a Group, which is no learner"),
        ("wrong_type", "actor.account.name: 1.5"),
        ("missing_value", "a course among object, parent and grouping is empty"),
        ("missing_value", "object.id is empty"),
        ("missing_value", "timestamp is empty"),
        ("instant_without_zone", "occurred_at: 2025-03-01T10:00:00"),
        ("instant_in_the_future", "occurred_at: 2099-03-01T10:00:00Z"),
        ("missing_value", "verb.id is empty"),
        ("wrong_type", "verb is no object"),
        ("wrong_type", 'id: ["s1"]'),
        ("lone_surrogate", 'object.id: "\\ud800"'),
        ("invalid_json", 'the key "id" is there twice'),
        ("not_an_object", "the document is no object"),
    ]


def test_stored_stands_in_for_the_timestamp_and_the_body_for_the_id(room):
    one = statement(stored="2025-03-01T11:00:00Z")
    del one["timestamp"], one["id"]
    landed = room.land_one(
        "xapi/a.jsonl", json_lines(one, {**one, "stored": "2025-03-01T12:00:00+01:00"})
    )
    assert counts(landed) == (1, 1, 0, 0)
    assert room.rows("select event_id[:5], occurred_at::text from raw.events") == [
        ("body:", "2025-03-01 11:00:00")
    ]


def test_statement_ids_are_event_ids(room):
    room.land_one("events/a.jsonl", json_lines(event(event_id="s1")))
    landed = room.land_one(
        "xapi/a.jsonl", json_lines(statement(), statement(id="s2"), statement(id="s2"))
    )
    assert counts(landed) == (1, 1, 1, 0)
    assert room.reasons() == [(1, "event_id_conflict")]
    assert room.rows("select source, text from raw.rejected_lines") == [
        ("xapi", json.dumps(statement()).encode())
    ]


def test_known_content_does_not_land_again_under_another_name(room):
    room.land_one("xapi/a.jsonl", json_lines(statement()))
    assert room.land_one("xapi/b.json", json_lines(statement())).status == "already_landed"


# Voiding


def voiding(target: str, **parts: object) -> dict[str, object]:
    return (
        statement(
            "voided", id=f"void {target}", object={"objectType": "StatementRef", "id": target}
        )
        | parts
    )


def test_a_statement_voided_in_its_file_or_before_is_rejected(room):
    lines = json_lines(statement(), statement(), statement(id="s2"), voiding("s1"), voiding("s3"))
    assert counts(room.land_one("xapi/1.jsonl", lines)) == (1, 0, 2, 2)
    later = json_lines(statement(id="s3"), told("registered", 1, id="s1"), statement(id="s4"))
    assert counts(room.land_one("xapi/2.jsonl", later)) == (1, 0, 2, 0)
    assert [reason for _, reason in room.reasons()] == ["voided"] * 4
    assert room.rows("select event_id from raw.events order by 1") == [("s2",), ("s4",)]
    assert room.rows("select detail from raw.rejected_lines order by 1 limit 1") == [("id: s1",)]


def test_a_statement_that_landed_before_it_was_voided_stays(room):
    room.land_one("xapi/1.jsonl", json_lines(statement("completed")))
    assert counts(room.land_one("xapi/2.jsonl", json_lines(voiding("s1")))) == (0, 0, 0, 1)
    assert room.rows("select event_id from raw.events") == [("s1",)]


def test_only_statements_are_voided_and_only_by_a_reference(room):
    nothing = voiding("s1", object={"id": "s1"})
    nameless = voiding("", object={"objectType": "StatementRef"})
    landed = room.land_one(
        "xapi/1.jsonl", json_lines(statement(), nothing, nameless, voiding("e1"))
    )
    assert counts(landed) == (1, 0, 1, 2)
    assert room.land_one("events/1.jsonl", json_lines(event(event_id="e1"))).accepted == 1


# Enrollments


def test_statements_of_coming_and_leaving_are_ordered_by_their_time(room):
    unordered = [
        told("unregistered", 3),
        told("registered", 5),
        told("registered", 1),
        told("registered", 1),
    ]
    landed = room.land_one("xapi/1.jsonl", json_lines(*unordered))
    assert counts(landed) == (3, 1, 0, 0)
    assert room.rows(ENROLLMENTS) == [
        ("2025-03-01 01:00:00", None),
        ("2025-03-01 01:00:00", "2025-03-01 03:00:00"),
        ("2025-03-01 05:00:00", None),
    ]
    assert room.rows("select distinct learner_id, course_id from raw.enrollments") == [
        ("ada", "urn:course:knots")
    ]


def test_leaving_ends_the_row_that_stands_and_without_one_begins_where_it_ends(room):
    room.land_one(
        "enrollments/1.csv", "learner_id,course_id,enrolled_at\nada,urn:course:knots,2025-01-01\n"
    )
    ben = {"actor": {"mbox": "mailto:ben@x.test"}}
    room.land_one(
        "xapi/1.jsonl", json_lines(told("unregistered", 3), told("unregistered", 4, **ben))
    )
    assert room.rows(ENROLLMENTS)[1:] == [
        ("2025-01-01 00:00:00", "2025-03-01 03:00:00"),
        ("2025-03-01 04:00:00", "2025-03-01 04:00:00"),
    ]


def test_a_row_that_landed_as_an_enrollment_is_changed_by_any_statement(room):
    planned = "learner_id,course_id,enrolled_at\nada,urn:course:knots,2025-06-01\n"
    room.land_one("enrollments/1.csv", planned)
    room.land_one("xapi/1.jsonl", json_lines(told("unregistered", 3)))
    assert room.rows(ENROLLMENTS)[-1] == ("2025-06-01 00:00:00", "2025-03-01 03:00:00")


def test_a_statement_that_arrives_late_or_again_takes_nobody_back(room):
    room.land_one("xapi/1.jsonl", json_lines(told("registered", 1), told("unregistered", 3)))
    again = json_lines(told("registered", 1), told("registered", 2), told("unregistered", 3))
    assert counts(room.land_one("xapi/2.jsonl", again)) == (0, 3, 0, 0)
    assert counts(room.land_one("xapi/3.jsonl", json_lines(told("registered", 4)))) == (1, 0, 0, 0)


def test_coming_that_arrives_after_leaving_fills_in_the_beginning(room):
    room.land_one("xapi/1.jsonl", json_lines(told("unregistered", 3)))
    room.land_one("xapi/2.jsonl", json_lines(told("registered", 1)))
    assert room.rows(ENROLLMENTS)[-1] == ("2025-03-01 01:00:00", "2025-03-01 03:00:00")


def test_an_enrollment_needs_a_learner_and_a_time_but_no_course_type(room):
    plain = told("registered", 1, object={"id": "urn:course:ropes"})
    bad = [told("registered", 2, actor={}), told("registered", 3, timestamp="soon")]
    landed = room.land_one("xapi/1.jsonl", json_lines(plain, *bad))
    assert counts(landed) == (1, 0, 2, 0)
    assert room.rows("select course_id from raw.enrollments") == [("urn:course:ropes",)]
    assert room.reasons() == [(2, "missing_value"), (3, "invalid_instant")]
    assert room.unaccounted() == []
