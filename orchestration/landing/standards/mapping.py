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


def inside(document: Any, *path: str) -> Found:
    """Follow keys into nested objects; the value is None where the path ends early."""
    return Found(".".join(path), value_in(document, *path))


def value_in(document: Any, *path: str) -> Any:
    """Follow keys into nested objects, to a value or None."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def first(found: Iterable[Found]) -> Found:
    """The first field that has a value; without one the first, so that it is the one named."""
    fields = list(found)
    return next((field for field in fields if field.value not in (None, "")), fields[0])


def missing(field: str) -> Rejected:
    """The rejection of a document without a field that says what it is."""
    return Rejected("missing_value", f"{field} is empty")
