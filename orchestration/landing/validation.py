"""The judgement of values: one statement per source, alike for every wire format.

Every row of a file goes through the temporary table `checked_<source>` on its way into the raw
room: its line, its verdict (`reason`, `detail`, `is_duplicate`), the text of a rejected line, and
its values in the types of the raw table.
"""

from functools import cache

from orchestration.landing.formats.views import MAX_ID_LENGTH
from orchestration.landing.instants import FORM, LOCAL_FORM, of_day
from orchestration.landing.sources import EVENT_TYPES, Column, Kind, Source
from orchestration.raw import EVENT_KEY

EARLIEST = "1990-01-01"
BEYOND = "10000-01-01"
SHOWN = 100

_CLEAN_ID = r"[^\p{Z}\p{Cc}]([^\p{Cc}]*[^\p{Z}\p{Cc}])?"
_BODY = ("event_type", "learner_id", "course_id", "lesson_id")


@cache
def checked_table(source: Source) -> str:
    """The DDL of the table through which a file of the source goes."""
    columns = ", ".join(f"{column.name} {column.kind.sql_type}" for column in source.columns)
    if source.holds_events:
        columns += ", event_key UBIGINT"
    return (
        f"create or replace temp table checked_{source.name} (line BIGINT, reason VARCHAR,"
        f" detail VARCHAR, is_duplicate BOOLEAN, text BLOB, {columns})"
    )


@cache
def check_chunk(source: Source) -> str:
    """The statement that judges the rows of a chunk; its parameter is the latest past instant.

    The first fault in the order of the columns is the line's. A value is kept when it is sound,
    whatever its line's verdict.
    """
    return _into_checked(source, "true")


@cache
def reject_chunk(source: Source) -> str:
    """The statement that judges the rows of a chunk, and keeps rejected ones but suspects."""
    return _into_checked(source, "reason is not null and not is_suspect")


@cache
def hold_suspects(source: Source) -> str:
    """The statement that judges the suspects of a chunk."""
    return _into_checked(source, "is_suspect")


@cache
def land_chunk(source: Source) -> str:
    """The statement that judges the rows of a chunk, and lands sound ones that are no suspects.

    Its parameters are the latest past instant, and the batch's number and landing time.
    """
    columns = ", ".join(source.names)
    values = ", ".join(f"{_kept(column)} as {column.name}" for column in source.columns)
    return f"""
        insert into raw.{source.table} ({columns}, batch_id, line, recorded_at, event_key)
        {_settled(source)}
        select {columns}, $batch_id::BIGINT, line, $recorded_at::TIMESTAMP, {EVENT_KEY}
        from (select line, {values} from settled where reason is null and not is_suspect)
    """


def _into_checked(source: Source, condition: str) -> str:
    key = f", {EVENT_KEY}" if source.holds_events else ""
    columns = ", ".join(source.names)
    return f"""
        insert into checked_{source.name}
        select line, reason, why, false, text, {columns}{key}
        from ({_judged(source)} where {condition})
    """


def _judged(source: Source) -> str:
    """The query that judges the rows of a chunk."""
    sound = ", ".join(f"{_sound(c)} as {c.name}" for c in source.columns)
    told = ", is_suspect" if source.holds_events else ""
    return f"""
        {_settled(source)}
        select
            line, reason, why, if(reason is not null, whole_text, null) as text, {sound}{told}
        from settled
    """


def _settled(source: Source) -> str:
    """The steps by which the rows of a chunk get their verdict."""
    columns = source.columns
    values = ", ".join(f"{_value(c)} as {c.name}_value" for c in columns)
    faults = ", ".join(f"{_fault(c)} as {c.name}_fault" for c in columns)
    verdict = ", ".join(["fault", *(f"{c.name}_fault" for c in columns)])
    details = " ".join(f"when {c.name}_fault is not null then {_detail(c)}" for c in columns)
    return f"""
        with
            valued as (
                select *, {_text(source)} as whole_text, {values}, $latest::TIMESTAMP as latest
                from chunk_{source.name} as chunk
            ),
            judged as (select *, {faults} from valued),
            settled as (
                select
                    *,
                    coalesce({verdict}) as reason,
                    case when fault is not null then coalesce(detail, '') {details} end as why
                from judged
            )
    """


@cache
def without_text(source: Source) -> str:
    """The query for the numbers of rejected lines still without their text."""
    return f"select line from checked_{source.name} where reason is not null and text is null"


