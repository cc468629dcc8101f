"""Lines that came before: duplicates, conflicts of an event id, and courses left incomplete."""

from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.landing import arrays
from orchestration.landing.history import History, Keys, Rows
from orchestration.landing.shown import Shown
from orchestration.landing.sources import Source
from orchestration.settings import Settings

NO_BATCH = 0
"""No batch has this number."""

_EVENT = "row(event_type, learner_id, course_id, lesson_id, occurred_at)"

_MARK_EVENTS = f"""
with
    landed as (
        select event_id, {_EVENT} as body
        from raw.events
        where rowid in (select landed_row from landed_{{source}})
        union all
        select event_id, {_EVENT} as body
        from raw.events
        where
            batch_id = {{batch_id}}
            and event_key in (select event_key from repeated_{{source}})
    ),
    compared as (
        select
            line,
            {_EVENT} as body,
            first_value({_EVENT}) over in_file as first_body,
            row_number() over in_file = 1 as is_first,
            event_id
        from checked_{{source}}
        where reason is null and event_key in (select event_key from repeated_{{source}})
        window in_file as (partition by event_id order by line)
    ),
    marks as (
        select line, compared.body = coalesce(landed.body, first_body) as is_same, event_id
        from compared left join landed using (event_id)
        where landed.body is not null or not is_first
    )
update checked_{{source}} as checked
set
    is_duplicate = is_same,
    reason = if(is_same, null, 'event_id_conflict'),
    detail = if(is_same, null, 'event_id: ' || left(marks.event_id, 100))
from marks
where checked.line = marks.line
"""

_KEYS = "select event_key from checked_{source} where reason is null"

_RECALLED = """
from raw.events
where batch_id = {batch_id} and event_key in (select event_key from repeated_{source})
"""
_RECALL = f"""
insert into checked_{{source}} by name
select line, false as is_duplicate, {{columns}} {_RECALLED} order by line
"""
_WITHDRAW = f"delete {_RECALLED}"


@cache
def count(source: Source) -> str:
    """The query that counts lines.

    Columns: lines, accepted, duplicates, rejected, and rejected lines without text.
    """
    return f"""
        select
            count(*), count(*) filter (reason is null and not is_duplicate),
            count(*) filter (is_duplicate), count(reason),
            count(*) filter (reason is not null and text is null)
        from checked_{source.name}
    """


def repeats_of(
    connection: duckdb.DuckDBPyConnection, settings: Settings, source: Source
) -> "RepeatedEvents | RepeatedRows":
    """What marks the lines of a source's checked table that say nothing new."""
    if source.holds_events:
        return RepeatedEvents(connection, settings, source)
    return RepeatedRows(connection, source)


