"""The ledger of refreshes, `raw.refreshes`: which were published, and what was new in each."""

from datetime import datetime

import duckdb

from orchestration import models, published
from orchestration.builds import Standing
from orchestration.settings import Settings

_LAST = """
select refresh_id, models_fingerprint, settings_fingerprint, standing_batch_id, engine
from raw.refreshes
order by refresh_id desc
limit 1
"""

_RECORD = """
insert into raw.refreshes
with new_files as (select * from raw.landed_files where recorded_at > $last_landed_at)
select
    $refresh_id, $as_of, $started_at, null, $engine,
    (select count(*) from raw.events),
    (select count(*) from raw.events where recorded_at > $last_landed_at),
    (select coalesce(sum(duplicates), 0) from new_files),
    -- What a replay rejects again isn't new.
    (select coalesce(sum(rejected), 0) from new_files where file <> 'replay'),
    (select max(occurred_at) from raw.events),
    (select max(recorded_at) from raw.landed_files),
    $models_fingerprint, $settings_fingerprint, null
returning last_event_at
"""

# What is looked for in all events is bounded by a constant, which spares most of them.
_LAST_LANDED = "select coalesce(max(last_landed_at), '1900-01-01') from raw.refreshes"
_EARLIEST_NEW = "select min(occurred_at) from raw.events where batch_id > ?"

_LAST_STANDING = """
select standing_batch_id, as_of
from raw.refreshes
where standing_batch_id is not null
"""

_STAND = """
update raw.refreshes
set standing_batch_id = (select coalesce(max(batch_id), 0) from raw.landed_files)
where refresh_id = ?
"""


def last_refresh_id(connection: duckdb.DuckDBPyConnection) -> str:
    """The id of the newest refresh in the ledger; empty text before the first."""
    row = connection.execute(_LAST).fetchone()
    return row[0] if row else ""


def reasons_for_full(
    connection: duckdb.DuckDBPyConnection, settings: Settings, engine: str | None = None
) -> list[str]:
    """Why the next refresh can't build on the tables that stand; none before the first refresh.

    Args:
        engine: what is to build; if None, the engine of the last refresh.
    """
    row = connection.execute(_LAST).fetchone()
    if not row:
        return []
    refresh_id, models_fingerprint, settings_fingerprint, standing_batch_id, last_engine = row
    reasons = []
    if engine not in (None, last_engine):
        reasons.append(f"The last refresh was built by {last_engine}")
    if models_fingerprint != models.models_fingerprint():
        reasons.append("The models changed since the last refresh")
    if settings_fingerprint != models.settings_fingerprint(settings):
        reasons.append("A setting that touches figures changed since the last refresh")
    newest = published.latest_refresh(settings)
    if newest is None or newest["refresh_id"] != refresh_id:
        reasons.append("The snapshot is not that of the last refresh")
    elif standing_batch_id is None:
        reasons.append("The last refresh that began was not published")
    return reasons


def take_standing(connection: duckdb.DuckDBPyConnection) -> Standing | None:
    """What stands of the last published refresh, for the one build that adds to it.

    From then on nothing stands, until that build is published.
    """
    row = connection.execute(_LAST_STANDING).fetchone()
    nothing_stands(connection)
    if not row:
        return None
    batch_id, as_of = row
    ((earliest,),) = connection.execute(_EARLIEST_NEW, [batch_id]).fetchall()
    return Standing(batch_id, as_of, earliest)


def nothing_stands(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that what dbt keeps in the warehouse may be of no published refresh from now on."""
    connection.execute("update raw.refreshes set standing_batch_id = null")


def forget_unpublished(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Remove traces of refreshes, failed or killed, that were never published.

    The snapshot is the truth about what was published: a ledger row beyond it never was.
    """
    newest = published.latest_refresh(settings)
    if newest is None:
        connection.execute("delete from raw.refreshes where published_at is null")
        return
    connection.execute("delete from raw.refreshes where refresh_id > ?", [newest["refresh_id"]])
    mark_published(connection, str(newest["refresh_id"]), newest["published_at"])


def mark_published(
    connection: duckdb.DuckDBPyConnection, refresh_id: str, published_at: object
) -> None:
    """Note when (UTC) readers got a refresh."""
    connection.execute(
        "update raw.refreshes set published_at = ? where refresh_id = ?",
        [published_at, refresh_id],
    )


def stand(connection: duckdb.DuckDBPyConnection, refresh_id: str) -> None:
    """Note that the tables of a refresh stand as it published them, with all that has landed."""
    connection.execute(_STAND, [refresh_id])


def record(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    refresh_id: str,
    as_of: datetime,
    started_at: datetime,
    engine: str,
) -> datetime | None:
    """Enter a refresh with what is new since the last one; returns the last event's time."""
    ((last_landed_at,),) = connection.execute(_LAST_LANDED).fetchall()
    row = connection.execute(
        _RECORD,
        {
            "last_landed_at": last_landed_at,
            "refresh_id": refresh_id,
            "as_of": as_of,
            "started_at": started_at,
            "engine": engine,
            "models_fingerprint": models.models_fingerprint(),
            "settings_fingerprint": models.settings_fingerprint(settings),
        },
    ).fetchone()
    return row[0] if row else None
