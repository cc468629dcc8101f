"""JSON lines: one object per line, columns by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.landing.formats.chunks import (
    MAX_LINE_BYTES,
    Record,
    Stream,
    bare,
    chunked,
    decoded,
    fault,
    physical_lines,
)
from orchestration.landing.sources import Source


def read(stream: Stream, source: Source, _: Path) -> Iterator[pa.Table]:
    """Read JSON lines into chunks."""
    return chunked(_records(stream, source), source)


def _records(stream: Stream, source: Source) -> Iterator[Record]:
    for number, line in physical_lines(stream):
        text = bare(line)
        if not text.strip():
            continue
        yield _record(number, text, source)


def _record(number: int, text: bytes, source: Source) -> Record:
    if len(text) > MAX_LINE_BYTES:
        return fault(number, text, "line_too_long", f"{len(text):,} bytes", source)
    characters = decoded(text)
    if characters is None:
        return fault(number, text, "invalid_utf8", "the line is not UTF-8", source)
    try:
        value = _DECODER.decode(characters)
    except (ValueError, RecursionError) as error:
        return fault(number, text, "invalid_json", _cause(error), source)
    if not isinstance(value, dict):
        return fault(number, text, "not_an_object", "the line is no object", source)
    return _judged(number, text, value, source)


def _judged(number: int, text: bytes, row: dict[str, Any], source: Source) -> Record:
    """Make a record of an object; a column with a fault is left out of its values."""
    plain = tuple(map(row.get, source.names))
    if set(map(type, plain)) == {str} and b"\\u" not in text:
        return Record(number, text, None, None, plain)
    reason = detail = None
    values: list[str | None] = []
    for column in source.columns:
        value = row.get(column.name)
        wrong = None
        if value is None:
            if column.may_be_empty and column.name not in row:
                wrong = "missing_value", f"{column.name} is absent; send it empty to withdraw it"
        elif value.__class__ is not str:
            wrong = "wrong_type", f"{column.name}: {json.dumps(value)[:100]}"
        elif not value.isascii() and _has_lone_surrogate(value):
            wrong = "lone_surrogate", f"{column.name}: {json.dumps(value)[:100]}"
        if wrong:
            value = None
            if reason is None:
                reason, detail = wrong
        values.append(value)
    return Record(number, text, reason, detail, tuple(values))


def _cause(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _has_lone_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {json.dumps(twice)[:100]} is there twice")
    return found


def _integer(digits: str) -> str:
    return "0" if digits == "-0" else digits


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_repeats, parse_int=_integer, parse_constant=_refused
)
