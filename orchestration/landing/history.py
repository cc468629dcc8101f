"""The history of events: in which rows of `raw.events` the ids of a file may stand already."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.landing import arrays
from orchestration.landing.shown import Shown

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

FEW_KEYS = 50_000
FEW_SCANS = 16
REMEMBERED_KEYS = 250_000
"""Looking more keys up again costs less than comparing them with those looked up before."""

RUN_BITS = 25
MIN_RUN = 250_000

_PLACE = np.uint64((1 << RUN_BITS) - 1)
# Rows that are not committed yet are numbered from here on.
_COMMITTED = "rowid < 36028797018960000"

ANY_BATCH = 1 << 62

# In lists: rows that a prepared statement gives one by one are found by one thread.
_SCAN = """
prepare scan_{name} as
select coalesce(list(event_key), []) as event_keys, coalesce(list(rowid), []) as rows
from raw.events semi join wanted_{name} using (event_key)
where rowid >= $1 and batch_id < $2
"""
_EXTENT = f"select coalesce(max(rowid), -1) + 1, count(*) from raw.events where {_COMMITTED}"
_RUN = f"""
select (event_key >> {RUN_BITS} << {RUN_BITS}) | (rowid - $first)::UBIGINT as packed
from raw.events where rowid >= $first and rowid < $end
"""


@dataclass(frozen=True)
class Asked:
    """What was looked up last, and what was found."""

    keys: Keys
    before: int
    found: tuple[Keys, Rows]

    def answers(self, keys: Keys, before: int) -> bool:
        """Tell whether these keys were among those looked up."""
        if before != self.before or len(keys) > len(self.keys):
            return False
        return bool(np.isin(keys, self.keys).all())


class History:
    """Finds rows by the 64-bit keys of events, over any number of events.

    A file is looked up by one pass over the column of keys, 8 bytes an event. That is too much for
    each of many small files: when they have made several such passes in one landing, the keys are
    sorted into runs in a scratch file, in which a few keys are found at once; later rows are few
    and still read. A number in a run is the upper bits of a key and the place of its row.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, scratch: Path, name: str) -> None:
        self._connection, self._scratch, self._name = connection, scratch, name
        nothing = arrays.nothing(pa.schema([("event_key", pa.uint64())]))
        self._wanted = Shown(connection, f"wanted_{name}", nothing)
        connection.execute(_SCAN.format(name=name))
        self._file: IO[bytes] | None = None
        self._runs: list[Keys] = []
        self._end = 0
        self._scans = 0
        self._asked: Asked | None = None

    def drop(self) -> None:
        """Leave the connection as it was, and no scratch file."""
        self._connection.execute(f"deallocate scan_{self._name}")
        self._wanted.drop()
        if self._file:
            self._file.close()

    def find(self, keys: Keys, before: int = ANY_BATCH) -> tuple[Keys, Rows]:
        """Find the keys that may stand in batches before one, and rows that may have them.

        It errs to one side only: a key or row too many is possible, one too few is not.
        """
        # No row comes into batches before one while it lands.
        if self._asked and before != ANY_BATCH and self._asked.answers(keys, before):
            return self._asked.found
        found = self._found(keys, before)
        self._asked = Asked(keys, before, found) if len(keys) <= REMEMBERED_KEYS else None
        return found

    def _found(self, keys: Keys, before: int) -> tuple[Keys, Rows]:
        if len(keys) > FEW_KEYS:
            return self._scanned(keys, 0, before)
        self._scans += 1
        if self._scans % FEW_SCANS == 0:
            self._sort_new_rows()
        found = [self._looked_up(keys, place) for place in range(len(self._runs))]
        found.append(self._scanned(keys, self._end, before))
        return np.concatenate([k for k, _ in found]), np.concatenate([r for _, r in found])

    def _scanned(self, keys: Keys, first: int, before: int) -> tuple[Keys, Rows]:
        self._wanted.table = pa.table({"event_key": arrays.numbers(keys)})
        scan = f"execute scan_{self._name}({first}::BIGINT, {before}::BIGINT)"
        found = self._connection.execute(scan).fetchnumpy()
        return np.asarray(found["event_keys"][0]), np.asarray(found["rows"][0])

    def _looked_up(self, keys: Keys, place: int) -> tuple[Keys, Rows]:
        run, least = self._runs[place], keys & ~_PLACE
        starts, ends = np.searchsorted(run, least), np.searchsorted(run, least | _PLACE, "right")
        there = starts < ends
        pairs = zip(starts[there].tolist(), ends[there].tolist(), strict=True)
        parts = [run[start:end] & _PLACE for start, end in pairs]
        rows = np.concatenate([np.empty(0, np.uint64), *parts]).astype(np.int64)
        return keys[there], rows + (place << RUN_BITS)

    def _sort_new_rows(self) -> None:
        """Sort what has landed since the last run, where it is worth it."""
        end, count = self._connection.execute(_EXTENT).fetchall()[0]
        # Where rows were deleted, a checkpoint may move others up.
        if count < end or end - self._end < MIN_RUN:
            return
        self._file = self._file or TemporaryFile(dir=self._scratch)  # noqa: SIM115
        for place in range(self._end >> RUN_BITS, (end - 1 >> RUN_BITS) + 1):
            bounds = {"first": place << RUN_BITS, "end": min(place + 1 << RUN_BITS, end)}
            run = np.sort(self._connection.execute(_RUN, bounds).fetchnumpy()["packed"])
            offset = self._file.seek(0, 2)
            run.tofile(self._file)
            self._file.flush()
            mapped = np.memmap(self._file, np.uint64, "r", offset, run.shape)
            self._runs[place:] = [mapped]
        self._end = end
