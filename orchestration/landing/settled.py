"""What a replay makes of the kept rejected lines: some leave, others stay for what is wrong now."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing import arrays
from orchestration.landing.sources import Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.reading import IN_ENVELOPE_BITS

# What a line is told by: its number; a standard's document, of which many may stand on one line, by
# its text too.
_IS_SAME = "r.line = rejected.line and (r.text is null or r.text = rejected.text)"

_AGAIN = """
create or replace temp table rejected_again as
select line, null::BLOB as text, reason, detail from checked_{source} where reason is not null
"""

_STANDARD_AGAIN = f"""
create or replace temp table rejected_again as
select line >> {IN_ENVELOPE_BITS} as line, text, reason, detail
from (
    select line, text, reason, detail from checked_{{source}}
    union all
    select line, text, reason, detail from checked_{{source}}_enrollments
)
where reason is not null
"""

_SETTLE = f"""
create or replace temp table leaving as
select rejected.rowid as place
from raw.rejected_lines as rejected
semi join replayed as r on {_IS_SAME}
anti join rejected_again as r on {_IS_SAME}
where rejected.batch_id = $first_batch_id;

insert into raw.replayed_lines
select $batch_id, batch_id, source, file, line, reason, recorded_at
from raw.rejected_lines as rejected where rowid in (select place from leaving);

update raw.rejected_lines as rejected set reason = r.reason, detail = r.detail
from rejected_again as r
where rejected.batch_id = $first_batch_id and {_IS_SAME};

delete from raw.rejected_lines where rowid in (select place from leaving)
"""

_TOLD_BY = pa.schema([("line", pa.int64()), ("text", pa.binary())])


def told_by(chunk: pa.Table, source: Source) -> pa.Table:
    """By what the lines of a chunk are found among the rejected ones: line, and text or null."""
    line, text = chunk.column("line"), pa.nulls(len(chunk), pa.binary())
    if source.name in STANDARDS:
        line, text = pc.shift_right(line, IN_ENVELOPE_BITS), chunk.column("text")
    return pa.table({"line": line, "text": text}, schema=_TOLD_BY)


def settle(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    batch_id: int,
    first_batch_id: int,
    replayed: list[pa.Table],
) -> None:
    """Let the lines of a batch leave that its replay didn't reject, and give the others its reason.

    `replayed` tells the lines that were judged in the table `checked_<source>`.
    """
    again = _STANDARD_AGAIN if source.name in STANDARDS else _AGAIN
    connection.execute(again.format(source=source.name))
    connection.register("replayed", pa.concat_tables([arrays.nothing(_TOLD_BY), *replayed]))
    places = {"batch_id": batch_id, "first_batch_id": first_batch_id}
    for statement in _SETTLE.split(";"):
        used = {name: value for name, value in places.items() if f"${name}" in statement}
        connection.execute(statement, used)
    connection.unregister("replayed")
