"""Whatever stands in a document of a standard, it is judged: none stops its file."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing.rejection import REASONS
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.reading import SAID, _said
from orchestration.settings import load_settings

COURSE = {"id": "c", "objectType": "Activity", "definition": {"type": "http://x.test/course"}}
STATEMENT = {
    "id": "s",
    "actor": {"objectType": "Agent", "account": {"homePage": "h", "name": "ada"}, "mbox": "m"},
    "verb": {"id": "http://x.test/progressed"},
    "object": {"id": "l", "objectType": "Activity", "definition": {"type": "http://x.test/link"}},
    "result": {"completion": True},
    "context": {"contextActivities": {"parent": [COURSE], "grouping": [COURSE]}},
    "timestamp": "2025-03-01T10:00:00Z",
    "stored": "2025-03-01T10:00:00Z",
}
EVENT = {
    "id": "e",
    "type": "AssessmentEvent",
    "action": "Submitted",
    "actor": {"id": "ada", "type": "Person"},
    "object": {
        "id": "l",
        "type": "Attempt",
        "assignable": {"id": "m", "type": "Assessment", "isPartOf": COURSE | {"type": "Group"}},
        "extensions": {"isPartOf": {"id": "c", "type": "CourseSection"}},
    },
    "group": {"id": "g", "type": "Group", "subOrganizationOf": {"id": "c", "type": "Group"}},
    "membership": {"organization": {"id": "c", "type": "CourseOffering"}},
    "eventTime": "2025-03-01T10:00:00Z",
}
DELIVERY = {
    "type": "LectureProgress.created",
    "livemode": True,
    "hook_event_id": 7,
    "created": "2025-03-01T10:00:00Z",
    "object": {
        "is_completed": True,
        "user": {"id": 1},
        "user_id": 1,
        "lecture_id": 2,
        "lecture": {"id": 2},
        "course_id": 3,
        "course": {"id": 3},
    },
}
VERBS = ["experienced", "completed", "progressed", "registered", "unregistered", "voided"]
DOCUMENTS = {
    "xapi": [STATEMENT | {"verb": {"id": f"http://x.test/{verb}"}} for verb in VERBS],
    "caliper": [{"data": [EVENT]}, *(EVENT | {"action": a} for a in ("Viewed", "Ended", "x"))],
    "teachable": [DELIVERY, DELIVERY | {"type": "Enrollment.created"}],
}
ANYTHING = [
    *(None, True, False, 0, 10**30, 1.5, "", " ", "x", "Group", "\ud800", "a\0"),
    *([], [[]], [{}], [None], ["x"], [COURSE], {}, {"id": None}, {"id": []}, {"id": {}}),
    *({"type": []}, {"type": {}}, {"objectType": []}, {"isPartOf": []}, {"account": []}),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value within a document."""
    yield path
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield from places(value[key], (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a document with another value at a path."""
    if not path:
        return value
    document = copy.deepcopy(document)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return document


@pytest.mark.parametrize("source", STANDARDS)
@settings(deadline=None, max_examples=400)
@given(data=st.data(), has_page=st.booleans())
def test_any_value_anywhere_is_judged(source, data, has_page):
    document = data.draw(st.sampled_from(DOCUMENTS[source]))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = changed(document, path, data.draw(st.sampled_from(ANYTHING)))
    chosen = load_settings(xapi_home_page=has_page)
    for record in _said(json.dumps(document).encode(), STANDARDS[source], chosen):
        assert record.fault is None or record.fault in REASONS
        assert len(record.values) == len(SAID.columns)
        assert all(value is None or isinstance(value, str) for value in record.values)
