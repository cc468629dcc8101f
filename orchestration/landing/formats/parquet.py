"""Parquet: typed columns, turned into the same text as the other formats carry."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from orchestration.landing import arrays
from orchestration.landing.formats.chunks import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    Stream,
    Unreadable,
    schema_of,
)
from orchestration.landing.sources import Column, Kind, Source

DAMAGED = (OSError, pa.ArrowException)

# A value that is kept once for many rows unfolds with each: few rows are read at a time, and no
# file may unfold beyond so many bytes, and so many times its own size.
STEP_ROWS = 2000
FREE_BYTES = 64 << 20
MAX_RATIO = 100

_FIRST_SECOND, _AFTER_SECONDS = -62_135_596_800, 253_402_300_800
"""When the year 1 begins and the year 9999 has ended, in seconds since 1970."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_TEXTS = (types.is_string, types.is_large_string, types.is_string_view)


def read(stream: Stream, source: Source, scratch: Path) -> Iterator[pa.Table]:
    """Read Parquet rows into chunks; a row is numbered from 1 and has no text of its own.

    Raises:
        Unreadable: the file is damaged, lacks a required column, has one of a wrong type, or
            unfolds beyond its limit.
    """
    with tempfile.TemporaryFile(dir=scratch) as file:
        while block := stream.read(1 << 20):
            file.write(block)
        limit = max(FREE_BYTES, MAX_RATIO * file.tell())
        try:
            parquet = pq.ParquetFile(file)
            columns = _columns(parquet.schema_arrow, source)
            line = 1
            for batch in _batches(parquet, columns, limit):
                yield _chunk(batch, line, columns, source)
                line += len(batch)
        except DAMAGED as error:
            cause = str(error).splitlines()[0]
            raise Unreadable(f"the Parquet file is damaged ({cause}); write it again") from error


def _batches(
    parquet: pq.ParquetFile, columns: list[Column], limit: int
) -> Iterator[pa.RecordBatch]:
    """Read rows in batches of bounded rows and bytes."""
    held: list[pa.RecordBatch] = []
    rows = size = total = 0
    for encoded in parquet.iter_batches(STEP_ROWS, columns=[c.name for c in columns]):
        batch = _decoded(encoded)
        rows, size, total = rows + len(batch), size + batch.nbytes, total + batch.nbytes
        if total > limit:
            raise Unreadable(f"the file unfolds to more than {limit:,} bytes; split the file")
        held.append(batch)
        if rows >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield pa.concat_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Write out the values of columns that name them by their place in a dictionary."""
    decoded = [c.dictionary_decode() if types.is_dictionary(c.type) else c for c in batch.columns]
    return pa.RecordBatch.from_arrays(decoded, names=batch.schema.names)


def _columns(schema: pa.Schema, source: Source) -> list[Column]:
    """Choose the columns that the file has of the source's."""
    found = []
    for column in source.columns:
        places = schema.get_all_field_indices(column.name)
        if len(places) > 1:
            raise Unreadable(f"the file has the column {column.name} twice; keep one")
        if places:
            _check_type(column, schema.field(places[0]).type)
            found.append(column)
        elif column.required:
            raise Unreadable(f"the file lacks the column {column.name}; add it")
    return found


def _check_type(column: Column, kind: pa.DataType) -> None:
    value = kind.value_type if types.is_dictionary(kind) else kind
    is_whole = types.is_integer(value) or (types.is_decimal(value) and value.scale == 0)
    is_time = types.is_timestamp(value) or types.is_date(value)
    fits = is_time if column.kind is Kind.INSTANT else is_whole
    if not (_is_text(value) or types.is_null(value) or fits):
        raise Unreadable(f"the column {column.name} has the type {kind}; write it as text")


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in _TEXTS)


def _chunk(
    batch: pa.RecordBatch, first_line: int, columns: list[Column], source: Source
) -> pa.Table:
    rows = len(batch)
    faults: list[str | None] = [None] * rows
    details: list[str | None] = [None] * rows
    texts = {c.name: _text(batch.column(c.name), c.name, faults, details) for c in columns}
    schema = schema_of(source)
    known = {
        "line": arrays.numbers(np.arange(first_line, first_line + rows)),
        "fault": arrays.texts(faults, pa.string()),
        "detail": arrays.texts(details, pa.string()),
        **texts,
    }
    shaped = [known.get(field.name, pa.nulls(rows, field.type)) for field in schema]
    return pa.Table.from_arrays(shaped, schema=schema)


def _text(
    values: pa.Array, name: str, faults: list[str | None], details: list[str | None]
) -> pa.Array:
    """Write values as text; bytes that are no UTF-8 become a fault of their row.

    So do times beyond the calendar, which no text tells.
    """
    if types.is_timestamp(values.type) or types.is_date(values.type):
        text = _instants(values) if types.is_timestamp(values.type) else values.cast(pa.string())
        for row, reason in _beyond(values):
            faults[row] = faults[row] or reason
            details[row] = details[row] or f"{name}: {text[row]}"
        return text
    if not _is_text(values.type):
        return values.cast(pa.string())
    raw = values.cast(pa.large_string()).cast(pa.large_binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return arrays.texts(list(_readable(raw, name, faults, details)), pa.string())


def _readable(
    raw: pa.Array, name: str, faults: list[str | None], details: list[str | None]
) -> Iterator[str | None]:
    for row, value in enumerate(raw.to_pylist()):
        try:
            yield None if value is None else value.decode()
        except UnicodeDecodeError:
            faults[row] = faults[row] or "invalid_utf8"
            details[row] = details[row] or f"{name} is not UTF-8"
            yield None


def _beyond(values: pa.Array) -> Iterator[tuple[int, str]]:
    """Find the rows of times before the year 1 or after 9999, and why they can't be taken."""
    kind = values.type
    has_zone = types.is_date(kind) or kind.tz is not None
    whole = values.cast(pa.int32()) if types.is_date32(kind) else values
    numbers = whole.cast(pa.int64())
    first, after = _FIRST_SECOND, _AFTER_SECONDS
    if types.is_date32(kind):
        first, after = first // 86_400, after // 86_400
    else:
        scale = _PER_SECOND["ms" if types.is_date64(kind) else kind.unit]
        first, after = first * scale, after * scale
    is_late = pc.greater_equal(numbers, pa.scalar(min(after, 2**63 - 1), pa.int64()))
    is_early = pc.less(numbers, pa.scalar(max(first, -(2**63)), pa.int64()))
    for flags, reason in ((is_late, "instant_too_late"), (is_early, "instant_too_early")):
        for row in pc.indices_nonzero(flags).to_pylist():
            yield row, reason if has_zone else "instant_without_zone"


def _instants(values: pa.Array) -> pa.Array:
    """Write timestamps with their unit's digits, and Z where the column has a zone."""
    unit, zone = values.type.unit, values.type.tz
    if zone is None:
        return values.cast(pa.string())
    text = values.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit)).cast(pa.string())
    return pc.binary_join_element_wise(text, pa.scalar("Z"), pa.scalar(""))
