"""What every reader shares: rows into chunks, and physical lines out of bytes."""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from orchestration.landing import arrays
from orchestration.landing.sources import Source

CHUNK_ROWS = 50_000
CHUNK_BYTES = 32 << 20
# Small enough for the arrays made of a block to stay in the processor's cache.
BLOCK_BYTES = 2 << 20
AHEAD = 32
MAX_LINE_BYTES = 16 << 20
MAX_KEPT_BYTES = 256 << 20
BOM = b"\xef\xbb\xbf"
_LINE_END = 10


T = TypeVar("T")
R = TypeVar("R")


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
    schema = schema_of(source)
    columns: list[list[Any]] = [[] for _ in schema]
    # Column by column: many records kept would be looked through by every garbage collection.
    size = 0
    for line, text, reason, detail, values in records:
        for column, value in zip(columns, (line, text, reason, detail, *values), strict=True):
            column.append(value)
        size += len(text)
        if len(columns[0]) == CHUNK_ROWS or size > CHUNK_BYTES:
            yield _table(columns, schema)
            columns, size = [[] for _ in schema], 0
    if columns[0]:
        yield _table(columns, schema)


def schema_of(source: Source) -> pa.Schema:
    """The columns of a chunk."""
    texts = [(name, pa.string()) for name in ("fault", "detail", *source.names)]
    return pa.schema([("line", pa.int64()), ("text", pa.binary()), *texts])


def views_of(source: Source) -> pa.Schema:
    """The columns of a chunk whose texts are views, which a reader needn't copy.

    `is_plain` says of a row that its ids are surely sound: up to 255 printable ASCII characters,
    no blank at either end. `is_usual` says of its instants that all are surely written
    `YYYY-MM-DDThh:mm:ss[.f…]Z`, though there may be no such day. False says nothing.
    """
    kinds = {"text": pa.binary_view(), **dict.fromkeys(source.names, pa.string_view())}
    fields = [field.with_type(kinds.get(field.name, field.type)) for field in schema_of(source)]
    return pa.schema([*fields, ("is_plain", pa.bool_()), ("is_usual", pa.bool_())])


def as_views(chunk: pa.Table, source: Source) -> pa.Table:
    """Give a chunk the columns of `views_of`."""
    if "is_plain" not in chunk.column_names:
        unknown = arrays.flags(np.zeros(len(chunk), np.bool_))
        chunk = chunk.append_column("is_plain", unknown).append_column("is_usual", unknown)
    return chunk.cast(views_of(source))


def as_texts(chunk: pa.Table, source: Source) -> pa.Table:
    """Give a chunk the columns of `schema_of`, of types with which Arrow can compute."""
    return chunk.select(schema_of(source).names).cast(schema_of(source))


def blocks(stream: Stream) -> Iterator[tuple[int, bytes]]:
    """Yield whole physical lines, many at a time, with the number of the first.

    A byte order mark is skipped; only the last line of all may lack its end.

    Raises:
        Unreadable: the file is not UTF-8 from its first line, or a line is too long to be kept.
    """
    number, begun = 1, False
    for block in _cut_at_lines(stream):
        if len(block) >= MAX_KEPT_BYTES and block.find(b"\n", 0, MAX_KEPT_BYTES - 1) < 0:
            raise Unreadable(
                f"line {number} is longer than {MAX_KEPT_BYTES:,} bytes; look for missing line ends"
            )
        if not begun and (text := block.lstrip()):
            begun = True
            if decoded(text.partition(b"\n")[0]) is None:
                raise Unreadable("the file is not UTF-8 from its first line; export it as UTF-8")
        yield number, block
        number += int(np.count_nonzero(np.frombuffer(block, np.uint8) == _LINE_END))


def physical_lines(stream: Stream) -> Iterator[tuple[int, bytes]]:
    """Yield every physical line with its number and line end, skipping a byte order mark.

    Raises:
        Unreadable: the file is not UTF-8 from its first line, or a line is too long to be kept.
    """
    for first, block in blocks(stream):
        yield from numbered(first, block)


def numbered(first_line: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a block into its lines, each with its number and line end."""
    return enumerate(io.BytesIO(block), first_line)


def bare(line: bytes) -> bytes:
    """Cut a line's end, LF or CRLF."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def decoded(text: bytes) -> str | None:
    """Read bytes as UTF-8, or None."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _cut_at_lines(stream: Stream) -> Iterator[bytes]:
    """Cut a stream after lines; a piece without a line end is the last one, or far too long."""
    pieces = [_opening(stream)]
    size = len(pieces[0])
    while size < MAX_KEPT_BYTES and (part := stream.read(BLOCK_BYTES)):
        whole, line_end, rest = part.rpartition(b"\n")
        if line_end:
            yield b"".join((*pieces, whole, line_end))
            pieces, size = [], 0
        pieces.append(rest)
        size += len(rest)
    if last := b"".join(pieces):
        yield last


def _opening(stream: Stream) -> bytes:
    """Read a file's first bytes without its byte order mark."""
    first_bytes = b""
    while len(first_bytes) < 4 and (part := stream.read(4 - len(first_bytes))):
        first_bytes += part
    if first_bytes.count(0) > 1:
        raise Unreadable("the file is not UTF-8 (UTF-16 or UTF-32, it seems); export it as UTF-8")
    return first_bytes.removeprefix(BOM)


def _table(columns: list[list[Any]], schema: pa.Schema) -> pa.Table:
    lines, *texts = columns
    listed = [arrays.numbers(np.array(lines, np.int64))]
    for values, field in zip(texts, list(schema)[1:], strict=True):
        listed.append(arrays.texts(values, field.type))
    return pa.Table.from_arrays(listed, schema=schema)


def in_turn(function: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
    """Apply a function to items in threads, some items ahead; results come in the items' order."""
    yield from map(function, islice(items, 1))
    with ThreadPoolExecutor(2) as threads:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(threads.submit(function, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()
