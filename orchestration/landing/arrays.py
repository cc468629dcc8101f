"""Arrow arrays of numpy's numbers and of a few texts, made without pandas.

`pyarrow.array` asks pandas whether its argument is one of its own, and imports it for that, which
takes about as long as landing a small file.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FEW_TEXTS = 10_000


def numbers(values: npt.NDArray[np.integer[Any]]) -> pa.Array:
    """Whole numbers, of their own type; not copied."""
    values = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Booleans, eight to a byte."""
    bits = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def texts(values: Sequence[str | bytes | None], kind: pa.DataType) -> pa.Array:
    """Texts of a type, None for null; of many, it pays to import pandas."""
    if len(values) > FEW_TEXTS:
        return pa.array(values, kind)
    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish().cast(kind)


def nothing(schema: pa.Schema) -> pa.Table:
    """A table without rows."""
    return pa.Table.from_batches([], schema)
