"""Layouts: what the lines of a JSON file have in common, by which a block is read in one step.

An exporter writes all lines alike, and only their values differ. A layout is a line with its values
cut out. Another line with the same text around values that can't be mistaken — strings without
quotes, backslashes and control characters; numbers, true, false, null — is sound JSON too, with the
same keys, and its values stand where the layout has them. No other line is read by a layout.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.formats.views import Block, Bounds, Mask, Places
from orchestration.landing.sources import Kind, Source

_QUOTE, _BACKSLASH, _LINE_END = 34, 92, 10
_TOKEN = re.compile(rb'("[^"\\]*")(\s*:)?|([^\s"{}\[\],:]+)|[\s{}\[\],:]')
_MARK = re.compile(rb'["\x00-\x1f]')
_KNOWN = r"^(-?[1-9][0-9]*|0|null)$"
_UNKNOWN = r"^(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|null)$"


@dataclass(frozen=True)
class Slot:
    """A place for a value: its column if it is one of the source's, and whether it is unquoted."""

    column: str | None
    is_bare: bool


@dataclass(frozen=True)
class Fitting:
    """Lines of a layout: their numbers in the block, and where their values begin and end.

    Places have a row of each line, with a place for each slot.
    """

    rows: Places
    starts: Places
    ends: Places

    def where(self, mask: Mask) -> "Fitting":
        """Those for which a mask holds."""
        if mask.all():
            return self
        return Fitting(self.rows[mask], self.starts[mask], self.ends[mask])


