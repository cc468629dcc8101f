"""Erasing a learner: from every room, from what was delivered, and from what comes later."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration import beside, ledger, published, raw, refresh
from orchestration.as_of import drop_snapshots
from orchestration.landing import archive, emptying
from orchestration.landing.erased import hash_of, make_key
from orchestration.landing.forgetting import (
    Found,
    find_in_archive,
    forget_in_copy,
    forget_set_aside,
)
from orchestration.landing.ledger import Ledger
from orchestration.landing.traces import Trace
from orchestration.models import Progress
from orchestration.parquet import publish_parquet
from orchestration.rewriting import rewritten
from orchestration.run_history import forget_elsewhere
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, utc_now, writer_lock

STEPS = ("searching the archive", "warehouse", "archive", "other files", "snapshot")

_LAST_AS_OF = """
select as_of from raw.refreshes where published_at is not null order by refresh_id desc limit 1
"""

_RAW_TABLES = """
select
    table_name,
    string_agg('"' || column_name || '"', ', ' order by column_index),
    bool_or(column_name = 'learner_id')
from duckdb_columns()
where database_name = 'old' and schema_name = 'raw'
group by table_name
order by table_name
"""

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


class NoLearner(Exception):
    """The id is empty, and nobody's."""


@dataclass(frozen=True)
class Erasure:
    """What was removed, counted by place, and what an operator should know."""

    removed: dict[str, int]
    warnings: list[str]

    def headline(self) -> str:
        """The erasure in a few lines."""
        places = [f"{count:>12,} {place}" for place, count in self.removed.items() if count]
        if not places:
            return "Nothing was found under this id; what arrives later under it is ignored."
        return "\n".join(["Erased:", *places, "What arrives later under this id is ignored."])


def erase(
    settings: Settings, learner_id: str, *, wait: bool = True, progress: Progress | None = None
) -> Erasure:
    """Forget a learner everywhere under the home folder, and publish a snapshot without them.

    The database files are written anew, since freed blocks keep their bytes. The new snapshot
    speaks about the same instant as the last one; older snapshots are dropped, because their
    aggregates count the learner. The ledger keeps its counts. Cut short at any point, an erasure is
    completed by running it again.

    Raises:
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
        ModelsFailed: the learner is erased but for the snapshots, which stay as they were.
    """
    if not learner_id:
        raise NoLearner("Name the learner to erase by their id; nothing was erased.")
    trace, step = Trace(learner_id), _steps(progress)
    with writer_lock(settings, wait=wait):
        as_of = _prepare(settings)
        next(step)
        found = list(find_in_archive(settings, trace))
        next(step)
        removed = rewrite_warehouse(settings, trace, found)
        next(step)
        for copy in found:
            forget_in_copy(copy)
        removed["archived lines"] = sum(len(copy.lines) for copy in found)
        removed["files set aside"] = forget_set_aside(settings, trace)
        next(step)
        removed["other files"] = forget_elsewhere(settings, trace)
        next(step)
        removed["snapshots as of the past"] = drop_snapshots(settings)
        if as_of is not None:
            started = refresh.begin(settings, as_of=as_of, full_refresh=True)
            refresh.record(settings, started)
            refresh.build(settings, started)
            refresh.publish(settings, started)
            removed["older snapshots"] = _drop_older_snapshots(settings)
    return Erasure(removed, _warnings(settings, trace))


def _prepare(settings: Settings) -> datetime | None:
    """Clear what a killed process left, and read the instant that the last snapshot speaks of."""
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        archive.clear_unfinished(settings.archive, Ledger(connection).last_batch_id)
        (settings.archive / emptying.BUILDING).unlink(missing_ok=True)
        published.drop_candidate(settings)
        beside.clear(settings)
        row = connection.execute(_LAST_AS_OF).fetchone()
    shutil.rmtree(f"{settings.warehouse_file}.tmp", ignore_errors=True)
    return row[0] if row else None


def rewrite_warehouse(settings: Settings, trace: Trace, found: list[Found]) -> dict[str, int]:
    """Write the raw room into a new file without a learner, and put it in the old one's place.

    The learner's tombstone lands with it. What dbt keeps in the old file is built anew by the
    next refresh. Returns the rows removed by table.
    """
    key = make_key(settings)
    with rewritten(settings, "erasing") as connection:
        raw.create_tables(connection)
        connection.begin()
        removed = _copy_raw(connection, trace, found)
        ledger.nothing_stands(connection)
        tombstone = [hash_of(trace.learner_id, key), utc_now()]
        connection.execute("insert or ignore into raw.erased_learners values (?, ?)", tombstone)
        connection.commit()
    return removed


def _copy_raw(
    connection: duckdb.DuckDBPyConnection, trace: Trace, found: list[Found]
) -> dict[str, int]:
    """Copy every raw table but a learner's rows, and write down how many a batch has lost."""
    execute = connection.execute
    execute("create temp table erased_rows (batch_id BIGINT)")
    execute("create temp table erased_rejections (batch_id BIGINT, line BIGINT)")
    lines = [(copy.batch_id, line) for copy in found for line in copy.lines]
    batches, numbers = zip(*lines, strict=True) if lines else ((), ())
    execute(_ERASED_REJECTIONS, {"batches": list(batches), "lines": list(numbers)})
    removed = {}
    for table, columns, has_learner in execute(_RAW_TABLES).fetchall():
        kept, values = "true", {}
        if table == "rejected_lines":
            kept = "(batch_id, line) not in (select (batch_id, line) from erased_rejections)"
        elif has_learner:
            kept, values = _NOT_OF_LEARNER, {"learner_id": trace.learner_id}
            lost = f"select batch_id from old.raw.{table} where not ({kept})"
            execute(f"insert into erased_rows {lost}", values)
        rows = execute(
            f"select count(*) from old.raw.{table} where not ({kept})", values
        ).fetchall()
        removed[f"rows of raw.{table}"] = rows[0][0]
        rest = f"select {columns} from old.raw.{table} where {kept}"
        execute(f"insert into raw.{table} ({columns}) {rest}", values)
    execute(_ERASED_LINES)
    return {place: count for place, count in removed.items() if count}


def _drop_older_snapshots(settings: Settings) -> int:
    """Remove every snapshot but the newest, and what was written as Parquet of an older one."""
    newest = settings.snapshot_file.resolve()
    others = [p for p in settings.published.glob("learner_progress__*") if p != newest]
    for other in others:
        other.unlink()
    if (settings.published / "parquet").exists() and not settings.publish_parquet:
        publish_parquet(settings)
    return len(others)


def _warnings(settings: Settings, trace: Trace) -> list[str]:
    waiting = (path for path in sorted(settings.landing.rglob("*")) if path.is_file())
    return [
        f"{path} still holds the id; remove it, or let it land: its lines will be ignored."
        for path in waiting
        if trace.stands_in_file(path)
    ]


def _steps(progress: Progress | None) -> Iterator[None]:
    for done, step in enumerate(STEPS):
        if progress:
            progress(step, done, len(STEPS))
        yield
