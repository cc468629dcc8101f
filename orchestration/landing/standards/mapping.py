"""What every mapping speaks in: fields found in a document, and what a document says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from orchestration.settings import Settings

Json = dict[str, Any]
"""A JSON object; integers are read as their decimal text."""


class Found(NamedTuple):
    """A value and the standard's own name of the field that holds it, or should have held it."""

    field: str
    value: Any


NOTHING = Found("", None)
"""A field that a document of its kind doesn't have."""


class Says(Enum):
    """What a document can say."""

    VIEWED = auto()
    COMPLETED = auto()
    ENROLLED = auto()
    UNENROLLED = auto()
    VOIDS = auto()


class Mapped(NamedTuple):
    """What a document says, and the fields that tell of whom, of what and when.

    `id` is the event's id, or the voided statement's; an enrollment has no lesson.
    """

    says: Says
    id: Found
    learner: Found = NOTHING
    course: Found = NOTHING
    lesson: Found = NOTHING
    at: Found = NOTHING


class Ignored:
    """A document that is neither view nor completion nor enrollment."""


IGNORED = Ignored()


class Rejected(NamedTuple):
    """A document that can't be mapped: a reason code, and what is wrong in the standard's words."""

    reason: str
    detail: str


Result = Mapped | Ignored | Rejected


@dataclass(frozen=True)
class Standard:
    """One standard: what its documents say and of whom, and the key of those in an envelope."""

    mapped: Callable[[Json, Settings], Result]
    learner: Callable[[Json, Settings], Found | Rejected]
    holds: str | None = None


class NoObject:
    """What is found where a path goes on, but what stands there has no keys."""


NO_OBJECT = NoObject()


def inside(document: Any, *path: str) -> Found:
    """Follow keys into nested objects; the value is None where nothing more is there.

    What is something else than an object is found itself, as `NO_OBJECT`.
    """
    for place, name in enumerate(path):
        if document is None:
            break
        if not isinstance(document, dict):
            return Found(".".join(path[:place]), NO_OBJECT)
        document = document.get(name)
    return Found(".".join(path), document)


def value_in(document: Any, *path: str) -> Any:
    """Follow keys into nested objects, to a value or None."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def first(found: Iterable[Found]) -> Found:
    """The first field that has a value; else what is no object where one should be, else the first.

    So the one that is returned without a value is the one to be named.
    """
    fields = list(found)
    told = [field for field in fields if field.value not in (None, "")]
    sound = [field for field in told if field.value is not NO_OBJECT]
    return next(iter([*sound, *told, *fields]))


def kind_of(found: Found) -> str | Rejected:
    """The text of a field by which a document says what it is, or why there is none."""
    if found.value in (None, ""):
        return missing(found.field)
    return found.value if isinstance(found.value, str) else wrong_type(found, "text")


def wrong_type(found: Found, wanted: str) -> Rejected:
    """The rejection of a document with a field of another type than is wanted."""
    wanted = "object" if found.value is NO_OBJECT else wanted
    return Rejected("wrong_type", f"{found.field} is no {wanted}")


def missing(field: str) -> Rejected:
    """The rejection of a document without a field that says what it is."""
    return Rejected("missing_value", f"{field} is empty")
