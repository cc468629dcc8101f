"""xAPI 1.0.3 and 2.0 and cmi5: statements.

A verb is known by the last segment of its IRI, because the same verb stands under many vocabularies
(ADL, w3id, id.tincanapi.com, activitystrea.ms); a type likewise.

| verb | object | becomes |
|---|---|---|
| experienced, initialized, launched, viewed, attempted, played, navigated | an activity | a view |
| the same | a link, or the course itself | ignored |
| completed; progressed with `result.completion` true | an activity | a completion |
| registered, unregistered | an activity | an enrollment |
| voided | a StatementRef | ignored, and that statement counts as voided |
| any other verb; any verb | anything; an Agent, Group, SubStatement or StatementRef | ignored |

Learner: `actor.account.name` (with the setting, its home page, `|` and the name), else `mbox`
without `mailto:`, `mbox_sha1sum`, `openid`; a Group is nobody. Lesson: `object.id`. Course: the
first course-typed activity among object, parent and grouping, else the first grouping, else the
first parent; a registration without any is for its object. Time: `timestamp`, else `stored`.
Event id: `id`. Open edX ids are cut to the key after `/xblock/` or `/course/`.
"""

import re
from typing import Any
from urllib.parse import unquote

from orchestration.landing.standards.mapping import (
    IGNORED,
    NO_OBJECT,
    Found,
    Json,
    Mapped,
    Rejected,
    Result,
    Says,
    first,
    inside,
    kind_of,
    missing,
    value_in,
)
from orchestration.settings import Settings

VIEWS = {"experienced", "initialized", "launched", "viewed", "attempted", "played", "navigated"}
ENROLLMENTS = {"registered": Says.ENROLLED, "unregistered": Says.UNENROLLED}
NO_ACTIVITIES = {"Agent", "Group", "Person", "SubStatement", "StatementRef"}

_BLOCK = re.compile(r"/xblock/([^/?#]+)")
_COURSE = re.compile(r"/course/((?:course|ccx|library)-v1(?::|%3A)[^/?#]+)", re.IGNORECASE)


def mapped(statement: Json, settings: Settings) -> Result:
    """Map one statement."""
    verb = kind_of(inside(statement, "verb", "id"))
    if isinstance(verb, Rejected):
        return verb
    verb = _last_segment(verb)
    kind = value_in(statement, "object", "objectType")
    if kind is not None and not isinstance(kind, str):
        return Rejected("wrong_type", "object.objectType is no text")
    if verb == "voided" and kind == "StatementRef":
        return Mapped(Says.VOIDS, inside(statement, "object", "id"))
    says = _says(verb, statement)
    if says is None or kind in NO_ACTIVITIES or (says is Says.VIEWED and _is_link(statement)):
        return IGNORED
    lesson, course = _key(inside(statement, "object", "id")), _course(statement)
    if course.value is None and verb in ENROLLMENTS:
        course = lesson
    if says is Says.VIEWED and lesson.value is not None and lesson.value == course.value:
        return IGNORED
    who = learner(statement, settings)
    if isinstance(who, Rejected):
        return who
    at = first([inside(statement, "timestamp"), inside(statement, "stored")])
    return Mapped(says, inside(statement, "id"), who, course, lesson, at)


def _says(verb: str, statement: Json) -> Says | None:
    if verb in VIEWS:
        return Says.VIEWED
    is_complete = value_in(statement, "result", "completion") is True
    if verb == "completed" or (verb == "progressed" and is_complete):
        return Says.COMPLETED
    return ENROLLMENTS.get(verb)


def learner(statement: Json, settings: Settings) -> Found | Rejected:
    """Tell who acted, whatever they did."""
    if value_in(statement, "actor", "objectType") == "Group":
        return Rejected("missing_value", "actor is a Group, which is no learner")
    name = inside(statement, "actor", "account", "name")
    page = value_in(statement, "actor", "account", "homePage")
    if settings.xapi_home_page and name.value not in (None, "", NO_OBJECT):
        if not isinstance(page, str) or not page:
            return missing("actor.account.homePage")
        if isinstance(name.value, str):
            name = Found(name.field, f"{page}|{name.value}")
    mbox = inside(statement, "actor", "mbox")
    if isinstance(mbox.value, str):
        mbox = Found(mbox.field, mbox.value.removeprefix("mailto:"))
    others = [inside(statement, "actor", other) for other in ("mbox_sha1sum", "openid")]
    return first([name, mbox, *others])


def _course(statement: Json) -> Found:
    related = value_in(statement, "context", "contextActivities")
    parents, groupings = _activities(related, "parent"), _activities(related, "grouping")
    typed = [a for a in (statement.get("object"), *parents, *groupings) if _type(a) == "course"]
    for activity in (*typed, *groupings, *parents):
        return _key(Found("the course activity's id", value_in(activity, "id")))
    within = inside(statement, "context", "contextActivities", "parent")
    if within.value is NO_OBJECT:
        return within
    return Found("a course among object, parent and grouping", None)


def _activities(related: Any, relation: str) -> list[Any]:
    """The activities of one relation, which before 1.0.3 may stand alone without an array."""
    found = value_in(related, relation)
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]


def _type(activity: Any) -> str | None:
    kind = value_in(activity, "definition", "type")
    return _last_segment(kind) if isinstance(kind, str) else None


def _is_link(statement: Json) -> bool:
    return _type(statement.get("object")) == "link"


def _last_segment(iri: str) -> str:
    return iri.rstrip("/#").rpartition("/")[2].rpartition("#")[2]


def _key(found: Found) -> Found:
    """Cut an Open edX id to its key, which may be percent-encoded in the address."""
    if isinstance(found.value, str):
        match = _BLOCK.search(found.value) or _COURSE.search(found.value)
        if match:
            return Found(found.field, unquote(match[1]))
    return found
