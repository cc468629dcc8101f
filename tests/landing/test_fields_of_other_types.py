"""Statements with a field of another type than their standard's are named, and none is lost."""

from story import json_lines

SOUND = {
    "id": "s1",
    "actor": {"account": {"homePage": "https://lms.test", "name": "ada"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
    "object": {"id": "urn:lesson:bowline"},
    "context": {"contextActivities": {"grouping": [{"id": "urn:course:knots"}]}},
    "timestamp": "2025-03-01T10:00:00Z",
}


def test_what_is_no_object_or_no_text_is_named_by_its_field(room):
    bad = [
        SOUND | {"actor": "ada"},
        SOUND | {"actor": {"account": ["ada"]}},
        SOUND | {"object": "lesson-1"},
        SOUND | {"context": []},
        SOUND | {"context": {"contextActivities": "course"}},
        SOUND | {"verb": {"id": ["completed"]}},
    ]
    landed = room.land_one("xapi/a.jsonl", json_lines(*bad))
    assert (landed.lines, landed.rejected) == (len(bad), len(bad))
    assert room.rows("select reason, detail from raw.rejected_lines order by line") == [
        ("wrong_type", "actor is no object"),
        ("wrong_type", "actor.account is no object"),
        ("wrong_type", "object is no object"),
        ("wrong_type", "context is no object"),
        ("wrong_type", "context.contextActivities is no object"),
        ("wrong_type", "verb.id is no text"),
    ]


def test_a_field_of_another_type_hides_no_sound_one_beside_it(room):
    beside = SOUND | {"actor": {"account": "ada", "mbox": "mailto:ada@x.test"}}
    unread = SOUND | {"id": "s2", "object": {"id": "l", "definition": "d"}, "result": 17}
    assert room.land_one("xapi/a.jsonl", json_lines(beside, unread)).accepted == 2
    assert room.rows("select learner_id from raw.events order by line") == [
        ("ada@x.test",),
        ("ada",),
    ]
