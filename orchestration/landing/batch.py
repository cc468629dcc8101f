"""One file is one batch: its rows, rejected lines and ledger entry land together or not at all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import duckdb
import pyarrow as pa

from orchestration.landing import archive, emptying
from orchestration.landing.archive import Content
from orchestration.landing.checked import Checked, Counts
from orchestration.landing.deliveries import Delivery
from orchestration.landing.formats import READERS
from orchestration.landing.ledger import Ledger
from orchestration.landing.sources import Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.checked import CheckedStandard
from orchestration.landing.standards.reading import reader
from orchestration.settings import Settings
from orchestration.warehouse import transaction

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Room:
    """What every file of one landing shares."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    ledger: Ledger
    checked: Mapping[str, Checked | CheckedStandard]
    now: Callable[[], datetime]
    progress: Progress | None


def land_batch(room: Room, delivery: Delivery, content: Content) -> tuple[int, Counts]:
    """Land a file's content as the next batch; returns its number and what became of its lines.

    Raises:
        Unreadable: the content can't be read as a whole. Nothing of it stays in the raw room.
    """
    checked = room.checked[delivery.source]
    batch = room.ledger.next(
        room.now(), delivery.source, delivery.name, content.sha256, content.bytes
    )
    latest = batch.recorded_at + timedelta(minutes=room.settings.max_future_minutes)
    place = batch.batch_id, batch.recorded_at
    copy = archive.keeping(content, batch.batch_id, delivery.source, delivery.path.name)
    with transaction(room.connection):
        with copy as kept:
            chunks = partial(_chunks, room, checked.source, delivery, kept)
            counts = checked.fill(chunks, latest, place)
            checked.insert(batch.batch_id, batch.recorded_at, delivery.name, counts)
            room.ledger.enter(batch, counts)
        if checked.erased_lines:
            ending = _ending(delivery)
            emptying.empty(kept.copy, checked.source, ending, checked.erased_lines)
            archive.on_disk(kept.copy.parent)
    room.ledger.remember(batch)
    return batch.batch_id, counts


def _chunks(room: Room, source: Source, delivery: Delivery, content: Content) -> Iterator[pa.Table]:
    """Read the archived copy of a file: what is kept is what is landed."""
    standard = STANDARDS.get(source.name)
    read = reader(standard, room.settings) if standard else READERS[_ending(delivery)]
    with content.open() as stream:
        for chunk in read(stream, source, room.settings.home):
            yield chunk
            if room.progress:
                room.progress(str(delivery.path), stream.position, content.bytes)


def _ending(delivery: Delivery) -> str:
    return cast("tuple[str, str | None]", delivery.ending)[0]
