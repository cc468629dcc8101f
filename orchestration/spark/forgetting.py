"""Forgetting a learner in the folder that is shared with the cluster."""

import duckdb

from orchestration.settings import Settings
from orchestration.snapshots import ROOMS
from orchestration.spark import folder, handover

_BY_SPARK = "select count(*) from raw.refreshes where engine = 'spark'"


def forget(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Remove what the cluster has of learners whom the raw tables no longer know.

    Batches that hold other learners only stay; the tables that the cluster has built go as a whole,
    and the next build there makes them anew.

    Args:
        connection: the warehouse, whose raw tables have forgotten the learner.

    Returns:
        how many files were removed.

    Raises:
        FolderUnusable: the shared folder can't be reached; nothing there was removed.
    """
    used = connection.execute(_BY_SPARK).fetchone()
    if not used or not used[0]:
        return 0
    store = folder.opened(settings)
    if not handover.is_of_this_home(connection, store):
        return 0
    removed = handover.take_back(connection, store)
    tables = [f"raw/{table}" for table in handover.WHOLE]
    for place in (*ROOMS, "staging", *tables, handover.INCOMING):
        removed += len(folder.files(store, place))
        folder.remove(store, place)
    return removed