@cache
def fetch_texts(source: Source) -> str:
    """The statement that takes the text of such lines from `chunk`, which has just them."""
    return f"""
        update checked_{source.name} as checked set text = {_text(source)}
        from chunk_{source.name} as chunk
        where checked.line = chunk.line and reason is not null and checked.text is null
    """


def _text(source: Source) -> str:
    """A row's text as it came; a row that never was text is written as JSON."""
    row = ", ".join(f"{name}: chunk.{name}" for name in source.names)
    return f"coalesce(chunk.text, encode(to_json({{{row}}})))"


def _value(column: Column) -> str:
    """Read a column's text as its type, null where it can't be read or is empty."""
    name = f'"{column.name}"'
    if column.kind is Kind.POSITION:
        return f"if(regexp_full_match({name}, '-?[0-9]+'), try_cast({name} as BIGINT), null)"
    if column.kind is Kind.INSTANT:
        text = f"if(is_usual or regexp_full_match({name}, '{FORM}'), {name}, null)"
        if column.day:
            text = f"coalesce({of_day(column.name)}, {text})"
        # What `at time zone 'UTC'` gives, without asking a calendar.
        return f"make_timestamp(epoch_us(try_cast({text} as TIMESTAMPTZ)))"
    return f"nullif({name}, '')"


def _fault(column: Column) -> str:
    """Say what is wrong with a column: a reason code, or null."""
    judged = {
        Kind.ID: _id_faults,
        Kind.EVENT_TYPE: _event_type_faults,
        Kind.TITLE: _title_faults,
        Kind.TEXT: lambda _: [],
        Kind.POSITION: _position_faults,
        Kind.INSTANT: _instant_faults,
    }[column.kind](column)
    missing = "'missing_value'" if column.needs_value else "null"
    branches = [(f'"{column.name}" is null or "{column.name}" = \'\'', missing), *judged]
    return f"case {' '.join(f'when {test} then {code}' for test, code in branches)} end"


def _id_faults(column: Column) -> list[tuple[str, str]]:
    faults = [
        (f"not is_plain and length({column.name}) > {MAX_ID_LENGTH}", "'id_too_long'"),
        (
            f"not is_plain and not regexp_full_match({column.name}, '{_CLEAN_ID}')",
            f"if(regexp_matches({column.name}, '\\p{{Cc}}'),"
            " 'id_with_control_characters', 'id_with_outer_blanks')",
        ),
    ]
    if column.name == "event_id":
        faults.append(("starts_with(event_id, 'body:')", "'reserved_event_id'"))
    return faults


def _event_type_faults(column: Column) -> list[tuple[str, str]]:
    return [(f"{column.name} not in {EVENT_TYPES}", "'unknown_event_type'")]


def _title_faults(column: Column) -> list[tuple[str, str]]:
    return [(f"regexp_full_match({column.name}, '[\\p{{Z}}\\s\\x0B\\x85]+')", "'blank_title'")]


def _position_faults(column: Column) -> list[tuple[str, str]]:
    return [(f"{column.name}_value is null", "'invalid_position'")]


def _instant_faults(column: Column) -> list[tuple[str, str]]:
    value = f"{column.name}_value"
    faults = [
        (
            f"{value} is null",
            f"if(regexp_full_match(\"{column.name}\", '{LOCAL_FORM}'),"
            " 'instant_without_zone', 'invalid_instant')",
        ),
        (f"{value} < TIMESTAMP '{EARLIEST}'", "'instant_too_early'"),
        (f"{value} >= TIMESTAMP '{BEYOND}'", "'instant_too_late'"),
    ]
    if column.past:
        faults.append((f"{value} > latest", "'instant_in_the_future'"))
    return faults


def _detail(column: Column) -> str:
    name = column.name
    missing = f"'{name} is empty'"
    return f"if({name}_fault = 'missing_value', {missing}, '{name}: ' || left(\"{name}\", {SHOWN}))"


def _sound(column: Column) -> str:
    if column.name == "event_id":
        return f"if(reason is null, {_kept(column)}, null)"
    return f"if({column.name}_fault is null, {column.name}_value, null)"


def _kept(column: Column) -> str:
    """The value of a column in a line without a fault."""
    value = f"{column.name}_value"
    if column.name != "event_id":
        return value
    instant = "strftime(occurred_at_value, '%Y-%m-%dT%H:%M:%S.%fZ')"
    body = ", ".join(f"{name}_value" for name in _BODY)
    return f"coalesce({value}, 'body:' || md5(concat_ws(chr(31), {body}, {instant})))"
