"""The table through which the files of one source go on their way into the raw room."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing import arrays, repeats, validation
from orchestration.landing.copies import Lines
from orchestration.landing.erased import erased_learners
from orchestration.landing.formats import Unreadable
from orchestration.landing.formats.chunks import as_texts, as_views, views_of
from orchestration.landing.instants import with_days
from orchestration.landing.repeats import RepeatedEvents, repeats_of
from orchestration.landing.shown import Shown
from orchestration.landing.sources import Source
from orchestration.landing.straight import Place, Straight, told
from orchestration.settings import Settings

GATHERED_ROWS = 200_000
GATHERED_BYTES = 64 << 20

_ROWS = """
insert into raw.{table} ({columns}, batch_id, line, recorded_at)
select {columns}, $batch_id::BIGINT, line, $recorded_at::TIMESTAMP
from checked_{source} where reason is null and not is_duplicate
"""

_REJECTED = """
insert into raw.rejected_lines
    (batch_id, source, file, line, reason, detail, text, recorded_at)
select $batch_id, $source, $file, line, reason, detail, text, $recorded_at
from checked_{source} where reason is not null
"""

Chunks = Callable[[], Iterable[pa.Table]]


@dataclass(frozen=True)
class Counts:
    """What became of a file's lines; they add up to `lines`."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    ignored: int = 0


class Checked:
    """The temporary table `checked_<source>`, and its statements, prepared once for all files.

    A row is a line of the file at hand: its verdict (`reason`, `detail`, `is_duplicate`), the text
    of a rejected line, and its sound values in the types of the raw table. Planning these
    statements takes far longer than running them on a small file; a parameter of another type than
    the one planned for would have them planned anew.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, source: Source
    ) -> None:
        self.source = source
        self._connection, self._settings = connection, settings
        self._erased = erased_learners(connection, settings)
        self.erased_lines: list[Lines] = []
        self._is_used, self._in_place = False, 0
        nothing = self._seen(arrays.nothing(views_of(source)))
        self._rows = Shown(connection, f"chunk_{source.name}", nothing)
        columns = ", ".join(source.landed_names)
        self._prepared = {
            "check": validation.check_chunk(source),
            "count": repeats.count(source),
            "insert": _ROWS.format(source=source.name, table=source.table, columns=columns),
        }
        connection.execute(validation.checked_table(source))
        self._repeats = repeats_of(connection, settings, source)
        self._straight = None
        if isinstance(self._repeats, RepeatedEvents):
            self._straight = Straight(connection, source, self._rows, self._repeats)
        for verb, statement in self._prepared.items():
            connection.execute(f"prepare {verb}_{source.name} as {statement}")

    def drop(self) -> None:
        """Leave the connection as it was."""
        for verb in self._prepared:
            self._connection.execute(f"deallocate {verb}_{self.source.name}")
        if self._straight:
            self._straight.drop()
        self._rows.drop()
        self._connection.execute(f"drop table checked_{self.source.name}")

    def fill(self, chunks: Chunks, latest: datetime, place: Place | None = None) -> Counts:
        """Judge every line of a file; past instants can't be later than `latest`.

        Sound events go straight to their place if one is given; then the table keeps rejected lines
        and repeats only.

        Raises:
            Unreadable: a line of a file that speaks for whole courses doesn't tell its course.
        """
        execute, name = self._connection.execute, self.source.name
        if self._is_used:
            execute(f"truncate checked_{name}")
        self._is_used, self._in_place = True, 0
        if place and self._straight and not self._erased:
            return self._land(self._straight, chunks, latest, place)
        for chunk in self._gathered(chunks()):
            self._rows.table = chunk
            execute(f"execute check_{name}(latest := TIMESTAMP '{latest}')")
        if self._erased:
            self.erased_lines = self._erased.drop(self._connection, self.source)
        if self.source.speaks_for:
            self._reject_incomplete()
        self._repeats.mark()
        counted = self._counted(chunks)
        ignored = len(self.erased_lines)
        return replace(counted, lines=counted.lines + ignored, ignored=ignored)

    def _land(self, straight: Straight, chunks: Chunks, latest: datetime, place: Place) -> Counts:
        """Land sound events at once, and judge the others when all others stand in their place."""
        landed, kept = straight.land(self._gathered(chunks()), latest, place)
        self._is_used, self._in_place = bool(kept), landed
        if not kept:
            return Counts(lines=landed, accepted=landed)
        straight.mark(place)
        counted = self._counted(chunks)
        return replace(counted, lines=counted.lines + landed, accepted=counted.accepted + landed)

    def _counted(self, chunks: Chunks) -> Counts:
        """Count the lines of the table, and see that the rejected ones have their text."""
        count = self._connection.execute(f"execute count_{self.source.name}")
        *counts, without_text = count.fetchall()[0]
        if without_text:
            self._fetch_texts(chunks())
        return Counts(*counts)

    def insert(self, batch_id: int, recorded_at: datetime, file: str, counts: Counts) -> None:
        """Put sound new lines into the raw table, and keep rejected ones with their reason."""
        name, time = self.source.name, f"TIMESTAMP '{recorded_at}'"
        if counts.accepted > self._in_place:
            values = f"batch_id := {batch_id}::BIGINT, recorded_at := {time}"
            self._connection.execute(f"execute insert_{name}({values})")
        if counts.rejected:
            where = {"batch_id": batch_id, "recorded_at": recorded_at, "source": name, "file": file}
            self._connection.execute(_REJECTED.format(source=name), where)

    def _gathered(self, chunks: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Put chunks together until judging them costs more than to begin with it."""
        gathered: list[pa.Table] = []
        rows = size = 0
        for chunk in chunks:
            gathered.append(self._seen(chunk))
            rows, size = rows + len(chunk), size + chunk.get_total_buffer_size()
            if rows >= GATHERED_ROWS or size >= GATHERED_BYTES:
                yield pa.concat_tables(gathered)
                gathered, rows, size = [], 0, 0
        if gathered:
            yield pa.concat_tables(gathered)

    def _seen(self, chunk: pa.Table) -> pa.Table:
        """A chunk as the database sees it."""
        seen = with_days(as_views(chunk, self.source), self.source, self._settings.zone)
        return told(seen) if self.source.holds_events else seen

    def _fetch_texts(self, chunks: Iterable[pa.Table]) -> None:
        """Read the file again for the texts of lines that were rejected once all were judged."""
        rows = self._connection.execute(validation.without_text(self.source)).fetchall()
        lines = arrays.numbers(np.array([line for (line,) in rows], np.int64))
        for chunk in chunks:
            wanted = pc.is_in(chunk.column("line"), lines)
            if pc.any(wanted).as_py():
                kept = as_texts(chunk, self.source).filter(wanted)
                self._rows.table = self._seen(kept)
                self._connection.execute(validation.fetch_texts(self.source))

    def _reject_incomplete(self) -> None:
        source = self.source
        unreadable = self._connection.execute(repeats.first_unreadable(source)).fetchall()
        for line, reason, detail in unreadable:
            raise Unreadable(
                f"line {line} doesn't tell its {source.speaks_for} ({reason}: {detail}), and a"
                f" {source.name} file speaks for whole courses; mend the line, send the file again"
            )
        self._connection.execute(repeats.reject_incomplete(source))
