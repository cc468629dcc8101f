"""Enrollments told as statements: who came or left when becomes the row that stands from then on.

The statements of a file are taken in the order of their time. Coming makes a row without an end;
leaving sets the end of the row that stands, and without one the row begins at its end. A statement
older than the one of the same standard that made the standing row says nothing new and is a
duplicate, so a file that arrives late or again takes nobody back; only the beginning of a row that
was made by leaving is filled in. Rows that landed as enrollments are changed by any statement.
"""

from datetime import datetime

import duckdb

from orchestration.landing.checked import Checked, Chunks, Counts
from orchestration.landing.copies import Lines
from orchestration.landing.sources import Column, Kind, Source
from orchestration.landing.standards.reading import IN_ENVELOPE_BITS
from orchestration.settings import Settings

_STATES = """
create or replace temp table {source}_states as
with
    told as (
        select
            line, learner_id, course_id, enrolled_at as told_at, unenrolled_at is not null as leaves
        from checked_{source} where reason is null
    ),
    landed as (
        select
            learner_id,
            course_id,
            max_by(
                struct_pack(
                    enrolled_at := enrolled_at, unenrolled_at := unenrolled_at, batch_id := batch_id
                ),
                row(coalesce(delivered_batch_id, batch_id), line)
            ) as stands
        from raw.enrollments
        semi join told using (learner_id, course_id)
        group by learner_id, course_id
    ),
    standing as (
        select
            learner_id,
            course_id,
            stands.enrolled_at as stood_from,
            stands.unenrolled_at as stood_until,
            landed_files.source = '{standard}' as is_told
        from landed left join raw.landed_files on landed_files.batch_id = landed.stands.batch_id
    ),
    compared as (
        select
            told.*,
            stood_from,
            stood_until,
            coalesce(is_told and not leaves and stood_from = stood_until, false)
            and told_at < stood_until as fills_in,
            coalesce(
                is_told
                and not fills_in
                and if(
                    leaves,
                    told_at < coalesce(stood_until, stood_from),
                    told_at <= coalesce(stood_until, stood_from)
                ),
                false
            ) as is_past
        from told left join standing using (learner_id, course_id)
    ),
    states as (
        select
            *,
            coalesce(
                last_value(if(leaves, null, told_at) ignore nulls) over until_then,
                stood_from,
                first_value(told_at) over until_then
            ) as enrolled_at,
            if(leaves, told_at, if(fills_in, stood_until, null)) as unenrolled_at
        from compared
        where not is_past
        window until_then as (
            partition by learner_id, course_id order by told_at, line
            rows between unbounded preceding and current row
        )
    ),
    judged as (
        select
            *,
            row(enrolled_at, unenrolled_at) is not distinct from
            lag(row(enrolled_at, unenrolled_at), 1, row(stood_from, stood_until)) over (
                partition by learner_id, course_id order by told_at, line
            ) as is_same
        from states
    ),
    kept as (
        select
            *,
            row_number() over (partition by learner_id, course_id order by told_at, line) as place,
            row_number() over (partition by learner_id, course_id order by line) as line_place
        from judged where not is_same
    )
-- Of the rows of one file, that of the greatest line stands: lines go to rows in order of time.
select lines.line, learner_id, course_id, kept.enrolled_at, kept.unenrolled_at
from kept
join (select learner_id, course_id, line_place as place, line from kept) as lines
    using (learner_id, course_id, place)
"""

_COUNT = """
select
    (select count(*) from {source}_states),
    count(*) filter (reason is null),
    count(reason)
from checked_{source}
"""

_ROWS = f"""
insert into raw.enrollments
    (learner_id, course_id, enrolled_at, unenrolled_at, batch_id, line, recorded_at)
select
    learner_id, course_id, enrolled_at, unenrolled_at,
    $batch_id, line >> {IN_ENVELOPE_BITS}, $recorded_at
from {{source}}_states
"""


class Enrollments:
    """The table `checked_<standard>_enrollments`, and the rows that its statements make."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, standard: Source
    ) -> None:
        self.source = Source(
            f"{standard.name}_enrollments",
            (
                Column("learner_id", Kind.ID),
                Column("course_id", Kind.ID),
                Column("enrolled_at", Kind.INSTANT),
                Column("unenrolled_at", Kind.INSTANT, required=False),
            ),
            lands_in="enrollments",
        )
        self._standard = standard.name
        self._connection = connection
        self._checked = Checked(connection, settings, self.source)
        self._has_rows = False

    @property
    def erased_lines(self) -> list[Lines]:
        """Where statements of erased learners stood."""
        return self._checked.erased_lines

    def drop(self) -> None:
        """Leave the connection as it was."""
        self._checked.drop()
        self._connection.execute(f"drop table if exists {self.source.name}_states")

    def fill(self, chunks: Chunks, latest: datetime) -> Counts:
        """Judge the statements of a file, and make the rows that stand after each."""
        counts = self._checked.fill(chunks, latest)
        self._has_rows = counts.lines > 0
        if not self._has_rows:
            return counts
        names = {"source": self.source.name, "standard": self._standard}
        self._connection.execute(_STATES.format(**names))
        row = self._connection.execute(_COUNT.format(**names)).fetchone()
        assert row is not None
        accepted, sound, rejected = row
        return Counts(counts.lines, accepted, sound - accepted, rejected, counts.ignored)

    def insert(self, batch_id: int, recorded_at: datetime) -> None:
        """Put the rows into the raw table."""
        if self._has_rows:
            values = {"batch_id": batch_id, "recorded_at": recorded_at}
            self._connection.execute(_ROWS.format(source=self.source.name), values)
