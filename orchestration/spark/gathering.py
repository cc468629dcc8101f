"""Gathers the tables that readers see from the shared folder into the candidate snapshot.

Their rows go into the candidate's file, or their Parquet files become its parts as they are.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import models, parting, parts
from orchestration.published import tables
from orchestration.settings import Settings
from orchestration.spark import folder
from orchestration.time_travel import beside

_FILL = """
insert into {table} by name
select * from read_parquet($files, hive_partitioning = true)
order by {key}
"""


class TableMissing(Exception):
    """A table that the cluster built isn't in the shared folder; the message says where."""


def gather(settings: Settings, candidate: Path, *, as_of: datetime) -> None:
    """Fill the candidate: tables with comments and keys, as DuckDB makes them, rows by the cluster.

    Raises:
        TableMissing, NullFound: the candidate is half-filled.
    """
    beside.build_empty(settings, candidate, as_of=as_of)
    store = folder.opened(settings)
    keys = models.keys(settings)
    with duckdb.connect(str(candidate)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        for schema, name in tables(connection):
            table = f"{schema}.{name}"
            root, found = _files(settings, store, f"{schema}/{name}")
            if settings.snapshot == "parquet" and (schema, name) != parting.REFRESHES:
                parting.take(connection, candidate, table, root, found)
            elif found:
                query = _FILL.format(table=table, key=", ".join(keys[table]))
                connection.execute(query, {"files": [str(path) for path in found]})
        if settings.snapshot == "parquet":
            # That keys are unique was tested on the cluster, of the same files.
            parting.lead(connection, parts.folder_of(candidate))
    shutil.rmtree(_copies(settings), ignore_errors=True)


def _files(settings: Settings, store: Any, table: str) -> tuple[Path, list[Path]]:
    """The folder of a table, and its Parquet files, as paths on this machine."""
    from pyarrow import fs

    if store.get_file_info(table).type == fs.FileType.NotFound:
        raise TableMissing(
            f"{folder.url(settings)}/{table} isn't there, though the cluster has built it: see that"
            " the cluster and this machine share that folder."
        )
    if "://" in settings.spark_folder:
        copies = _copies(settings) / table
        copies.mkdir(parents=True)
        fs.copy_files(table, str(copies), store, fs.LocalFileSystem())
        root = copies
    else:
        root = Path(settings.spark_folder) / table
    return root, parts.files_in(root)


def _copies(settings: Settings) -> Path:
    return settings.published / ".candidate_parts"
