"""The raw room copied into a new file, without a learner."""

import duckdb

from orchestration.landing.forgetting import Found
from orchestration.landing.traces import Trace
from orchestration.settings import Settings

_RAW_TABLES = """
select
    table_name,
    string_agg('"' || column_name || '"', ', ' order by column_index),
    string_agg(
        if(
            column_name = 'file',
            'coalesce((select name from renamed where renamed.file = landed.file), file)',
            '"' || column_name || '"'
        ),
        ', '
        order by column_index
    ),
    bool_or(column_name = 'learner_id')
from duckdb_columns()
where database_name = 'old' and schema_name = 'raw'
group by table_name
order by table_name
"""

_FILE_NAMES = """
select file from old.raw.landed_files
union
select file from old.raw.rejected_lines
union
select file from old.raw.replayed_lines
"""

_STATEMENTS = "select statement_id from old.raw.voided_statements where contains(statement_id, ?)"

_NOT_OF_LEARNER = "learner_id is distinct from $learner_id"

_ERASED_REJECTIONS = """
insert into erased_rejections
select batch_id, line
from old.raw.rejected_lines
where (batch_id, line) in (select (unnest($batches::BIGINT[]), unnest($lines::BIGINT[])))
"""

_ERASED_LINES = """
insert into raw.erased_lines
select batch_id, sum(accepted), sum(rejected)
from (
    select batch_id, count(*) as accepted, 0 as rejected from erased_rows group by batch_id
    union all
    select batch_id, 0, count(*) from erased_rejections group by batch_id
)
group by batch_id
"""

_REJECTED = """
select batch_id, line, text from old.raw.rejected_lines
where batch_id not in (select unnest($archived::BIGINT[]))
"""


def copy_without(
    connection: duckdb.DuckDBPyConnection, settings: Settings, trace: Trace, found: list[Found]
) -> dict[str, int]:
    """Copy every raw table of the database `old`, without a learner, into one with empty tables.

    What a batch has lost is written down in `raw.erased_lines`. Returns the rows left out by table.
    """
    execute = connection.execute
    execute("create temp table erased_rows (batch_id BIGINT)")
    execute("create temp table erased_rejections (batch_id BIGINT, line BIGINT)")
    lines = [(copy.batch_id, line) for copy in found for line in copy.lines]
    lines += _unarchived(connection, settings, trace)
    batches, numbers = zip(*lines, strict=True) if lines else ((), ())
    execute(_ERASED_REJECTIONS, {"batches": list(batches), "lines": list(numbers)})
    execute("create temp table renamed (file VARCHAR, name VARCHAR)")
    names = execute(_FILE_NAMES).fetchall()
    renamed = [[name, trace.without(name)] for (name,) in names if trace.without(name) != name]
    if renamed:
        connection.executemany("insert into renamed values (?, ?)", renamed)
    removed = {}
    for table, columns, values, has_learner in execute(_RAW_TABLES).fetchall():
        kept, given = "true", dict[str, object]()
        if table == "rejected_lines":
            kept = "(batch_id, line) not in (select (batch_id, line) from erased_rejections)"
        elif table == "voided_statements":
            told = execute(_STATEMENTS, [trace.learner_id]).fetchall()
            ids = [statement for (statement,) in told if trace.count(statement.encode())]
            kept, given = "statement_id not in (select unnest($ids::VARCHAR[]))", {"ids": ids}
        elif has_learner:
            kept, given = _NOT_OF_LEARNER, {"learner_id": trace.learner_id}
            lost = f"select batch_id from old.raw.{table} where not ({kept})"
            execute(f"insert into erased_rows {lost}", given)
        rows = execute(f"select count(*) from old.raw.{table} where not ({kept})", given).fetchall()
        removed[f"rows of raw.{table}"] = rows[0][0]
        rest = f"select {values} from old.raw.{table} as landed where {kept}"
        execute(f"insert into raw.{table} ({columns}) {rest}", given)
    execute(_ERASED_LINES)
    return {place: count for place, count in removed.items() if count}


def _unarchived(
    connection: duckdb.DuckDBPyConnection, settings: Settings, trace: Trace
) -> list[tuple[int, int]]:
    """The rejected lines in which an id stands, of files that the archive no longer has."""
    copies = settings.archive.glob("*__*__*.zst")
    archived = [int(copy.name.partition("__")[0]) for copy in copies]
    rows = connection.execute(_REJECTED, {"archived": archived}).fetchall()
    return [(batch_id, line) for batch_id, line, text in rows if trace.count(bytes(text))]
