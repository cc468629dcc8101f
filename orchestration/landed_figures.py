"""What stands in the raw room after a landing, in numbers: by source, and by table."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from orchestration.landing import SOURCES, LandedFile

COUNTS = ("lines", "accepted", "duplicates", "rejected", "ignored")

_BYTES = """
select source, sum(bytes)
from raw.landed_files
where batch_id in (select unnest($batches))
group by source
"""

_ROWS = """
select
    count(*),
    count(*) filter (where batch_id in (select unnest($batches))),
    max(recorded_at)
from raw.{table}
"""


def by_source(
    connection: duckdb.DuckDBPyConnection, files: Sequence[LandedFile]
) -> dict[str, dict[str, int]]:
    """What became of the files of each source: how many, their lines, and their bytes.

    Bytes are those of the landed files' content, decompressed.
    """
    rows = connection.execute(_BYTES, {"batches": batches(files)}).fetchall()
    bytes_ = {source: int(size) for source, size in rows}
    figures = {}
    for source in SOURCES:
        own = [file for file in files if file.source == source]
        figures[source] = {
            "files": len(own),
            **{
                status: sum(file.status == status for file in own)
                for status in ("landed", "already_landed", "set_aside", "left_alone")
            },
            **{name: sum(getattr(file, name) for file in own) for name in COUNTS},
            "bytes": bytes_.get(source, 0),
        }
    return figures


def by_table(figures: Mapping[str, Mapping[str, int]], table: str) -> dict[str, int]:
    """The figures of all sources whose files land in a table."""
    own = [figures[name] for name, source in SOURCES.items() if source.table == table]
    return {name: sum(source[name] for source in own) for name in ("files", *COUNTS, "bytes")}


def rows(
    connection: duckdb.DuckDBPyConnection, table: str, files: Sequence[LandedFile]
) -> tuple[int, int, datetime | None]:
    """The rows of a raw table, those of them that are new, and when (UTC) the last one landed."""
    query = _ROWS.format(table=table)
    row = connection.execute(query, {"batches": batches(files)}).fetchone()
    return row or (0, 0, None)


def last_event_at(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """When (UTC) the latest of all events happened."""
    row = connection.execute("select max(occurred_at) from raw.events").fetchone()
    return row[0] if row else None


def batches(files: Sequence[LandedFile]) -> list[int]:
    """The batches that the files became."""
    return [file.batch_id for file in files if file.batch_id is not None]
