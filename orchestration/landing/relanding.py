"""Re-landing: archived files land once more, in their order and at their times, in another home."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.landing import archive
from orchestration.landing.archive import PART, Content
from orchestration.landing.batch import Progress, Room, land_batch
from orchestration.landing.checked import Checked
from orchestration.landing.deliveries import Delivery
from orchestration.landing.formats import Unreadable
from orchestration.landing.ledger import REPLAY, Ledger
from orchestration.landing.replay import Rejected, replay_lines
from orchestration.landing.room import LandedFile, LandingFailed
from orchestration.landing.standards.checked import CheckedStandard, checked_as
from orchestration.settings import Settings

_BATCHES = """
select batch_id, source, file, content_sha256, bytes, recorded_at,
    [lines, accepted, duplicates, rejected, ignored]
from raw.landed_files
order by batch_id
"""

_REPLAYED = """
select first_batch_id, list(distinct line order by line)
from raw.replayed_lines
where batch_id = ?
group by first_batch_id
order by first_batch_id
"""

_ALL_REJECTED = """
select batch_id, file, list(distinct line order by line), count(*)::BIGINT
from raw.rejected_lines
where source = ?
group by batch_id, file
order by batch_id
"""

_STILL_REJECTED = """
select file, list(distinct line order by line)
from raw.rejected_lines
where batch_id = $batch_id and line in (select unnest($lines))
group by file
"""


@dataclass(frozen=True)
class Archived:
    """A batch as the ledger of its home knows it: content, landing time (UTC), line counts."""

    batch_id: int
    source: str
    file: str
    sha256: str
    bytes: int
    recorded_at: datetime
    counts: list[int]

    @property
    def is_replay(self) -> bool:
        """Whether it landed no file, but rejected lines of earlier ones."""
        return self.file == REPLAY


@dataclass(frozen=True)
class Relanded:
    """A batch as it was, and what became of it when it landed once more."""

    before: Archived
    now: LandedFile

    @property
    def differs(self) -> bool:
        """Whether its lines were judged otherwise this time."""
        return self.before.counts != self.counts

    @property
    def counts(self) -> list[int]:
        """What became of its lines this time: lines, accepted, duplicates, rejected, ignored."""
        now = self.now
        return [now.lines, now.accepted, now.duplicates, now.rejected, now.ignored]


def archived_batches(landed: duckdb.DuckDBPyConnection) -> list[Archived]:
    """The batches of a home in landing order, replays included."""
    rows = landed.execute(_BATCHES).fetchall()
    return [Archived(*row) for row in rows]


class Relanding:
    """Lands the archived batches of one home in another: `connection` is the warehouse there.

    What lands goes through today's code and settings, under the original name and at the original
    landing time, so that what was in the future then is so again. Of a replay, the lines that it
    settled then are replayed, as far as they were rejected again.
    """

    def __init__(
        self,
        landed: duckdb.DuckDBPyConnection,
        old: Settings,
        connection: duckdb.DuckDBPyConnection,
        new: Settings,
    ) -> None:
        self._landed, self._connection, self._new = landed, connection, new
        self._ledger = Ledger(connection)
        self._checked: dict[str, Checked | CheckedStandard] = {}
        self._batch_ids: dict[int, int] = {}
        self._copies = archive.copies_by_batch(old.archive)

    def run(self, batches: list[Archived], progress: Progress | None) -> Iterator[Relanded]:
        """Land batches one after another.

        Raises:
            LandingFailed: one of them can't be read today, or the disk gave way.
        """
        self._new.archive.mkdir(parents=True, exist_ok=True)
        for place, batch in enumerate(batches, 1):
            try:
                now = self._replay(batch) if batch.is_replay else self._land(batch)
            except Unreadable as cause:
                raise LandingFailed(
                    f"Batch {batch.batch_id} ({batch.source}/{batch.file}) can't be read today:"
                    f" {cause}. Leave it out with --without {batch.batch_id}, or mend the cause."
                ) from cause
            except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
                raise LandingFailed(
                    f"Batch {batch.batch_id} ({batch.source}/{batch.file}) couldn't be landed"
                    f" ({str(error).splitlines()[0]}): see that its archived copy is whole, and"
                    f" that there is room to write in {self._new.home.parent}."
                ) from error
            if now.batch_id is not None:
                self._batch_ids[batch.batch_id] = now.batch_id
            yield Relanded(batch, now)
            if progress:
                progress(f"{batch.source}/{batch.file}", place, len(batches))
        self._drop_checked()

    def _land(self, batch: Archived) -> LandedFile:
        copy = self._copies[batch.batch_id]
        part = self._new.archive / PART
        shutil.copyfile(copy, part)
        descriptor = os.open(part, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        delivery = Delivery(batch.source, Path(archive.name_of(copy)), self._new.archive, False)
        if batch.source not in self._checked:
            checked = checked_as(self._connection, self._new, batch.source)
            self._checked[batch.source] = checked
        room = Room(
            self._connection,
            self._new,
            self._ledger,
            self._checked,
            lambda: batch.recorded_at,
            None,
        )
        # An erasure has emptied lines of the copy: the content is known by what was delivered.
        content = Content(part, batch.sha256, batch.bytes)
        batch_id, counts = land_batch(room, delivery, content)
        left = LandedFile(batch.source, delivery.name, batch_id, "landed")
        return replace(left, **asdict(counts))

    def _replay(self, batch: Archived) -> LandedFile:
        self._drop_checked()
        return replay_lines(
            self._connection,
            self._new,
            self._ledger,
            batch.source,
            self._wanted(batch),
            lambda: batch.recorded_at,
        )

    def _wanted(self, batch: Archived) -> list[Rejected]:
        """All rejected lines of the source where the replay took as many, else what it settled.

        The ledger doesn't say for which reason lines were replayed, nor which it rejected again.
        """
        rejected = self._connection.execute(_ALL_REJECTED, [batch.source]).fetchall()
        if sum(count for *_, count in rejected) == batch.counts[0]:
            return [Rejected(*row) for *row, _ in rejected]
        wanted = []
        for first_batch_id, lines in self._landed.execute(_REPLAYED, [batch.batch_id]).fetchall():
            batch_id = self._batch_ids.get(first_batch_id)
            values = {"batch_id": batch_id, "lines": lines}
            rows = self._connection.execute(_STILL_REJECTED, values).fetchall()
            wanted += [Rejected(batch_id or 0, *row) for row in rows]
        return wanted

    def _drop_checked(self) -> None:
        """A replay has tables of its own, of the same names."""
        for checked in self._checked.values():
            checked.drop()
        self._checked.clear()
