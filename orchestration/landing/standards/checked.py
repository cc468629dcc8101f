"""The way of a standard's files into the raw room: as events, as enrollments, or as void."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.checked import Checked, Chunks, Counts
from orchestration.landing.copies import Lines
from orchestration.landing.erased import erased_learners
from orchestration.landing.formats.chunks import schema_of
from orchestration.landing.sources import SOURCES, Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.enrollments import Enrollments
from orchestration.landing.standards.reading import IN_ENVELOPE_BITS, SILENT
from orchestration.landing.standards.spool import Spool
from orchestration.landing.straight import Place
from orchestration.settings import Settings

EVENT_TYPES = {"viewed": "lesson_viewed", "completed": "lesson_completed"}
ENROLLMENT_TYPES = ["enrolled", "unenrolled"]

_EVENTS = f"""
insert into raw.events ({{columns}}, batch_id, line, recorded_at)
select {{columns}}, $batch_id, line >> {IN_ENVELOPE_BITS}, $recorded_at
from checked_{{source}} where reason is null and not is_duplicate
"""

_REJECTED = f"""
insert into raw.rejected_lines
    (batch_id, source, file, line, reason, detail, text, recorded_at)
select $batch_id, $source, $file, line >> {IN_ENVELOPE_BITS}, reason, detail, text, $recorded_at
from checked_{{source}} where reason is not null
"""

_VOIDED = """
insert into raw.voided_statements (source, statement_id, batch_id, recorded_at)
select $source, unnest($voided), $batch_id, $recorded_at
"""

_ANY_VOIDED = "select 1 from raw.voided_statements where source = ? limit 1"

_FIND_VOIDED = """
select distinct statement_id from raw.voided_statements
where source = $source and statement_id in (select unnest($ids))
"""


@dataclass(frozen=True)
class _Pass:
    """What the first reading of a file leaves for the second."""

    said: Spool
    voided: list[str]
    ignored: int
    knows_voided: bool
    erased: list[int]


class CheckedStandard:
    """Judges a standard's files: what they say goes through the tables of events and enrollments.

    A file is read once, and what it says is set aside: only at its end is known which of its
    statements are void. A line of the checked tables is a line of the file with the number of
    the document in its envelope, so that each is counted by itself.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, source: Source
    ) -> None:
        self.source = source
        self.erased_lines: list[Lines] = []
        self._erased = erased_learners(connection, settings)
        self._connection, self._settings = connection, settings
        self._events = Checked(connection, settings, source)
        self._enrollments = Enrollments(connection, settings, source)
        self._voided: list[str] = []

    def drop(self) -> None:
        """Leave the connection as it was."""
        self._events.drop()
        self._enrollments.drop()

    def fill(self, chunks: Chunks, latest: datetime, _: Place | None = None) -> Counts:
        """Judge every document of a file; events can't be later than `latest`."""
        with Spool(self._settings.home) as said:
            first = self._read(chunks, said)
            self._voided = first.voided
            events = self._events.fill(lambda: self._said_of_events(first), latest)
            enrollments = self._enrollments.fill(lambda: self._said_of_enrollments(first), latest)
        erased = [*self._events.erased_lines, *self._enrollments.erased_lines]
        lines = [*first.erased, *(line for line, _ in erased)]
        places = sorted({line >> IN_ENVELOPE_BITS for line in lines})
        self.erased_lines = [(place, place) for place in places]
        return Counts(
            lines=events.lines + enrollments.lines + first.ignored,
            accepted=events.accepted + enrollments.accepted,
            duplicates=events.duplicates + enrollments.duplicates,
            rejected=events.rejected + enrollments.rejected,
            ignored=events.ignored + enrollments.ignored + first.ignored,
        )

    def insert(self, batch_id: int, recorded_at: datetime, file: str, counts: Counts) -> None:
        """Put sound new rows into the raw tables, and keep rejected documents with their reason."""
        execute, name = self._connection.execute, self.source.name
        batch = {"batch_id": batch_id, "recorded_at": recorded_at}
        if counts.accepted:
            columns = ", ".join(self.source.landed_names)
            execute(_EVENTS.format(columns=columns, source=name), batch)
            self._enrollments.insert(batch_id, recorded_at)
        if counts.rejected:
            where = {**batch, "source": name, "file": file}
            for table in (name, self._enrollments.source.name):
                execute(_REJECTED.format(source=table), where)
        if self._voided:
            execute(_VOIDED, {**batch, "source": name, "voided": self._voided})

    def _read(self, chunks: Chunks, said: Spool) -> _Pass:
        voided: dict[str, None] = {}
        ignored, erased = 0, list[int]()
        for chunk in chunks():
            says = chunk.column("says")
            voids = chunk.filter(pc.equal(says, "voids"))
            voided.update(dict.fromkeys(voids.column("id").to_pylist()))
            passing = pc.is_in(says, pa.array(SILENT))
            ignored += pc.sum(passing).as_py() or 0
            erased += self._erased_in(chunk.filter(passing))
            said.add(chunk.filter(pc.invert(passing)))
        known = self._connection.execute(_ANY_VOIDED, [self.source.name]).fetchone()
        return _Pass(said, list(voided), ignored, bool(voided) or known is not None, erased)

    def _erased_in(self, chunk: pa.Table) -> list[int]:
        """The lines of documents that say nothing, but are of a learner who was erased."""
        if self._erased is None:
            return []
        told = (chunk.column(name).to_pylist() for name in ("line", "text", "learner"))
        return [
            line
            for line, text, learner in zip(*told, strict=True)
            if (learner in self._erased if learner else self._erased.stand_in(text))
        ]

    def _said_of_events(self, first: _Pass) -> Iterator[pa.Table]:
        """What a file says of lessons, and all in it that can't be read."""
        for chunk in self._with_voided(first):
            is_enrollment = pc.is_in(chunk.column("says"), pa.array(ENROLLMENT_TYPES))
            events = chunk.filter(pc.invert(is_enrollment))
            types = [EVENT_TYPES.get(says) for says in events.column("says").to_pylist()]
            named = {
                "event_id": events.column("id"),
                "event_type": pa.array(types, pa.string()),
                "learner_id": events.column("learner"),
                "course_id": events.column("course"),
                "lesson_id": events.column("lesson"),
                "occurred_at": events.column("at"),
            }
            yield _shaped(events, self.source, named)

    def _said_of_enrollments(self, first: _Pass) -> Iterator[pa.Table]:
        for chunk in self._with_voided(first):
            rows = chunk.filter(pc.is_in(chunk.column("says"), pa.array(ENROLLMENT_TYPES)))
            if not len(rows):
                continue
            at = rows.column("at")
            leaves = pc.equal(rows.column("says"), "unenrolled")
            named = {
                "learner_id": rows.column("learner"),
                "course_id": rows.column("course"),
                "enrolled_at": at,
                "unenrolled_at": pc.if_else(leaves, at, pa.scalar(None, pa.string())),
            }
            yield _shaped(rows, self._enrollments.source, named)

    def _with_voided(self, first: _Pass) -> Iterator[pa.Table]:
        """The chunks of a file, the statements that are void by now marked as rejected."""
        for chunk in first.said:
            yield self._marked(chunk, first.voided) if first.knows_voided else chunk

    def _marked(self, chunk: pa.Table, voided: list[str]) -> pa.Table:
        ids = chunk.column("id")
        known = self._connection.execute(
            _FIND_VOIDED,
            {"source": self.source.name, "ids": ids.drop_null().unique().to_pylist()},
        ).fetchall()
        void = pa.array([*voided, *(statement for (statement,) in known)], pa.string())
        is_void = pc.and_(pc.is_in(ids, void), pc.is_valid(ids))
        for name, value in (
            ("fault", "voided"),
            ("detail", pc.binary_join_element_wise("id:", ids, " ")),
        ):
            column = pc.if_else(is_void, value, chunk.column(name))
            chunk = chunk.set_column(chunk.schema.get_field_index(name), name, column)
        return chunk


def _shaped(chunk: pa.Table, source: Source, named: dict[str, pa.Array]) -> pa.Table:
    """Give a chunk the columns of a source."""
    known = {name: chunk.column(name) for name in ("line", "text", "fault", "detail")}
    schema = schema_of(source)
    return pa.table({field.name: {**known, **named}[field.name] for field in schema}, schema=schema)


def checked_as(
    connection: duckdb.DuckDBPyConnection, settings: Settings, name: str
) -> Checked | CheckedStandard:
    """The table, or tables, through which the files of a source go."""
    kind = CheckedStandard if name in STANDARDS else Checked
    return kind(connection, settings, SOURCES[name])
