"""Fields: a block of CSV without quotes, read in one step."""

import numpy as np
import pyarrow as pa

from orchestration.landing.formats.chunks import MAX_LINE_BYTES
from orchestration.landing.formats.views import Block, Bounds
from orchestration.landing.sources import Kind, Source

_COMMA, _LINE_END, _RETURN, _BLANK = 44, 10, 13, 32


def plain_fields(numbered: tuple[int, bytes], header: list[str], source: Source) -> pa.Table | None:
    """Read a block of which every line has just the header's fields, none of them quoted.

    None where that isn't so, or where a line could be blank, too long, or no UTF-8.
    """
    first_line, content = numbered
    width = len(header)
    is_simple = width > 1 and len(content) <= MAX_LINE_BYTES and content.endswith(b"\n")
    if not is_simple or b'"' in content:
        return None
    block = Block(first_line, content)
    is_end = block.bytes == _LINE_END
    marks = np.flatnonzero((block.bytes == _COMMA) | is_end)
    if len(marks) % width or not block.is_utf8:
        return None
    marks = marks.reshape(-1, width)  # type: ignore[assignment]
    lasts = marks[:, -1]
    if np.count_nonzero(is_end) != len(lasts) or not is_end[lasts].all():
        return None
    starts = np.empty_like(marks)
    starts[:, 1:] = marks[:, :-1] + 1
    starts[0, 0], starts[1:, 0] = 0, lasts[:-1] + 1
    ends = marks.copy()
    has_return = block.bytes[lasts - 1] == _RETURN
    ends[:, -1] -= has_return
    places = {name: header.index(name) for name in source.names if name in header}
    bounds = {name: (starts[:, place], ends[:, place]) for name, place in places.items()}
    values = {name: block.views(*its, pa.string_view()) for name, its in bounds.items()}
    controls = np.count_nonzero(block.bytes < _BLANK)
    is_text = controls == len(lasts) + np.count_nonzero(has_return)
    ids = [bounds[c.name] for c in source.columns if c.kind is Kind.ID and c.name in bounds]
    instants = [bounds[column.name] for column in source.instants if column.name in bounds]
    lines = Bounds(starts[:, 0], lasts + 1, ids if is_text else None, instants)
    return block.chunk(np.arange(len(lasts)), lines, values, source)
