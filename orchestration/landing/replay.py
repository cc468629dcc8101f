"""Replay: rejected lines go through landing again, after the cause was mended."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing import archive, copies, settled
from orchestration.landing.batch import Progress
from orchestration.landing.checked import Checked, Counts
from orchestration.landing.formats import Unreadable
from orchestration.landing.ledger import REPLAY, Batch, Ledger
from orchestration.landing.room import LandedFile, LandingFailed
from orchestration.landing.sources import SOURCES, Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.checked import CheckedStandard, checked_as
from orchestration.settings import Settings
from orchestration.warehouse import transaction, utc_now

_WANTED = """
select source, batch_id, file, list(line order by line)
from raw.rejected_lines
where $reason is null or reason = $reason
group by source, batch_id, file
order by batch_id
"""

_LINES = "select line from raw.rejected_lines where batch_id = ? order by line"

_TEXTS = "select line, text from raw.rejected_lines where batch_id = ?"

_PLACE = """
update raw.{table} set delivered_batch_id = ? where batch_id = ? and delivered_batch_id is null
"""


@dataclass(frozen=True)
class Rejected:
    """The lines of one landed file that are to be replayed."""

    batch_id: int
    file: str
    lines: list[int]


def replay(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    reason: str | None = None,
    now: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
) -> list[LandedFile]:
    """Put rejected lines, of one reason if given, through landing again: one batch a source.

    The lines are read anew from the archive, so that whatever was mended counts: a reader, a rule
    or a setting. Accepted lines and duplicates leave `raw.rejected_lines` for
    `raw.replayed_lines`, with their file and line; lines rejected again stay, with the reason that
    holds now and the batch and time of their first rejection. Of a source that speaks for whole
    courses, all rejected lines of a course go together, whatever their reason. A catalogue row
    takes its place among the rows of its key by the batch whose file first delivered it.

    Returns:
        one entry a source with such lines, its file `replay`; `reason` names files that couldn't
        be read again, whose lines stay as they are.

    Raises:
        ArchiveMismatch: nothing was replayed.
        LandingFailed: the sources before the one it names are replayed, it and later ones not.
    """
    ledger = Ledger(connection)
    archive.clear_unfinished(settings.archive, ledger.last_batch_id)
    wanted: dict[str, list[Rejected]] = {}
    for source, *rejected in connection.execute(_WANTED, {"reason": reason}).fetchall():
        wanted.setdefault(source, []).append(Rejected(*rejected))
    return [
        _Replay(connection, settings, ledger, SOURCES[name], now, progress).run(wanted[name])
        for name in SOURCES
        if name in wanted
    ]


def replay_lines(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    ledger: Ledger,
    source: str,
    wanted: list[Rejected],
    now: Callable[[], datetime],
) -> LandedFile:
    """Replay chosen rejected lines of one source, as one batch of a ledger that is in use.

    Raises:
        LandingFailed: nothing was replayed.
    """
    return _Replay(connection, settings, ledger, SOURCES[source], now, None).run(wanted)


@dataclass(frozen=True)
class _Replay:
    """The replay of one source, as one batch in one transaction."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    ledger: Ledger
    source: Source
    now: Callable[[], datetime]
    progress: Progress | None

    def run(self, wanted: list[Rejected]) -> LandedFile:
        """Replay the lines of every file, in the order in which the files landed."""
        checked = checked_as(self.connection, self.settings, self.source.name)
        batch = self.ledger.next(self.now(), self.source.name, REPLAY, "", 0)
        try:
            with transaction(self.connection):
                total, missed = self._files(checked, batch, wanted)
                if total.lines:
                    self.ledger.enter(batch, total)
            checked.drop()
        except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
            raise LandingFailed(
                f"The rejected lines of {self.source.name} couldn't be replayed"
                f" ({str(error).splitlines()[0]}) and stay as they were: see that there is room to"
                f" write in {self.settings.home}, and replay again."
            ) from error
        cause = f"couldn't be read again: {'; '.join(missed)}" if missed else None
        left = LandedFile(self.source.name, REPLAY, None, "left_alone", reason=cause)
        if not total.lines:
            return left
        self.ledger.remember(batch)
        return replace(left, batch_id=batch.batch_id, status="landed", **asdict(total))

    def _files(
        self, checked: Checked | CheckedStandard, batch: Batch, wanted: list[Rejected]
    ) -> tuple[Counts, list[str]]:
        total, missed = Counts(), []
        for place, rejected in enumerate(wanted, 1):
            try:
                counts = self._file(checked, batch, rejected)
            except Unreadable as cause:
                missed.append(f"{rejected.file} ({cause})")
                continue
            total = Counts(**{k: v + getattr(total, k) for k, v in asdict(counts).items()})
            if self.progress:
                self.progress(rejected.file, place, len(wanted))
        return total, missed

    def _file(self, checked: Checked | CheckedStandard, batch: Batch, rejected: Rejected) -> Counts:
        """Replay the lines of one landed file; they are judged among themselves, as they were."""
        latest = batch.recorded_at + timedelta(minutes=self.settings.max_future_minutes)
        copy = copies.copy_of(self.settings.archive, rejected.batch_id)
        seen: list[pa.Table] = []

        def chunks() -> Iterator[pa.Table]:
            seen.clear()
            for chunk in self._chosen(copy, rejected):
                seen.append(settled.told_by(chunk, self.source))
                yield chunk

        counts = checked.fill(chunks, latest)
        # Its rejected lines are kept already; only what is new of them is written.
        accepted = replace(counts, rejected=0)
        checked.insert(batch.batch_id, batch.recorded_at, REPLAY, accepted)
        if self.source.is_catalogue:
            placed = [rejected.batch_id, batch.batch_id]
            self.connection.execute(_PLACE.format(table=self.source.name), placed)
        settled.settle(self.connection, self.source, batch.batch_id, rejected.batch_id, seen)
        return counts

    def _chosen(self, copy: Path, rejected: Rejected) -> Iterator[pa.Table]:
        """Read the lines of a landed file that are to be replayed."""
        if self.source.name in STANDARDS:
            return self._documents(copy, rejected)
        if self.source.speaks_for is None:
            return _with(self._read(copy), "line", rejected.lines)
        rows = self.connection.execute(_LINES, [rejected.batch_id]).fetchall()
        lines = [line for (line,) in rows]
        named = _with(self._read(copy), "line", rejected.lines)
        courses = {c for chunk in named for c in chunk.column(self.source.speaks_for).to_pylist()}
        return _with(_with(self._read(copy), "line", lines), self.source.speaks_for, courses)

    def _documents(self, copy: Path, rejected: Rejected) -> Iterator[pa.Table]:
        rows = self.connection.execute(_TEXTS, [rejected.batch_id]).fetchall()
        wanted, lines = {(line, bytes(text)) for line, text in rows}, set(rejected.lines)
        for chunk in self._read(copy):
            told = zip(*settled.told_by(chunk, self.source).to_pydict().values(), strict=True)
            kept = chunk.filter(pa.array([row in wanted and row[0] in lines for row in told]))
            if len(kept):
                yield kept

    def _read(self, copy: Path) -> Iterator[pa.Table]:
        return copies.read(copy, self.source, self.settings)


def _with(
    chunks: Iterable[pa.Table], column: str, values: Iterable[int | str | None]
) -> Iterator[pa.Table]:
    """Keep the rows of chunks that have one of the values in a column."""
    for chunk in chunks:
        wanted = pa.array(list(values), chunk.schema.field(column).type)
        kept = chunk.filter(pc.is_in(chunk.column(column), wanted))
        if len(kept):
            yield kept
