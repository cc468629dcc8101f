"""CSV: a header line, then records quoted strictly as RFC 4180 has it."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from orchestration.landing.formats.chunks import (
    MAX_LINE_BYTES,
    Record,
    Stream,
    Unreadable,
    bare,
    blocks,
    chunked,
    decoded,
    fault,
    numbered,
)
from orchestration.landing.formats.fields import plain_fields
from orchestration.landing.sources import Source

MAX_RECORD_LINES = 1000
MAX_RECORD_BYTES = 1_000_000

_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",]*+)'
_COMPLETE = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")
_VALUE = re.compile(r'"((?:[^"]++|"")*+)"(?:,|$)|([^",]*+)(?:,|$)')

Lines = Iterator[tuple[int, bytes]]


def read(stream: Stream, source: Source, _: Path) -> Iterator[pa.Table]:
    """Read comma-separated lines into chunks: blocks without quotes at once, others one by one.

    Raises:
        Unreadable: there is no header line, or it lacks a required column or names one twice.
    """
    lines = _Lines(blocks(stream))
    header = _header(lines, source)
    while lines.has_more():
        block = lines.whole_block()
        chunk = plain_fields(block, header, source) if block else None
        if chunk is None:
            yield from chunked(_records(lines, header, source), source)
        else:
            lines.leave_block()
            yield chunk


class _Lines:
    """Physical lines, of which some can be put back and are then read again.

    They are drawn from blocks, and a block of which no line was drawn can be taken as a whole.
    """

    def __init__(self, numbered_blocks: Iterator[tuple[int, bytes]]) -> None:
        self._blocks = numbered_blocks
        self._block: tuple[int, bytes] | None = None
        self._lines: Lines = iter(())
        self._next: deque[tuple[int, bytes]] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> tuple[int, bytes]:
        if not self.has_more():
            raise StopIteration
        self._block = None
        return self._next.popleft()

    def has_more(self) -> bool:
        """Whether there is a next line; it is read, and its block if it begins one."""
        while not self._next:
            if line := next(self._lines, None):
                self._next.append(line)
            elif block := next(self._blocks, None):
                self._block, self._lines = block, numbered(*block)
            else:
                return False
        return True

    def put_back(self, lines: list[tuple[int, bytes]]) -> None:
        """Have lines read again."""
        self._next.extendleft(reversed(lines))

    def whole_block(self) -> tuple[int, bytes] | None:
        """The block that the next line begins, or None where it begins none."""
        return self._block

    def leave_block(self) -> None:
        """Go on after the block that was taken."""
        self._block, self._lines = None, iter(())
        self._next.clear()

    def rest_of_block(self) -> Lines:
        """The lines up to the beginning of the next block."""
        while self.has_more() and self._block is None:
            yield next(self)


def _records(lines: _Lines, header: list[str], source: Source) -> Iterator[Record]:
    """Read line by line to the end of a block, or of the record that runs over it."""
    width = len(header)
    places = [header.index(name) if name in header else width for name in source.names]
    pick = itemgetter(*places)
    for number, line in chain([next(lines)], lines.rest_of_block()):
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


def _header(lines: _Lines, source: Source) -> list[str]:
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


def _spanning(first: bytes, lines: _Lines, width: int) -> bytes | None:
    """Read on to the end of a record whose quoted field runs over line ends.

    A quote that is never closed must not swallow the lines after it: a record that doesn't end
    well soon, with as many fields as the header, is given up, and its further lines are read anew.
    """
    if first.count(b'"') % 2 == 0:
        return None
    taken: list[tuple[int, bytes]] = []
    size = len(first)
    for line in lines:
        taken.append(line)
        size += len(line[1])
        if line[1].count(b'"') % 2:
            whole = bare(first + b"".join(text for _, text in taken))
            if _COMPLETE.fullmatch(whole) and _width(whole) == width:
                return whole
            break
        if len(taken) >= MAX_RECORD_LINES or size > MAX_RECORD_BYTES:
            break
    lines.put_back(taken)
    return None


def _width(record: bytes) -> int:
    return len(_fields(record.decode("latin-1")))