class Lines:
    """The lines of a block, and where their marks lie: quotes, control characters and line ends.

    Some of the unread lines are candidates: a layout may have them.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.marks = block.marks()
        last = np.flatnonzero(block.bytes.take(self.marks) == _LINE_END)
        self.ends = self.marks[last] + 1
        self.starts = np.concatenate(([0], self.ends[:-1]))
        self.mark_counts = np.diff(last, prepend=-1)
        self._first_marks = last + 1 - self.mark_counts
        self.is_unread = np.ones(len(last), np.bool_)
        self.is_candidate = np.full(len(last), block.is_utf8)
        if block.has_escapes:
            escapes = np.flatnonzero(block.bytes == _BACKSLASH)
            lines = np.searchsorted(self.ends, escapes, "right")
            self.is_candidate[lines[lines < len(last)]] = False

    def unread(self) -> Iterator[tuple[int, bytes]]:
        """Yield the unread lines with their numbers, the last one also where it lacks its end."""
        for row in np.flatnonzero(self.is_unread).tolist():
            yield self.block.first_line + row, self.text(row)
        last = int(self.ends[-1]) if len(self.ends) else 0
        if last < self.block.size:
            yield self.block.first_line + len(self.ends), self.block.bytes[last:].tobytes()

    def text(self, row: int) -> bytes:
        """The text of a line, with its end."""
        return self.block.bytes[self.starts[row] : self.ends[row]].tobytes()

    def marks_of(self, rows: Places, count: int) -> Places:
        """The places of the marks of lines that have so many: a row of each line."""
        if len(self.marks) == len(rows) * count:
            return self.marks.reshape(-1, count)
        places: Places = self.marks[self._first_marks[rows, None] + np.arange(count)]
        return places


@dataclass(frozen=True)
class Layout:
    """The text before, between and after the slots of a line, and the slots."""

    texts: tuple[bytes, ...]
    slots: tuple[Slot, ...]

    @cached_property
    def _opening(self) -> Places:
        """The number of the last mark before each slot; the next mark is the first one after it."""
        return np.cumsum([len(_MARK.findall(text)) for text in self.texts[:-1]]) - 1

    @cached_property
    def _margins(self) -> tuple[list[int], list[int]]:
        """How far each slot is from the mark before it, and from the one after it."""
        marks = [[mark.start() for mark in _MARK.finditer(text)] for text in self.texts]
        before = [len(text) - its[-1] for text, its in zip(self.texts, marks, strict=True)]
        return before[:-1], [its[0] for its in marks[1:]]

    def read(self, lines: Lines, source: Source) -> pa.Table:
        """Read the candidates that have this layout into a chunk; they are unread no more."""
        found = self._fitting(lines)
        lines.is_unread[found.rows] = lines.is_candidate[found.rows] = False
        bounds = {
            slot.column: (found.starts[:, place], found.ends[:, place])
            for place, slot in enumerate(self.slots)
            if slot.column
        }
        values = {}
        for slot in self.slots:
            if slot.column:
                values[slot.column] = _values(lines.block, *bounds[slot.column], slot)
        # Marks prove that there are no control characters.
        ids = [bounds[c.name] for c in source.columns if c.kind is Kind.ID and c.name in bounds]
        instants = [bounds[c.name] for c in source.instants if c.name in bounds]
        lines_bounds = Bounds(lines.starts[found.rows], lines.ends[found.rows], ids, instants)
        return lines.block.chunk(found.rows, lines_bounds, values, source)

    def _fitting(self, lines: Lines) -> Fitting:
        count = sum(len(_MARK.findall(text)) for text in self.texts)
        rows = np.flatnonzero(lines.is_candidate & (lines.mark_counts == count))
        marks = lines.marks_of(rows, count)
        before, after = self._margins
        starts, ends = marks[:, self._opening] + before, marks[:, self._opening + 1] - after
        found = Fitting(rows, starts, ends)
        for place, slot in enumerate(self.slots):
            if slot.is_bare:
                found = found.where(found.starts[:, place] <= found.ends[:, place])
        # The texts hold as many marks as the line, so none is left to stand in a value.
        for place, text in enumerate(self.texts):
            found = _with_text(lines, found, place, text)
        for place, slot in enumerate(self.slots):
            if slot.is_bare:
                form = _KNOWN if slot.column else _UNKNOWN
                values = lines.block.texts(found.starts[:, place], found.ends[:, place])
                found = found.where(pc.match_substring_regex(values, form).to_numpy(False))
        return found


def _values(block: Block, starts: Places, ends: Places, slot: Slot) -> pa.Array:
    if not slot.is_bare:
        return block.views(starts, ends, pa.string_view())
    texts = block.texts(starts, ends)
    nothing = pa.scalar(None, pa.string())
    return pc.if_else(pc.equal(texts, "null"), nothing, texts).cast(pa.string_view())


def _with_text(lines: Lines, found: Fitting, place: int, text: bytes) -> Fitting:
    """Keep lines with just this text between a slot, or the line's start, and the next one."""
    starts = found.ends[:, place - 1] if place else lines.starts[found.rows]
    is_last = place == found.starts.shape[1]
    ends = lines.ends[found.rows] if is_last else found.starts[:, place]
    has_room = starts + len(text) == ends
    if has_room.all():
        return found.where(lines.block.is_text_at(starts, text))
    return _with_text(lines, found.where(has_room), place, text)


def layout_of(line: bytes, names: tuple[str, ...]) -> Layout | None:
    """Cut the values out of a line that is a JSON object; None where they could be mistaken."""
    texts, slots = [b""], list[Slot]()
    key, depth = None, 0
    for token in _TOKEN.finditer(line):
        string, colon, bare = token.groups()
        if string and colon:
            key = string[1:-1].decode()
        if bare or (string and not colon):
            column = key if depth == 1 and key in names else None
            slots.append(Slot(column, is_bare=bare is not None))
            quote = b"" if bare else b'"'
            texts[-1] += quote
            texts.append(quote)
            key = None
        else:
            depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
            texts[-1] += token[0]
    is_sure = bool(slots) and b"\\" not in line and all(map(_MARK.search, texts))
    return Layout(tuple(texts), tuple(slots)) if is_sure else None
