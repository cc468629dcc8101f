"""JSON lines: one object per line, columns by name."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration.landing.formats.chunks import (
    MAX_LINE_BYTES,
    Record,
    Stream,
    as_texts,
    bare,
    blocks,
    chunked,
    decoded,
    fault,
    in_turn,
    numbered,
)
from orchestration.landing.formats.layout import Layout, Lines, layout_of
from orchestration.landing.formats.strict_json import cause_of, has_lone_surrogate, parsed
from orchestration.landing.formats.views import Block
from orchestration.landing.sources import Source

SMALL_BLOCK_BYTES = 16 << 10
MAX_LAYOUTS = 8
FEW_LINES = 50
MAX_ATTEMPTS = 4


def read(stream: Stream, source: Source, _: Path) -> Iterator[pa.Table]:
    """Read JSON lines into chunks: those written alike at once, the others one by one."""
    layouts: list[Layout] = []

    def chunks(block: tuple[int, bytes]) -> list[pa.Table]:
        return _chunks(*block, layouts, source)

    for of_a_block in in_turn(chunks, blocks(stream)):
        yield from of_a_block


def _chunks(
    first_line: int, content: bytes, layouts: list[Layout], source: Source
) -> list[pa.Table]:
    if not SMALL_BLOCK_BYTES < len(content) <= MAX_LINE_BYTES:
        return list(chunked(_records(numbered(first_line, content), source), source))
    lines = Lines(Block(first_line, content))
    alike = list(_written_alike(lines, layouts, source))
    others = chunked(_records(lines.unread(), source), source)
    return _in_order([*alike, *others], source)


def _in_order(chunks: list[pa.Table], source: Source) -> list[pa.Table]:
    """Bring the lines of chunks that may be intertwined into order."""
    chunks = [chunk for chunk in chunks if len(chunk)]
    if len(chunks) < 2:
        return chunks
    return [pa.concat_tables(as_texts(chunk, source) for chunk in chunks).sort_by("line")]


def _written_alike(lines: Lines, layouts: list[Layout], source: Source) -> Iterator[pa.Table]:
    """Read lines by the layouts met so far, and look for others in what they leave."""
    for layout in list(layouts):
        yield layout.read(lines, source)
    for _ in range(MAX_ATTEMPTS):
        left = np.flatnonzero(lines.is_candidate)
        if len(left) < FEW_LINES or len(layouts) == MAX_LAYOUTS:
            return
        found = _layout(lines.text(left[0]), source)
        if found:
            layouts.append(found)
            yield found.read(lines, source)
        lines.is_candidate[left[0]] = False


def _layout(line: bytes, source: Source) -> Layout | None:
    """Find the layout of a line, if it is sound and so would be every line like it."""
    text = bare(line)
    is_sound = text.strip() and _record(0, text, source).fault is None
    return layout_of(line, source.names) if is_sound else None


def _records(lines: Iterable[tuple[int, bytes]], source: Source) -> Iterator[Record]:
    for number, line in lines:
        text = bare(line)
        if text.strip():
            yield _record(number, text, source)


def _record(number: int, text: bytes, source: Source) -> Record:
    if len(text) > MAX_LINE_BYTES:
        return fault(number, text, "line_too_long", f"{len(text):,} bytes", source)
    characters = decoded(text)
    if characters is None:
        return fault(number, text, "invalid_utf8", "the line is not UTF-8", source)
    try:
        value = parsed(characters)
    except ValueError as error:
        return fault(number, text, "invalid_json", cause_of(error), source)
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
        elif not value.isascii() and has_lone_surrogate(value):
            wrong = "lone_surrogate", f"{column.name}: {json.dumps(value)[:100]}"
        if wrong:
            value = None
            if reason is None:
                reason, detail = wrong
        values.append(value)
    return Record(number, text, reason, detail, tuple(values))
