"""Reads a file of a standard into chunks of what its documents say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.landing.formats.chunks import (
    MAX_LINE_BYTES,
    Reader,
    Record,
    Stream,
    chunked,
    decoded,
    fault,
)
from orchestration.landing.formats.strict_json import cause_of, has_lone_surrogate, parsed
from orchestration.landing.sources import Column, Kind, Source
from orchestration.landing.standards.documents import documents, elements
from orchestration.landing.standards.mapping import (
    IGNORED,
    NO_OBJECT,
    Found,
    Ignored,
    Mapped,
    Rejected,
    Result,
    Says,
    Standard,
    wrong_type,
)
from orchestration.settings import Settings

IN_ENVELOPE_BITS = 24
"""A chunk's line is the document's, shifted by so many bits, plus its number in its envelope."""

SAID = Source(
    "said",
    tuple(Column(name, Kind.TEXT) for name in ("says", "id", "learner", "course", "lesson", "at")),
)
"""The columns of a chunk: what a document says, and the values of its fields."""

SILENT = ("ignored", "voids")
"""What a document says that is neither event nor enrollment."""

_NEEDED = {
    Says.VIEWED: ("learner", "course", "lesson", "at"),
    Says.COMPLETED: ("learner", "course", "lesson", "at"),
    Says.ENROLLED: ("learner", "course", "at"),
    Says.UNENROLLED: ("learner", "course", "at"),
    Says.VOIDS: ("id",),
}


def reader(standard: Standard, settings: Settings) -> Reader:
    """Make the reader of a standard's files."""

    def read(stream: Stream, _: Source, __: Path) -> Iterator[pa.Table]:
        return chunked(_records(stream, standard, settings), SAID)

    return read


def _records(stream: Stream, standard: Standard, settings: Settings) -> Iterator[Record]:
    for line, text in documents(stream):
        for place, record in enumerate(_said(text, standard, settings)):
            yield record._replace(line=(line << IN_ENVELOPE_BITS) + place)


def _said(text: bytes, standard: Standard, settings: Settings) -> Iterator[Record]:
    """Say what each document of a text says: the text's own, or those that it holds."""
    if len(text) > MAX_LINE_BYTES:
        yield fault(0, text, "line_too_long", f"{len(text):,} bytes", SAID)
        return
    characters = decoded(text)
    if characters is None:
        yield fault(0, text, "invalid_utf8", "the line is not UTF-8", SAID)
        return
    try:
        value = parsed(characters)
    except ValueError as error:
        yield fault(0, text, "invalid_json", cause_of(error), SAID)
        return
    held = list(_held(text, value, standard.holds))
    if not held:
        yield _record(text, IGNORED)
    for its_text, document in held:
        result = _mapped(document, standard, settings)
        record = _record(its_text, result)
        if record.values[0] in SILENT:
            record = _with_learner(record, standard.learner(document, settings))
        yield record


def _held(text: bytes, value: Any, key: str | None, *, is_within: bool = False) -> Iterator[Any]:
    """Yield the text and value of each document in an array or an envelope, else of the one."""
    if isinstance(value, list) and not is_within:
        for its_text, element in zip(elements(text), value, strict=True):
            yield from _held(its_text, element, key, is_within=True)
    elif isinstance(value, dict) and isinstance(value.get(key), list):
        yield from zip(elements(text, key), value[key], strict=True)
    else:
        yield text, value


def _mapped(document: Any, standard: Standard, settings: Settings) -> Result:
    if not isinstance(document, dict):
        return Rejected("not_an_object", "the document is no object")
    if standard.holds in document:
        return Rejected("wrong_type", f"{standard.holds} is no array")
    return standard.mapped(document, settings)


def _record(text: bytes, result: Result) -> Record:
    if isinstance(result, Ignored):
        return Record(0, text, None, None, ("ignored", *(None,) * 5))
    if isinstance(result, Mapped):
        result = _judged(result)
    if isinstance(result, Rejected):
        return fault(0, text, *result, SAID)
    used = ("id", *_NEEDED[result.says])
    fields = (getattr(result, name).value if name in used else None for name in SAID.names[1:])
    values = (value or None for value in fields)
    return Record(0, text, None, None, (result.says.name.lower(), *values))


def _with_learner(record: Record, told: Found | Rejected) -> Record:
    """Note whose a document is that says nothing of them, so that it goes when they are erased."""
    who = told.value if isinstance(told, Found) else None
    if not isinstance(who, str) or has_lone_surrogate(who):
        return record
    return record._replace(values=(*record.values[:2], who, *record.values[3:]))


def _judged(said: Mapped) -> Mapped | Rejected:
    """Reject what lacks a value that is needed, or has one that is no text."""
    needed = _NEEDED[said.says]
    for name in SAID.names[1:]:
        found: Found = getattr(said, name)
        if found.value in (None, ""):
            if name in needed:
                return Rejected("missing_value", f"{found.field} is empty")
        elif name in needed or name == "id":
            if found.value is NO_OBJECT:
                return wrong_type(found, "object")
            if not isinstance(found.value, str):
                return Rejected("wrong_type", _shown(found))
            if has_lone_surrogate(found.value):
                return Rejected("lone_surrogate", _shown(found))
    return said


def _shown(found: Found) -> str:
    return f"{found.field}: {json.dumps(found.value)[:100]}"
