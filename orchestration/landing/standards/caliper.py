"""Caliper Analytics 1.1 and 1.2: single events, or envelopes that hold them under `data`.

| action | object | becomes |
|---|---|---|
| Viewed, NavigatedTo, Started | anything but the course itself | a view |
| Completed | an assignable, an assessment, an item, media | a completion |
| Submitted | an assessment, an assignable | a completion |
| Ended | media | a completion |
| any other | anything | ignored, like entities that are described and not acted upon |

What the object is, its own type tells or the event's (`MediaEvent`). Actor, object, group and
membership may be whole entities or only their ids.

Learner: the actor's id; software is ignored, a group or organization is nobody. Lesson: the
object's id; an attempt stands for what was attempted. Course: the group, else the membership's
organization, else the course that the object is part of; of a group within a course, that course.
Time: `eventTime`. Event id: `id`.
"""

from collections.abc import Iterator
from typing import Any

from orchestration.landing.standards.mapping import (
    IGNORED,
    Found,
    Json,
    Mapped,
    Rejected,
    Result,
    Says,
    first,
    inside,
    kind_of,
    value_in,
)
from orchestration.settings import Settings

VIEWS = {"Viewed", "NavigatedTo", "Started"}
MEDIA = {"MediaObject", "VideoObject", "AudioObject", "ImageObject", "MediaEvent"}
ASSESSMENTS = {"Assessment", "AssessmentEvent", "AssignableDigitalResource", "AssignableEvent"}
ITEMS = {"AssessmentItem", "AssessmentItemEvent"}
COMPLETIONS = {
    "Completed": ASSESSMENTS | ITEMS | MEDIA,
    "Submitted": ASSESSMENTS,
    "Ended": MEDIA,
}
COURSES = {"CourseSection", "CourseOffering"}
NO_LEARNERS = {"Group", "Organization", *COURSES}


def mapped(event: Json, _: Settings) -> Result:
    """Map one event, or ignore one entity."""
    action = event.get("action")
    if action is None and "eventTime" not in event and isinstance(event.get("type"), str):
        return IGNORED
    action = kind_of(inside(event, "action"))
    if isinstance(action, Rejected):
        return action
    actor, lesson = event.get("actor"), _attempted(event.get("object"))
    says = _says(action, {_type(lesson), _type(event)})
    if says is None or _type(actor) == "SoftwareApplication":
        return IGNORED
    if _type(actor) in NO_LEARNERS:
        return Rejected("missing_value", f"actor is of type {_type(actor)}, which is no learner")
    lesson_id, course_id = _id("object.id", lesson), _course(event)
    is_course = _type(lesson) in COURSES or lesson_id.value == course_id.value
    if says is Says.VIEWED and is_course and lesson_id.value is not None:
        return IGNORED
    who = _id("actor.id", actor)
    return Mapped(says, inside(event, "id"), who, course_id, lesson_id, inside(event, "eventTime"))


def learner(event: Json, _: Settings) -> Found:
    """Tell who acted, whatever they did, or which person an entity describes."""
    described = event.get("id") if _type(event) == "Person" else None
    return first([_id("actor.id", event.get("actor")), Found("id", described)])


def _says(action: str, kinds: set[str | None]) -> Says | None:
    if action in VIEWS:
        return Says.VIEWED
    is_complete = not kinds.isdisjoint(COMPLETIONS.get(action, set()))
    return Says.COMPLETED if is_complete else None


def _attempted(thing: Any) -> Any:
    return thing.get("assignable") if _type(thing) == "Attempt" else thing


def _course(event: Json) -> Found:
    groups = [event.get("group"), value_in(event, "membership", "organization")]
    outer = [_outer_course(group, "subOrganizationOf") for group in groups]
    thing = _attempted(event.get("object"))
    placed = [_outer_course(thing, "isPartOf"), value_in(thing, "extensions", "isPartOf")]
    found = [
        *(whole if whole else group for group, whole in zip(groups, outer, strict=True)),
        *(course for course in placed if _type(course) in COURSES),
    ]
    return first(_id("group, or membership.organization,", one) for one in found)


def _outer_course(thing: Any, relation: str) -> Any:
    """The nearest course section or offering, going outwards from a thing, or None."""
    return next((one for one in _outwards(thing, relation) if _type(one) in COURSES), None)


def _outwards(thing: Any, relation: str) -> Iterator[Any]:
    while isinstance(thing, dict):
        yield thing
        thing = thing.get(relation)


def _type(entity: Any) -> str | None:
    kind = value_in(entity, "type")
    return kind if isinstance(kind, str) else None


def _id(field: str, entity: Any) -> Found:
    """The id of an entity that is given whole, or by its id alone."""
    return Found(field, entity if not isinstance(entity, dict) else entity.get("id"))