class RepeatedRows:
    """Marks rows of the catalogue that equal the one that stands for their key.

    That is the line before it in the file, else the row landed last.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Source) -> None:
        self._connection, self._source = connection, source
        connection.execute(f"prepare repeats_{source.name} as {_repeated_rows(source)}")

    def drop(self) -> None:
        """Leave the connection as it was."""
        self._connection.execute(f"deallocate repeats_{self._source.name}")

    def mark(self) -> None:
        """Mark the duplicates in the checked table."""
        ((repeated,),) = self._connection.execute(f"execute repeats_{self._source.name}").fetchall()
        if repeated:
            self._connection.execute(_mark_rows(self._source))


class RepeatedEvents:
    """Marks events whose id came before: one event_id is one event.

    The body that landed first counts, so a later line with the same body is a duplicate and one
    with another body a conflict.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: Settings, source: Source
    ) -> None:
        self._connection, self._source, self._name = connection, source, source.name
        self._history = History(connection, settings.home, source.name)
        keys = arrays.nothing(pa.schema([("event_key", pa.uint64())]))
        rows = arrays.nothing(pa.schema([("landed_row", pa.int64())]))
        self._keys = Shown(connection, f"repeated_{source.name}", keys)
        self._rows = Shown(connection, f"landed_{source.name}", rows)
        connection.execute(f"prepare keys_{source.name} as {_KEYS.format(source=source.name)}")

    def drop(self) -> None:
        """Leave the connection as it was."""
        self._connection.execute(f"deallocate keys_{self._name}")
        self._history.drop()
        self._keys.drop()
        self._rows.drop()

    def mark(self) -> None:
        """Mark the duplicates and conflicts in the checked table."""
        keys = self._sound_keys()
        repeated, rows = self._history.find(keys)
        repeated = np.concatenate((repeated, keys[1:][keys[1:] == keys[:-1]]))
        if len(repeated):
            self._mark(repeated, rows, NO_BATCH)

    def mark_beside(self, batch_id: int) -> None:
        """Mark them where other rows of their file are in the raw table already, in a batch."""
        keys = self._sound_keys()
        if len(keys):
            self._mark(keys, self._history.find(keys, batch_id)[1], batch_id)

    def _sound_keys(self) -> Keys:
        found = self._connection.execute(f"execute keys_{self._name}").fetchnumpy()
        return np.sort(np.asarray(found["event_key"]))

    def _mark(self, repeated: Keys, rows: Rows, batch_id: int) -> None:
        self._keys.table = pa.table({"event_key": arrays.numbers(np.unique(repeated))})
        self._rows.table = pa.table({"landed_row": arrays.numbers(rows)})
        self._connection.execute(_MARK_EVENTS.format(source=self._name, batch_id=batch_id))

    def landed_before(self, keys: Keys, batch_id: int) -> Keys:
        """Those of some keys that may stand in batches before one."""
        return self._history.find(keys, batch_id)[0]

    def recall(self, keys: Keys, batch_id: int) -> int:
        """Take the rows of a batch with these keys back into the checked table; returns how many.

        The batch is the latest one, and not committed yet.
        """
        self._keys.table = pa.table({"event_key": arrays.numbers(np.unique(keys))})
        columns = ", ".join(self._source.landed_names)
        where = {"source": self._name, "batch_id": batch_id}
        self._connection.execute(_RECALL.format(columns=columns, **where))
        ((recalled,),) = self._connection.execute(_WITHDRAW.format(**where)).fetchall()
        return int(recalled)


@cache
def _repeated_rows(source: Source) -> str:
    """The query for how many sound lines share their key with one before them, or with a row."""
    checked = f"checked_{source.name}"
    key = source.key[0] if len(source.key) == 1 else f"row({', '.join(source.key)})"
    same_key = " and ".join(f"landed.{n} is not distinct from checked.{n}" for n in source.key)
    return f"""
        select
            count(*) filter (reason is null) - count(distinct {key}) filter (reason is null)
            + (
                select count(*)
                from raw.{source.table} as landed semi join {checked} as checked on {same_key}
            )
        from {checked}
    """


@cache
def _mark_rows(source: Source) -> str:
    table, key = source.name, ", ".join(source.key)
    row = f"row({', '.join(source.names)})"
    same_key = " and ".join(
        f"rows.{name} is not distinct from landed.{name}" for name in source.key
    )
    return f"""
        with
            rows as (
                select line, {key}, {row} as body,
                    lag({row}) over (partition by {key} order by line) as body_before
                from checked_{table} where reason is null
            ),
            landed as (
                select
                    {key},
                    arg_max({row}, row(coalesce(delivered_batch_id, batch_id), line)) as body
                from raw.{source.table} group by {key}
            ),
            marks as (
                select line from rows left join landed on {same_key}
                where rows.body is not distinct from coalesce(body_before, landed.body)
            )
        update checked_{table} as checked set is_duplicate = true
        from marks where checked.line = marks.line
    """


@cache
def reject_incomplete(source: Source) -> str:
    """The statement that rejects every line whose course has another rejected line."""
    name = source.speaks_for
    return f"""
        update checked_{source.name}
        set reason = 'course_incomplete', detail = '{name}: ' || left({name}, 100)
        where reason is null and {name} in (
            select {name} from checked_{source.name} where reason is not null
        )
    """


@cache
def first_unreadable(source: Source) -> str:
    """The query for the first line that doesn't even say of whom it speaks, with its fault."""
    return f"""
        select line, reason, detail from checked_{source.name}
        where reason is not null and {source.speaks_for} is null order by line limit 1
    """
