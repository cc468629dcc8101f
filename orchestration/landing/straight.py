"""The straight way into the raw room: sound events that can't be repeats land chunk by chunk.

What is left for the checked table are rejected lines and suspects: events of which the id may have
come before. Most suspects are repeats, but none is one for sure until its text is compared.
"""

from collections.abc import Iterable
from datetime import datetime

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.landing import arrays, validation
from orchestration.landing.history import Keys
from orchestration.landing.repeats import RepeatedEvents
from orchestration.landing.shown import Shown
from orchestration.landing.sources import Source
from orchestration.raw import EVENT_KEY

Place = tuple[int, datetime]
"""Where rows land: in which batch, and when."""

MANY = 0.05
"""From this share of known ids on, a file is taken for one that was delivered before."""

_SLOT_BITS = 25
_FEW_SLOT_BITS = 18
_FEW_ROWS = 10_000

# An event without an id gets one of its body, so its key is not known yet.
_KEYS = """
select if(nullif(event_id, '') is null, 0, {key}) as event_key from chunk_{source}
"""


class Straight:
    """Lands the chunks of events, and keeps their rejected lines and suspects in the checked table.

    `rows` is what the database sees as the chunk at hand.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: Source,
        rows: Shown,
        repeats: RepeatedEvents,
    ) -> None:
        self._connection, self._source, self._rows = connection, source, rows
        self._repeats = repeats
        self._prepared = {
            "chunk_keys": _KEYS.format(key=EVENT_KEY, source=source.name),
            "land": validation.land_chunk(source),
            "suspects": validation.hold_suspects(source),
            "reject": validation.reject_chunk(source),
        }
        for verb, statement in self._prepared.items():
            connection.execute(f"prepare {verb}_{source.name} as {statement}")

    def drop(self) -> None:
        """Leave the connection as it was."""
        for verb in self._prepared:
            self._connection.execute(f"deallocate {verb}_{self._source.name}")

    def land(self, chunks: Iterable[pa.Table], latest: datetime, place: Place) -> tuple[int, int]:
        """Land chunks; returns how many rows stand in their place, and how many in the table."""
        landed = kept = 0
        batch_id, recorded_at = place
        name, time = self._source.name, f"latest := TIMESTAMP '{latest}'"
        where = f"batch_id := {batch_id}::BIGINT, recorded_at := TIMESTAMP '{recorded_at}'"
        land = f"execute land_{name}({time}, {where})"
        seen = _Seen()
        unsure: list[Keys] = []
        is_known = False
        for number, chunk in enumerate(chunks):
            self._rows.table = chunk
            found = self._connection.execute(f"execute chunk_keys_{name}")
            keys = np.asarray(found.fetchnumpy()["event_key"])
            is_suspect = seen.suspects(keys)
            if not number:
                known = np.isin(keys, self._repeats.landed_before(keys, batch_id))
                is_suspect |= known
                is_known = int(np.count_nonzero(known)) > MANY * len(keys)
            elif is_known:
                is_suspect[:] = True
            else:
                unsure.append(keys[~is_suspect])
            self._rows.table = told(chunk, is_suspect)
            ((sound,),) = self._connection.execute(land).fetchall()
            landed, kept = landed + sound, kept + len(chunk) - sound
            suspects = int(np.count_nonzero(is_suspect))
            if suspects:
                self._connection.execute(f"execute suspects_{name}({time})")
            if sound + suspects < len(chunk):
                self._connection.execute(f"execute reject_{name}({time})")
        if unsure:
            recalled = self._recall(np.concatenate(unsure), batch_id)
            landed, kept = landed - recalled, kept + recalled
        return landed, kept

    def mark(self, place: Place) -> None:
        """Mark the duplicates and conflicts among the suspects."""
        self._repeats.mark_beside(place[0])

    def _recall(self, keys: Keys, batch_id: int) -> int:
        known = self._repeats.landed_before(keys, batch_id)
        return self._repeats.recall(known, batch_id) if len(known) else 0


class _Seen:
    """The keys of a file so far, each by a slot that it may share with others."""

    def __init__(self) -> None:
        self._shift, self._slots = np.uint64(0), np.zeros(0, np.bool_)

    def suspects(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Tell of each key whether it may have come before, here or in chunks before this one."""
        if not len(self._slots):
            bits = _FEW_SLOT_BITS if len(keys) < _FEW_ROWS else _SLOT_BITS
            self._shift, self._slots = np.uint64(64 - bits), np.zeros(1 << bits, np.bool_)
        slots = (keys >> self._shift).astype(np.int64)
        is_suspect: npt.NDArray[np.bool_] = self._slots.take(slots) | (keys == 0)
        self._slots[slots] = True
        # Sorted by key, then by place: one sort of numbers takes half the time of one of places.
        place_bits = np.uint64(len(keys).bit_length())
        placed = np.sort(keys >> place_bits << place_bits | np.arange(len(keys), dtype=np.uint64))
        is_same = (placed[1:] ^ placed[:-1]) >> place_bits == 0
        places = placed[1:][is_same] & ((np.uint64(1) << place_bits) - np.uint64(1))
        is_suspect[places.astype(np.int64)] = True
        return is_suspect


def told(chunk: pa.Table, is_suspect: npt.NDArray[np.bool_] | None = None) -> pa.Table:
    """Tell of each row of a chunk whether it is a suspect; none is, where nothing is given."""
    marks = arrays.flags(np.zeros(len(chunk), np.bool_) if is_suspect is None else is_suspect)
    if "is_suspect" in chunk.column_names:
        chunk = chunk.drop_columns("is_suspect")
    return chunk.append_column("is_suspect", marks)
