"""Reconciliation: everything built anew from raw is held against the published snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration import ledger, models, output, published, raw
from orchestration.models import Progress
from orchestration.settings import Settings
from orchestration.time_travel.beside import built_beside
from orchestration.time_travel.comparison import Difference, compared
from orchestration.warehouse import MEMORY_LIMIT, open_warehouse, writer_lock

_PUBLISHED = """
select
    refresh_id,
    as_of,
    (
        select coalesce(max(batch_id), 0)
        from raw.landed_files
        where recorded_at <= raw.refreshes.last_landed_at
    )
from raw.refreshes
order by refresh_id desc
limit 1
"""

_WITH_BATCHES = """
select table_name
from duckdb_columns()
where schema_name = 'raw' and column_name = 'batch_id' and not internal
"""

# What a later replay has settled was a rejected line then. Its text is in no model.
_REJECTED_THEN = """
select batch_id, source, file, line, reason, detail, text, recorded_at
from landed.raw.rejected_lines
where batch_id <= {batch_id}
union all
select first_batch_id, source, file, line, reason, '', ''::BLOB, first_recorded_at
from landed.raw.replayed_lines
where batch_id > {batch_id} and first_batch_id <= {batch_id}
"""


class NotComparable(Exception):
    """A rebuild would differ for a known reason; the message says which, and what to do."""


@dataclass(frozen=True)
class Reconciliation:
    """A snapshot held against a rebuild: rows compared by table, and the tables that differ."""

    refresh_id: str
    as_of: datetime
    rows: dict[str, int]
    differences: list[Difference]

    @property
    def is_equal(self) -> bool:
        """Whether every table is the same, row for row."""
        return not self.differences

    def summary(self) -> dict[str, Any]:
        """The result as `reconcile --json` prints it."""
        return {
            "refresh_id": self.refresh_id,
            "as_of": self.as_of,
            "is_equal": self.is_equal,
            "rows": self.rows,
            "differences": [difference.summary() for difference in self.differences],
        }

    def headline(self) -> str:
        """The result in a line, and each table that differs with some of its rows."""
        rows, tables = sum(self.rows.values()), len(self.rows)
        if self.is_equal:
            return (
                f"Equal: {rows:,} rows of {tables} tables of refresh {self.refresh_id} are what a"
                " rebuild from raw gives."
            )
        return "\n\n".join(_told(difference) for difference in self.differences)

    def remedy(self) -> str:
        """What differs, in a sentence, and what to do."""
        names = ", ".join(difference.table for difference in self.differences)
        return (
            f"Refresh {self.refresh_id} is not what a rebuild from raw gives: {names} differ. Keep"
            " a copy of the home folder to find out why; `learner-progress refresh --full-refresh`"
            " publishes the rebuild."
        )


def reconcile(
    settings: Settings, *, limit: int = 5, wait: bool = True, progress: Progress | None = None
) -> Reconciliation:
    """Build every model from raw beside the warehouse, and compare with the published snapshot.

    The rebuild speaks about the same instant, and of the batches that had landed by that refresh:
    what landed since is left out. So every column of every table must be the same. Nothing is
    published, and readers are not touched.

    Args:
        limit: keep at most so many differing rows of a table.

    Raises:
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
        as `reconcile_locked`.
    """
    with writer_lock(settings, wait=wait):
        return reconcile_locked(settings, limit=limit, progress=progress)


def reconcile_locked(
    settings: Settings, *, limit: int = 5, progress: Progress | None = None
) -> Reconciliation:
    """Reconcile; the caller holds the writer's lock.

    Raises:
        NothingPublished: there is nothing to compare with.
        NotComparable: the models or a setting changed since, or the snapshot can't be read.
        ModelsFailed: the rebuild failed a model or test.
    """
    with _readable(settings):
        published.connect(settings).close()
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        ledger.forget_unpublished(connection, settings)
        if reasons := ledger.reasons_for_full(connection, settings):
            raise NotComparable(
                f"{'; '.join(reasons)}, so a rebuild differs: run"
                " `learner-progress refresh` first, and reconcile then."
            )
        ((refresh_id, as_of, batch_id),) = connection.execute(_PUBLISHED).fetchall()
        tables = [table for (table,) in connection.execute(_WITH_BATCHES).fetchall()]
    shown = {table: f"from landed.raw.{table} where batch_id <= {batch_id}" for table in tables}
    shown["rejected_lines"] = _REJECTED_THEN.format(batch_id=batch_id)
    keys = models.keys(settings)
    building = built_beside(settings, as_of=as_of, shown=shown, progress=progress)
    with building as rebuilt, _readable(settings), duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = '{published.quoted(rebuilt.parent)}'")
        for name, file in (("published", settings.snapshot_file), ("rebuilt", rebuilt)):
            path = published.quoted(file.resolve())
            connection.execute(f"attach '{path}' as {name} (read_only)")
        rows, differences = compared(connection, keys, limit)
    return Reconciliation(refresh_id, as_of, rows, differences)


@contextmanager
def _readable(settings: Settings) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        snapshot = settings.snapshot_file.resolve()
        raise NotComparable(
            f"{snapshot} can't be read ({str(error).splitlines()[0]}): remove that file, and run"
            " `learner-progress refresh --full-refresh`, which publishes a new one."
        ) from error


def _told(difference: Difference) -> str:
    rows = [
        {"in": name, **row}
        for pair in difference.rows
        for name, row in (("published", pair.published), ("rebuilt", pair.rebuilt))
        if row is not None
    ]
    title = (
        f"{difference.table}: {difference.published_only:,} published rows and"
        f" {difference.rebuilt_only:,} rebuilt rows have no equal in the other"
        f" (key: {', '.join(difference.key) or 'none'})"
    )
    return f"{title}\n{output.as_table(rows, list(rows[0]))}" if rows else title
