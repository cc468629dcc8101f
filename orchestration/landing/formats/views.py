"""Views: texts that point into a block of bytes, made for all its rows at once and not copied."""

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.landing import arrays
from orchestration.landing.formats.chunks import views_of
from orchestration.landing.sources import Source

Places = npt.NDArray[np.int64]
"""Positions of bytes in a block, or numbers of its lines."""
Mask = npt.NDArray[np.bool_]

MAX_ID_LENGTH = 255
INLINE = 12
"""Arrow keeps a text of up to so many bytes in the view itself."""
_PADDING = bytes(16)
_KEPT = np.tril(np.full((INLINE + 1, INLINE), 255, np.uint8), -1).view(np.uint32)
_BLANK, _RETURN, _DELETE = 32, 13, b"\x7f"


_HOUR = 11
_FORMS = ["0000-00-00T00:00:00Z", *(f"0000-00-00T00:00:00.{'0' * n}Z" for n in range(1, 7))]
_LARGEST = "9999-99-99T29:59:59.999999"


def _bytes(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


_LEAST = {len(form): _bytes(form) for form in _FORMS}
_MOST = {size: _bytes(f"{_LARGEST[: size - 1]}Z") for size in _LEAST}
"""Of instants of each length, the least and the greatest byte at every place."""

_own = threading.local()


def _scratch(size: int) -> npt.NDArray[np.uint8]:
    """Bytes of the thread's own, used anew for each block: new memory costs more than the work."""
    if len(getattr(_own, "bytes", ())) < size:
        _own.bytes = np.empty(size, np.uint8)
    taken: npt.NDArray[np.uint8] = _own.bytes[:size]
    return taken


@dataclass(frozen=True)
class Bounds:
    """Where lines begin and end, line ends included, and where each of their ids and instants does.

    No ids means that they may hold control characters.
    """

    starts: Places
    ends: Places
    ids: list[tuple[Places, Places]] | None
    instants: list[tuple[Places, Places]]


class Block:
    """Whole physical lines of a file, the first of which has the number `first_line`."""

    def __init__(self, first_line: int, content: bytes) -> None:
        self.first_line, self.size = first_line, len(content)
        # Padded, so that words can be taken at every byte.
        self._padded = content + _PADDING
        self._data = pa.py_buffer(self._padded)
        self.bytes = np.frombuffer(self._padded, np.uint8)[: self.size]
        self.is_ascii = content.isascii()
        self.has_escapes = b"\\" in content

    def marks(self) -> Places:
        """Where quotes and control characters are."""
        scratch = _scratch(self.size)
        # Flipping a bit puts the quote (34) at 32, right after the control characters.
        np.bitwise_xor(self.bytes, 2, out=scratch)
        is_mark = scratch.view(np.bool_)
        np.less_equal(scratch, 32, out=is_mark)
        return np.flatnonzero(is_mark)

    @cached_property
    def is_utf8(self) -> bool:
        """Whether every byte belongs to a character."""
        try:
            return self.is_ascii or bool(self._padded.decode())
        except UnicodeDecodeError:
            return False

    @cached_property
    def is_visible_ascii(self) -> bool:
        """Whether every byte is ASCII but DEL; control characters are another question."""
        return self.is_ascii and _DELETE not in self._padded

    def is_text_at(self, places: Places, text: bytes) -> Mask:
        """Whether a text stands at each place."""
        found = np.ones(len(places), np.bool_)
        for offset in range(0, len(text), 8):
            part = text[offset : offset + 8]
            taken = self._taken(places + offset, 8).view("<u8")[:, 0]
            if len(part) < 8:
                taken &= np.uint64((1 << 8 * len(part)) - 1)
            found &= taken == np.uint64(int.from_bytes(part, "little"))
        return found

    def views(self, starts: Places, ends: Places, kind: pa.DataType) -> pa.Array:
        """Make an array of the bytes from each start to before its end, of a view type."""
        lengths = ends - starts
        view = np.empty((len(starts), 4), np.uint32)
        view[:, 0] = lengths
        view[:, 1:] = self._taken(starts, INLINE).view(np.uint32)
        longer: Mask = lengths > INLINE
        is_long: Mask | slice = slice(None) if longer.all() else longer
        if not longer.all():
            view[:, 1:] &= _KEPT[np.minimum(lengths, INLINE)]
        # A long text's view holds its first four bytes, its buffer's number and its place there.
        view[is_long, 2] = 0
        view[is_long, 3] = starts[is_long]
        return pa.Array.from_buffers(kind, len(view), [None, pa.py_buffer(view), self._data])

    def texts(self, starts: Places, ends: Places) -> pa.Array:
        """Copy the text from each start to before its end."""
        return self.views(starts, ends, pa.string_view()).cast(pa.string())

    def are_plain(self, starts: Places, ends: Places) -> Mask:
        """Whether texts are short enough for ids, and none begins or ends with a blank."""
        is_trimmed: Mask = (self.bytes[starts] != _BLANK) & (self.bytes[ends - 1] != _BLANK)
        return is_trimmed & (ends - starts <= MAX_ID_LENGTH)

    def are_usual(self, starts: Places, ends: Places) -> Mask | bool:
        """Whether texts are written as most instants are; False where their lengths differ."""
        length = int(ends[0] - starts[0]) if len(starts) else 0
        if length not in _LEAST or (ends - starts != length).any():
            return False
        taken = self._taken(starts, length)
        is_between = (taken >= _LEAST[length]) & (taken <= _MOST[length])
        is_hour: Mask = (taken[:, _HOUR] < ord("2")) | (taken[:, _HOUR + 1] <= ord("3"))
        return is_hour if is_between.all() else is_hour & is_between.all(axis=1)

    def chunk(
        self, rows: Places, bounds: Bounds, values: dict[str, pa.Array], source: Source
    ) -> pa.Table:
        """Make a chunk of some lines of the block.

        `bounds` are those of the lines, and of their ids if these hold no control characters.
        """
        starts, ends = bounds.starts, bounds.ends - 1
        ends = ends - (self.bytes[ends - 1] == _RETURN)
        is_plain = np.full(len(rows), bounds.ids is not None and self.is_visible_ascii)
        for its_starts, its_ends in bounds.ids or ():
            is_plain &= self.are_plain(its_starts, its_ends)
        is_usual = np.full(len(rows), bool(bounds.instants))
        for its_starts, its_ends in bounds.instants:
            is_usual &= self.are_usual(its_starts, its_ends)
        known = {
            "line": arrays.numbers(rows + self.first_line),
            "text": self.views(starts, ends, pa.binary_view()),
            "is_plain": arrays.flags(is_plain),
            "is_usual": arrays.flags(is_usual),
            **values,
        }
        schema = views_of(source)
        columns = [known.get(field.name, pa.nulls(len(rows), field.type)) for field in schema]
        return pa.Table.from_arrays(columns, schema=schema)

    def _taken(self, places: Places, size: int) -> npt.NDArray[np.uint8]:
        """Copy so many bytes from each place, in one step: a row of each."""
        count = len(self._padded) - size + 1
        everywhere = np.ndarray((count,), f"V{size}", self._padded, 0, (1,))
        return everywhere[places].view(np.uint8).reshape(-1, size)
