"""CSV: a header line, then records quoted strictly as RFC 4180 has it."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from orchestration.landing.formats.chunks import (
    MAX_LINE_BYTES,
    Record,
    Stream,
    Unreadable,
    bare,
    chunked,
    decoded,
    fault,
    physical_lines,
)
from orchestration.landing.sources import Source

MAX_RECORD_LINES = 1000
MAX_RECORD_BYTES = 1_000_000

_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",]*+)'
_COMPLETE = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")
_VALUE = re.compile(r'"((?:[^"]++|"")*+)"(?:,|$)|([^",]*+)(?:,|$)')

Lines = Iterator[tuple[int, bytes]]


def read(stream: Stream, source: Source, _: Path) -> Iterator[pa.Table]:
    """Read comma-separated lines into chunks.

    Raises:
        Unreadable: there is no header line, or it lacks a required column or names one twice.
    """
    return chunked(_records(_Pushback(physical_lines(stream)), source), source)


class _Pushback:
    """Physical lines, of which some can be put back and are then read again."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._returned: deque[tuple[int, bytes]] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> tuple[int, bytes]:
        return self._returned.popleft() if self._returned else next(self._lines)

    def put_back(self, lines: list[tuple[int, bytes]]) -> None:
        self._returned.extendleft(reversed(lines))


def _records(lines: _Pushback, source: Source) -> Iterator[Record]:
    header = _header(lines, source)
    width = len(header)
    places = [header.index(name) if name in header else width for name in source.names]
    pick = itemgetter(*places)
    for number, line in lines:
        text = bare(line)
        if not text.strip():
            continue
        if len(text) > MAX_LINE_BYTES:
            yield fault(number, text, "line_too_long", f"{len(text):,} bytes", source)
            continue
        if b'"' in text and not _COMPLETE.fullmatch(text):
            whole = _spanning(line, lines, width)
            if whole is None:
                yield fault(number, text, "invalid_csv", "the quotes don't pair up", source)
                continue
            text = whole
        characters = decoded(text)
        if characters is None:
            yield fault(number, text, "invalid_utf8", "the line is not UTF-8", source)
            continue
        fields: list[str | None] = list(_fields(characters))
        if len(fields) == width:
            fields.append(None)
            yield Record(number, text, None, None, pick(fields))
        else:
            detail = f"{len(fields)} fields where the header has {width}"
            yield fault(number, text, "wrong_number_of_fields", detail, source)


def _header(lines: _Pushback, source: Source) -> list[str]:
    text = next((bare(line) for _, line in lines if line.strip()), None)
    if text is None:
        raise Unreadable("the file has no header line; send one that names the columns")
    if not _COMPLETE.fullmatch(text):
        raise Unreadable("the header line's quotes don't pair up; mend it")
    names = _fields(text.decode())
    twice = [name for name, times in Counter(names).items() if name and times > 1]
    if twice:
        raise Unreadable(f"the header names the column {twice[0]!r} twice; keep one")
    missing = [c.name for c in source.columns if c.required and c.name not in names]
    if missing:
        raise Unreadable(
            f"the header lacks the column {', '.join(missing)}; the first line names the columns,"
            " separated by commas"
        )
    return names


def _fields(text: str) -> list[str]:
    """Split a record whose quotes are known to pair up."""
    if '"' not in text:
        return text.split(",")
    fields, position = [], 0
    while True:
        match = _VALUE.match(text, position)
        assert match is not None, "the quotes pair up"
        quoted, plain = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        position = match.end()
        if position == len(text) and not match[0].endswith(","):
            return fields


def _spanning(first: bytes, lines: _Pushback, width: int) -> bytes | None:
    """Read on to the end of a record whose quoted field runs over line ends.

    A quote that is never closed must not swallow the lines after it: a record that doesn't end
    well soon, with as many fields as the header, is given up, and its further lines are read anew.
    """
    if first.count(b'"') % 2 == 0:
        return None
    taken: list[tuple[int, bytes]] = []
    size = len(first)
    for numbered in lines:
        taken.append(numbered)
        size += len(numbered[1])
        if numbered[1].count(b'"') % 2:
            whole = bare(first + b"".join(line for _, line in taken))
            if _COMPLETE.fullmatch(whole) and _width(whole) == width:
                return whole
            break
        if len(taken) >= MAX_RECORD_LINES or size > MAX_RECORD_BYTES:
            break
    lines.put_back(taken)
    return None


def _width(record: bytes) -> int:
    return len(_fields(record.decode("latin-1")))
