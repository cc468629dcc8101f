"""The ledger: which content landed when, under which number."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import duckdb

from orchestration.landing.checked import Counts
from orchestration.landing.formats import JSON_ENDINGS, READERS, ending_of
from orchestration.landing.sources import SOURCES

REPLAY = "replay"
"""What stands as the file of a replay; no delivered file can have this name, without an ending."""

_LANDED = """
select batch_id, source, file, content_sha256, recorded_at from raw.landed_files order by batch_id
"""

_ENTRY = """
insert into raw.landed_files
    (batch_id, source, file, content_sha256, bytes, lines, accepted, duplicates, rejected, ignored,
    recorded_at)
values ($batch_id, $source, $file, $sha256, $bytes, $lines, $accepted, $duplicates, $rejected,
    $ignored, $recorded_at)
"""


@dataclass(frozen=True)
class Batch:
    """One landed file: its number in landing order, landing time, and content."""

    batch_id: int
    recorded_at: datetime
    source: str
    file: str
    sha256: str
    bytes: int


class Ledger:
    """`raw.landed_files`, with what it takes to recognise content held in memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.last_batch_id, self._last_recorded_at = 0, datetime.min
        self._batches: dict[tuple[str, ...], int] = {}
        self._latest: dict[str, int] = {}
        for batch_id, source, file, sha256, recorded_at in connection.execute(_LANDED).fetchall():
            self._remember(batch_id, recorded_at, source, file, sha256)

    def find(self, source: str, file: str, sha256: str) -> int | None:
        """The batch as which content landed last: events by content, the catalogue by name too.

        Content is what its format makes of it: a file under a wrong ending can come again.
        """
        return self._batches.get(_identity(source, file, sha256))

    def is_latest(self, source: str, batch_id: int) -> bool:
        """Whether nothing of the source landed after a batch."""
        return self._latest[source] == batch_id

    def next(self, now: datetime, source: str, file: str, sha256: str, size: int) -> Batch:
        """Number the next batch; its landing time is later than every batch's before it."""
        recorded_at = now
        if self.last_batch_id:
            recorded_at = max(now, self._last_recorded_at + timedelta(microseconds=1))
        return Batch(self.last_batch_id + 1, recorded_at, source, file, sha256, size)

    def enter(self, batch: Batch, counts: Counts) -> None:
        """Write a batch down, in the transaction at hand."""
        self._connection.execute(_ENTRY, {**asdict(batch), **asdict(counts)})

    def remember(self, batch: Batch) -> None:
        """Know a batch from now on, once its transaction is committed."""
        self._remember(batch.batch_id, batch.recorded_at, batch.source, batch.file, batch.sha256)

    def _remember(
        self, batch_id: int, recorded_at: datetime, source: str, file: str, sha256: str
    ) -> None:
        self.last_batch_id, self._latest[source] = batch_id, batch_id
        self._last_recorded_at = max(self._last_recorded_at, recorded_at)
        self._batches[_identity(source, file, sha256)] = batch_id


def _identity(source: str, file: str, sha256: str) -> tuple[str, ...]:
    by_name = source in SOURCES and SOURCES[source].is_catalogue
    return (source, sha256, file if by_name else _format(file))


def _format(file: str) -> str:
    """What a file's content is read as; every file of a standard as JSON."""
    found = ending_of(file)
    return READERS[found[0]].__module__ if found and found[0] not in JSON_ENDINGS else "json"
