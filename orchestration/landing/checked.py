"""The table through which the files of one source go on their way into the raw room."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import duckdb
import pyarrow as pa

from orchestration.landing import repeats, validation
from orchestration.landing.formats import Unreadable
from orchestration.landing.formats.chunks import schema_of
from orchestration.landing.instants import with_days
from orchestration.landing.sources import Source
from orchestration.settings import Settings

SMALL_FILE_LINES = 50_000

_ROWS = """
insert into raw.{source} ({columns}, batch_id, line, recorded_at)
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
    statements takes far longer than running them on a small file. For large files the
    counting is planned anew, as the sizes of the tables are known by then.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, source: Source
    ) -> None:
        self.source = source
        self._connection, self._settings = connection, settings
        self._rows = _Rows(with_days(schema_of(source).empty_table(), source, settings.zone))
        columns = ", ".join(source.names)
        self._prepared = {
            "check": validation.check_chunk(source),
            "count": repeats.count(source),
            "insert": _ROWS.format(source=source.name, columns=columns),
        }
        connection.execute(validation.checked_table(source))
        connection.register(f"chunk_{source.name}", self._rows)
        for verb, statement in self._prepared.items():
            connection.execute(f"prepare {verb}_{source.name} as {statement}")

    def drop(self) -> None:
        """Leave the connection as it was."""
        for verb in self._prepared:
            self._connection.execute(f"deallocate {verb}_{self.source.name}")
        self._connection.unregister(f"chunk_{self.source.name}")
        self._connection.execute(f"drop table checked_{self.source.name}")

    def fill(self, chunks: Chunks, latest: datetime) -> Counts:
        """Judge every line of a file; past instants can't be later than `latest`.

        Raises:
            Unreadable: a line of a file that speaks for whole courses doesn't tell its course.
        """
        execute, name, lines = self._connection.execute, self.source.name, 0
        execute(f"truncate checked_{name}")
        for chunk in chunks():
            self._show(chunk)
            execute(f"execute check_{name}(latest := TIMESTAMP '{latest}')")
            lines += len(chunk)
        if self.source.speaks_for:
            self._reject_incomplete()
        *counts, without_text, repeated = self._count(lines)
        if repeated:
            execute(repeats.mark(self.source))
            *counts, without_text, _ = self._count(lines)
        if without_text:
            for chunk in chunks():
                self._show(chunk)
                execute(validation.fetch_texts(self.source))
        return Counts(lines, *counts)

    def insert(self, batch_id: int, recorded_at: datetime, file: str, counts: Counts) -> None:
        """Put sound new lines into the raw table, and keep rejected ones with their reason."""
        name, time = self.source.name, f"TIMESTAMP '{recorded_at}'"
        if counts.accepted:
            values = f"batch_id := {batch_id}, recorded_at := {time}"
            self._connection.execute(f"execute insert_{name}({values})")
        if counts.rejected:
            where = {"batch_id": batch_id, "recorded_at": recorded_at, "source": name, "file": file}
            self._connection.execute(_REJECTED.format(source=name), where)

    def _show(self, chunk: pa.Table) -> None:
        self._rows.table = with_days(chunk, self.source, self._settings.zone)

    def _count(self, lines: int) -> tuple[int, ...]:
        prepared = f"execute count_{self.source.name}"
        statement = prepared if lines <= SMALL_FILE_LINES else self._prepared["count"]
        return cast("tuple[int, ...]", self._connection.execute(statement).fetchall()[0])

    def _reject_incomplete(self) -> None:
        source = self.source
        unreadable = self._connection.execute(repeats.first_unreadable(source)).fetchall()
        for line, reason, detail in unreadable:
            raise Unreadable(
                f"line {line} doesn't tell its {source.speaks_for} ({reason}: {detail}), and a"
                f" {source.name} file speaks for whole courses; mend the line, send the file again"
            )
        self._connection.execute(repeats.reject_incomplete(source))


class _Rows:
    """What the database sees as `chunk_<source>`: the rows of the chunk at hand.

    A table of its own for each chunk would have every prepared statement planned anew.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)
