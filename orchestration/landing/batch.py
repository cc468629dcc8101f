"""One file is one batch: its rows, rejected lines and ledger entry land together or not at all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import duckdb
import pyarrow as pa

from orchestration.landing import archive
from orchestration.landing.archive import Content
from orchestration.landing.checked import Checked, Counts
from orchestration.landing.deliveries import Delivery
from orchestration.landing.formats import READERS, ending_of
from orchestration.landing.ledger import Ledger
from orchestration.landing.sources import Source
from orchestration.settings import Settings

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Room:
    """What every file of one landing shares."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    ledger: Ledger
    checked: Mapping[str, Checked]
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
    room.connection.begin()
    try:
        counts = checked.fill(lambda: _chunks(room, checked.source, delivery, content), latest)
        checked.insert(batch.batch_id, batch.recorded_at, delivery.name, counts)
        room.ledger.enter(batch, counts)
        archive.keep(content, batch.batch_id, delivery.source, delivery.path.name)
        room.connection.commit()
    except BaseException:
        room.connection.rollback()
        raise
    room.ledger.remember(batch)
    return batch.batch_id, counts


def _chunks(room: Room, source: Source, delivery: Delivery, content: Content) -> Iterator[pa.Table]:
    """Read the archived copy of a file: what is kept is what is landed."""
    ending, _ = cast("tuple[str, str | None]", ending_of(delivery.path.name))
    with content.open() as stream:
        for chunk in READERS[ending](stream, source, room.settings.home):
            yield chunk
            if room.progress:
                room.progress(str(delivery.path), stream.position, content.bytes)
