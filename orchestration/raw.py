"""The raw room: append-only tables of what landed, each row with its batch and line."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.home_format import bring_up_to_date
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, writer_lock

CATALOGUE_KEYS = {
    "courses": ("course_id",),
    "lessons": ("course_id", "lesson_id"),
    "enrollments": ("learner_id", "course_id"),
    "deadlines": ("course_id", "learner_id"),
}

_LANDED = "batch_id BIGINT NOT NULL, line BIGINT NOT NULL, recorded_at TIMESTAMP NOT NULL"
# A replayed row keeps its place among the rows of its key: the batch whose file delivered it.
# NULL in all others, whose place is their own batch.
_UPSERTED = f"{_LANDED}, delivered_batch_id BIGINT"

EVENT_KEY = "hash(event_id)"
"""The key by which an event's id is found among all events: 64 bits, confirmed by the id itself."""

_TABLES = f"""
create schema if not exists raw;

create table if not exists raw.events (
    event_id VARCHAR NOT NULL, event_type VARCHAR NOT NULL, learner_id VARCHAR NOT NULL,
    course_id VARCHAR NOT NULL, lesson_id VARCHAR NOT NULL, occurred_at TIMESTAMP NOT NULL,
    {_LANDED}, event_key UBIGINT NOT NULL
);
create table if not exists raw.courses (
    course_id VARCHAR NOT NULL, title VARCHAR NOT NULL, {_UPSERTED}
);
create table if not exists raw.lessons (
    course_id VARCHAR NOT NULL, lesson_id VARCHAR NOT NULL, position BIGINT NOT NULL,
    title VARCHAR NOT NULL, section VARCHAR, added_at TIMESTAMP, removed_at TIMESTAMP, {_UPSERTED}
);
create table if not exists raw.enrollments (
    learner_id VARCHAR NOT NULL, course_id VARCHAR NOT NULL,
    enrolled_at TIMESTAMP NOT NULL, unenrolled_at TIMESTAMP, {_UPSERTED}
);
create table if not exists raw.deadlines (
    course_id VARCHAR NOT NULL, learner_id VARCHAR, due_at TIMESTAMP, {_UPSERTED}
);
create table if not exists raw.landed_files (
    batch_id BIGINT NOT NULL PRIMARY KEY, source VARCHAR NOT NULL, file VARCHAR NOT NULL,
    content_sha256 VARCHAR NOT NULL, bytes BIGINT NOT NULL,
    lines BIGINT NOT NULL, accepted BIGINT NOT NULL, duplicates BIGINT NOT NULL,
    rejected BIGINT NOT NULL, ignored BIGINT NOT NULL, recorded_at TIMESTAMP NOT NULL,
    check (lines = accepted + duplicates + rejected + ignored)
);
create table if not exists raw.rejected_lines (
    batch_id BIGINT NOT NULL, source VARCHAR NOT NULL, file VARCHAR NOT NULL,
    line BIGINT NOT NULL, reason VARCHAR NOT NULL, detail VARCHAR NOT NULL, text BLOB NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
create table if not exists raw.voided_statements (
    source VARCHAR NOT NULL, statement_id VARCHAR NOT NULL, batch_id BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
create table if not exists raw.replayed_lines (
    batch_id BIGINT NOT NULL, first_batch_id BIGINT NOT NULL, source VARCHAR NOT NULL,
    file VARCHAR NOT NULL, line BIGINT NOT NULL, reason VARCHAR NOT NULL,
    first_recorded_at TIMESTAMP NOT NULL
);
create table if not exists raw.erased_learners (
    learner_hash VARCHAR NOT NULL PRIMARY KEY, erased_at TIMESTAMP NOT NULL
);
create table if not exists raw.erased_lines (
    batch_id BIGINT NOT NULL, accepted BIGINT NOT NULL, rejected BIGINT NOT NULL
);
create table if not exists raw.refreshes (
    refresh_id VARCHAR NOT NULL PRIMARY KEY, as_of TIMESTAMP NOT NULL,
    started_at TIMESTAMP NOT NULL, published_at TIMESTAMP, engine VARCHAR NOT NULL,
    events BIGINT NOT NULL, new_events BIGINT NOT NULL, new_duplicates BIGINT NOT NULL,
    new_rejected_lines BIGINT NOT NULL, last_event_at TIMESTAMP, last_landed_at TIMESTAMP,
    models_fingerprint VARCHAR NOT NULL, settings_fingerprint VARCHAR NOT NULL
);
-- The last batch that the tables built by a refresh hold; NULL once they may be others.
alter table raw.refreshes add column if not exists standing_batch_id BIGINT;
"""


# The database's hash is the same for ever within a version, and may change with the next.
_STALE_KEYS = f"""
select 1 from (select event_id, event_key from raw.events limit 2048) where event_key <> {EVENT_KEY}
"""
_NEW_KEYS = f"alter table raw.events alter event_key type UBIGINT using {EVENT_KEY}"

_EARLIEST = """
select min(occurred_at) from raw.events
where
    batch_id >= $first
    and batch_id in (select unnest($batches))
    and event_type = 'lesson_completed'
"""

_OLDER_COMPLETIONS = """
select count(*)
from raw.events as landed
where
    landed.batch_id >= $first
    and landed.batch_id in (select unnest($batches))
    and landed.event_type = 'lesson_completed'
    and exists (
        from raw.events as recorded
        where
            recorded.occurred_at > $earliest
            and recorded.event_type = 'lesson_completed'
            and recorded.learner_id = landed.learner_id
            and recorded.course_id = landed.course_id
            and recorded.lesson_id = landed.lesson_id
            and recorded.batch_id < landed.batch_id
            and recorded.occurred_at > landed.occurred_at
    )
"""


def older_completions(connection: duckdb.DuckDBPyConnection, batches: list[int]) -> int:
    """Count the completions of these batches that are older than one landed before them."""
    if not batches:
        return 0
    # Known beforehand, it spares most of the history.
    row = connection.execute(_EARLIEST, {"batches": batches, "first": min(batches)}).fetchone()
    values = {"batches": batches, "first": min(batches), "earliest": row[0] if row else None}
    row = connection.execute(_OLDER_COMPLETIONS, values).fetchone()
    return row[0] if row else 0


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schema `raw` and its tables where they are missing; what landed is untouched.

    Tables of an older version are brought up to date, and keys of events are made anew where
    another version of the database made them.

    Raises:
        NewerHome: a newer version made the tables; nothing was changed.
    """
    bring_up_to_date(connection)
    connection.execute(_TABLES)
    if connection.execute(_STALE_KEYS).fetchone():
        connection.execute(_NEW_KEYS)


@contextmanager
def opened(settings: Settings, *, wait: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse with its raw tables, as its only writer, for the length of the block.

    Raises:
        WarehouseBusy: with `wait=False`, when another process writes; nothing was opened.
        WarehouseUnreadable: the file is no database, or another program has it open.
    """
    with writer_lock(settings, wait=wait), open_warehouse(settings) as connection:
        create_tables(connection)
        yield connection
