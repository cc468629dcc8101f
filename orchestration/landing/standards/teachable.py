"""Teachable: webhook deliveries, bare objects or arrays of them.

| type | becomes |
|---|---|
| `LectureProgress.created` with `object.is_completed` true | a completion |
| `LectureProgress.created` with `object.is_completed` false | ignored |
| `Enrollment.created`, `Enrollment.disabled` | an enrollment that begins, or ends |
| any other, and every delivery with `livemode` false | ignored |

Learner: `object.user.id`. Course: `object.course_id`. Lesson: `object.lecture_id`. Time: `created`.
Event id: `hook_event_id`. `percent_complete` is the course's share and no lesson's: it completes
nothing. Teachable sends no views.
"""

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
    wrong_type,
)
from orchestration.settings import Settings

SAYS = {
    "LectureProgress.created": Says.COMPLETED,
    "Enrollment.created": Says.ENROLLED,
    "Enrollment.disabled": Says.UNENROLLED,
}


def mapped(delivery: Json, settings: Settings) -> Result:
    """Map one delivery."""
    kind = kind_of(inside(delivery, "type"))
    if isinstance(kind, Rejected):
        return kind
    says = SAYS.get(kind)
    if says is None or delivery.get("livemode") is False:
        return IGNORED
    if says is Says.COMPLETED:
        is_completed = inside(delivery, "object", "is_completed")
        if is_completed.value is False:
            return IGNORED
        if is_completed.value is None:
            return missing(is_completed.field)
        if is_completed.value is NO_OBJECT:
            return wrong_type(is_completed, "object")
        if is_completed.value is not True:
            return Rejected("wrong_type", f"{is_completed.field} is neither true nor false")
    return Mapped(
        says,
        inside(delivery, "hook_event_id"),
        learner(delivery, settings),
        _id(delivery, "course"),
        _id(delivery, "lecture"),
        inside(delivery, "created"),
    )


def learner(delivery: Json, _: Settings) -> Found:
    """Tell of whom a delivery speaks; one of a user itself has the id in the object."""
    found = [inside(delivery, "object", "user", "id"), inside(delivery, "object", "user_id")]
    if str(delivery.get("type")).startswith("User."):
        found.append(inside(delivery, "object", "id"))
    return first(found)


def _id(delivery: Json, thing: str) -> Found:
    """The id of a thing that a delivery names in the object itself, or tells of beside it."""
    return first(
        [inside(delivery, "object", f"{thing}_id"), inside(delivery, "object", thing, "id")]
    )
