"""JSON documents out of a stream: one a line, the elements of an array, or written over lines.

An array of any size is read in bounded memory: the text is cut where an element ends, by its
brackets alone, and each element is read strictly by itself, so a bad one harms no other.
"""

import io
import json
import re
from collections.abc import Iterator

from orchestration.landing.formats.chunks import (
    BOM,
    MAX_KEPT_BYTES,
    MAX_LINE_BYTES,
    Stream,
    Unreadable,
    decoded,
    physical_lines,
)

BLOCK = 1 << 20

_STRING = rb'"(?:[^"\\]++|\\.)*+"'


def _nested(levels: int) -> bytes:
    """The pattern of a whole bracket that holds others so many levels deep."""
    held = rb'[^"\[\]{}]++|' + _STRING
    inner = held if levels == 0 else held + rb"|" + _nested(levels - 1)
    return rb"[\[{](?:" + inner + rb")*+[\]}]"


_FIRST_LINE = re.compile(rb"\s*(\S[^\n]*)(?:\n\s*(\S))?")
_BETWEEN = re.compile(rb"\s*(\S)")
_INSIDE = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb')*+([\[\]{}"])', re.DOTALL)
_AT_TOP = re.compile(
    rb'(?:[^"\[\]{},]++|' + _STRING + rb"|" + _nested(8) + rb')*+([\[\]{},"])', re.DOTALL
)
_KEY = re.compile(rb"\s*,?\s*(" + _STRING + rb")\s*:\s*", re.DOTALL)

Document = tuple[int, bytes]


def documents(stream: Stream) -> Iterator[Document]:
    """Yield every document's text with its line: an array's element is numbered from 1.

    Raises:
        Unreadable: the file is not UTF-8 from its first line, or a document is too long to be kept.
    """
    head = _head(stream)
    again = _Again(head, stream)
    if _stands_on_lines(head):
        for number, line in physical_lines(again):
            if line.strip():
                yield number, line.removesuffix(b"\n").removesuffix(b"\r")
    else:
        yield from _Cutter(again).cut()


def elements(text: bytes, key: str | None = None) -> list[bytes]:
    """The texts of a sound array's elements, or of the array under a key of a sound object."""
    start = 0 if key is None else _place_of(text, key)
    array = text[start : _end_of(text, start)]
    return [element for _, element in _Cutter(io.BytesIO(array)).cut()]


def _head(stream: Stream) -> bytes:
    """Read on to the beginning of the second line that is not blank."""
    head = b""
    while len(head) <= MAX_LINE_BYTES and (block := stream.read(BLOCK)):
        head += block
        match = _FIRST_LINE.match(head.removeprefix(BOM))
        if match and match[2]:
            break
    return head


def _stands_on_lines(head: bytes) -> bool:
    """Whether each line is a document: so it is unless the first goes on in the next one.

    A line that closes its array, or breaks off in it, is followed by a document of its own.
    """
    match = _FIRST_LINE.match(head.removeprefix(BOM))
    if match is None or head[:4].count(0) > 1:
        return True
    line, follower = match[1].rstrip(), match[2]
    if line.startswith(b"["):
        return follower in (b"[", b"{") and not line.endswith((b"[", b",", b":", b"{"))
    return line != b"{" and follower != b'"'


class _Cutter:
    """Cuts a text into documents, holding one at a time."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._text = bytearray()
        self._number = 0
        self._lines = 1

    def cut(self) -> Iterator[Document]:
        """Yield documents: those of an array one by one, others by the line of their beginning."""
        while (opening := self._skip_blanks()) is not None:
            if opening == b"[":
                self._take(1)
                yield from self._cut_array()
            else:
                end = self._end_of_value() if opening == b"{" else self._end_of_line()
                self._number = max(self._number + 1, self._lines)
                yield self._document(self._take(end))

    def _cut_array(self) -> Iterator[Document]:
        is_first = True
        while True:
            end, closing = self._end_of_element()
            text = self._take(end).strip()
            if text or closing == b"," or not (is_first or closing == b""):
                self._number += 1
                yield self._document(text)
            self._take(len(closing))
            if closing != b",":
                return
            is_first = False

    def _document(self, text: bytes) -> Document:
        if self._number == 1 and decoded(text) is None:
            raise Unreadable("the file is not UTF-8 from its first line; export it as UTF-8")
        return self._number, text

    def _end_of_element(self) -> tuple[int, bytes]:
        """Find where an array's element ends, and what ends it: a comma, a bracket, or nothing."""
        place, depth = 0, 0
        while True:
            found = self._find(_INSIDE if depth else _AT_TOP, place)
            if found is None:
                return len(self._text), b""
            place, mark = found
            if depth == 0 and mark in b",]":
                return place - 1, mark
            depth = max(0, depth + (1 if mark in b"[{" else -1 if mark in b"]}" else 0))

    def _end_of_value(self) -> int:
        place, depth = 0, 0
        while (found := self._find(_INSIDE, place)) is not None:
            place, mark = found
            depth += 1 if mark in b"[{" else -1
            if depth == 0:
                return place
        return len(self._text)

    def _end_of_line(self) -> int:
        while (place := self._text.find(b"\n")) < 0:
            if not self._read():
                return len(self._text)
        return place

    def _find(self, pattern: re.Pattern[bytes], place: int) -> tuple[int, bytes] | None:
        """Find the next bracket or comma outside of strings, reading on as far as it takes."""
        while True:
            match = pattern.match(self._text, place)
            if match and match[1] != b'"':
                return match.end(), match[1]
            if not self._read():
                return None

    def _skip_blanks(self) -> bytes | None:
        while True:
            match = _BETWEEN.match(self._text)
            if match:
                opening = match[1]
                self._take(match.start(1))
                return opening
            self._take(len(self._text))
            if not self._read():
                return None

    def _read(self) -> bool:
        """Read as much again as is held, so that no text is looked at many times."""
        if len(self._text) > MAX_KEPT_BYTES:
            raise Unreadable(
                f"the document after number {self._number} is longer than {MAX_KEPT_BYTES:,} bytes;"
                " look for a missing quote or bracket"
            )
        block = self._stream.read(max(BLOCK, len(self._text)))
        self._text += block
        return bool(block)

    def _take(self, end: int) -> bytes:
        taken = bytes(self._text[:end])
        del self._text[:end]
        self._lines += taken.count(b"\n")
        return taken


class _Again:
    """A stream whose beginning was read already, and is read once more, without its mark."""

    def __init__(self, head: bytes, stream: Stream) -> None:
        self._head, self._stream = io.BytesIO(head.removeprefix(BOM)), stream

    def read(self, size: int, /) -> bytes:
        return self._head.read(size) or self._stream.read(size)


def _place_of(text: bytes, key: str) -> int:
    """Where the value of a key stands in the text of a sound object."""
    place = text.index(b"{") + 1
    while (match := _KEY.match(text, place)) and json.loads(match[1]) != key:
        place = _end_of(text, match.end())
    assert match is not None, "the object has the key"
    return match.end()


def _end_of(text: bytes, place: int) -> int:
    """Where a sound value that begins at a place ends."""
    depth = 0
    while match := (_INSIDE if depth else _AT_TOP).match(text, place):
        mark = match[1]
        if depth == 0 and mark in b",]}":
            return match.end() - 1
        place, depth = match.end(), depth + (1 if mark in b"[{" else -1)
        if depth == 0:
            return place
    return len(text)
