"""Lines that came before: duplicates, conflicts of an event id, and courses left incomplete."""

from functools import cache

from orchestration.landing.sources import Source

_EVENT = "row(event_type, learner_id, course_id, lesson_id, occurred_at)"

_MARK_EVENTS = f"""
with
    landed as (
        select event_id, {_EVENT} as body
        from raw.events
        where event_id in (select event_id from checked_events where reason is null)
    ),
    repeated as (
        select event_id from landed
        union
        select event_id from checked_events where reason is null
        group by event_id having count(*) > 1
    ),
    compared as (
        select
            line,
            {_EVENT} as body,
            first_value({_EVENT}) over in_file as first_body,
            row_number() over in_file = 1 as is_first,
            event_id
        from checked_events
        where reason is null and event_id in (select event_id from repeated)
        window in_file as (partition by event_id order by line)
    ),
    marks as (
        select line, compared.body = coalesce(landed.body, first_body) as is_same, event_id
        from compared left join landed using (event_id)
        where landed.body is not null or not is_first
    )
update checked_events as checked
set
    is_duplicate = is_same,
    reason = if(is_same, null, 'event_id_conflict'),
    detail = if(is_same, null, 'event_id: ' || left(marks.event_id, 100))
from marks
where checked.line = marks.line
"""


@cache
def count(source: Source) -> str:
    """The query that counts lines, and tells whether any has yet to be marked.

    Columns: accepted, duplicates, rejected, rejected lines without text, and how many sound lines
    share their key with another one of the file or with a row of the raw room.
    """
    checked, landed = f"checked_{source.name}", f"raw.{source.name}"
    names = source.key if source.is_catalogue else ("event_id",)
    key = names[0] if len(names) == 1 else f"row({', '.join(names)})"
    same_key = " and ".join(f"landed.{name} is not distinct from checked.{name}" for name in names)
    return f"""
        select
            count(*) filter (reason is null and not is_duplicate), count(*) filter (is_duplicate),
            count(reason), count(*) filter (reason is not null and text is null),
            count(*) filter (reason is null) - count(distinct {key}) filter (reason is null)
            + (select count(*) from {landed} as landed semi join {checked} as checked on {same_key})
        from {checked}
    """


@cache
def mark(source: Source) -> str:
    """The statement that marks the lines of `checked_<source>` that say nothing new.

    Events: one event_id is one event; the body that landed first counts, so a later line with the
    same body is a duplicate and one with another body a conflict. Catalogue rows: a row is a
    duplicate when it equals the one that stands for its key, which is the line before it in the
    file, else the row landed last.
    """
    return _mark_rows(source) if source.is_catalogue else _MARK_EVENTS


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
                select {key}, arg_max({row}, row(batch_id, line)) as body
                from raw.{table} group by {key}
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
