"""What every reader shares: rows into chunks, and physical lines out of bytes."""

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from orchestration.landing.sources import Source

CHUNK_ROWS = 50_000
CHUNK_BYTES = 32 << 20
MAX_LINE_BYTES = 16 << 20
MAX_KEPT_BYTES = 256 << 20
BOM = b"\xef\xbb\xbf"


class Unreadable(Exception):
    """A file can't be read as a whole; the message says why and what to do."""


class Stream(Protocol):
    """Decompressed bytes, in order."""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes, none at the end."""


Reader = Callable[[Stream, Source, Path], Iterator[pa.Table]]


class Record(NamedTuple):
    """One record of a file, before its values are judged."""

    line: int
    text: bytes
    fault: str | None
    detail: str | None
    values: tuple[str | None, ...]


def fault(line: int, text: bytes, reason: str, detail: str, source: Source) -> Record:
    """Make the record of a line of which nothing could be read."""
    return Record(line, text, reason, detail, (None,) * len(source.columns))


def chunked(records: Iterable[Record], source: Source) -> Iterator[pa.Table]:
    """Gather records into tables of bounded rows and bytes."""
    rows: list[Record] = []
    size = 0
    for record in records:
        rows.append(record)
        size += len(record.text)
        if len(rows) == CHUNK_ROWS or size > CHUNK_BYTES:
            yield _table(rows, source)
            rows, size = [], 0
    if rows:
        yield _table(rows, source)


def schema_of(source: Source) -> pa.Schema:
    """The columns of a chunk."""
    texts = [(name, pa.string()) for name in ("fault", "detail", *source.names)]
    return pa.schema([("line", pa.int64()), ("text", pa.binary()), *texts])


def physical_lines(stream: Stream) -> Iterator[tuple[int, bytes]]:
    """Yield every physical line with its number and line end, skipping a byte order mark.

    Raises:
        Unreadable: the file is not UTF-8 from its first line, or a line is too long to be kept.
    """
    buffered = io.BufferedReader(_Raw(stream), 1 << 20)
    first_bytes = buffered.peek(4)[:4]
    if first_bytes[:4].count(0) > 1:
        raise Unreadable("the file is not UTF-8 (UTF-16 or UTF-32, it seems); export it as UTF-8")
    if first_bytes.startswith(BOM):
        buffered.read(len(BOM))
    number, begun = 0, False
    while line := buffered.readline(MAX_KEPT_BYTES):
        number += 1
        if len(line) == MAX_KEPT_BYTES:
            raise Unreadable(
                f"line {number} is longer than {MAX_KEPT_BYTES:,} bytes; look for missing line ends"
            )
        if not begun and line.strip():
            begun = True
            if decoded(line) is None:
                raise Unreadable("the file is not UTF-8 from its first line; export it as UTF-8")
        yield number, line


def bare(line: bytes) -> bytes:
    """Cut a line's end, LF or CRLF."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def decoded(text: bytes) -> str | None:
    """Read bytes as UTF-8, or None."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _table(rows: list[Record], source: Source) -> pa.Table:
    lines, texts, faults, details, values = zip(*rows, strict=True)
    columns = [lines, texts, faults, details, *zip(*values, strict=True)]
    schema = schema_of(source)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


class _Raw(io.RawIOBase):
    """Any stream with `read`, as the standard library's buffered reader wants it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)
