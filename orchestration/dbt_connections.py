"""The database files that dbt has open in this process, and keeps so for as long as it lives."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

_WRITABLE = """
select database_name
from duckdb_databases()
where not internal and not readonly and path is not null
"""


def close(*, fold: bool = False) -> None:
    """Let go of the database files.

    Args:
        fold: first fold what dbt has written into the files, into all at the same time, instead of
            one after the other as they are closed.

    Raises:
        duckdb.Error: a disk takes no more; what a file lacks is then in its log beside it.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    environment = DuckDBConnectionManager._ENV
    try:
        if fold and environment and environment.conn:
            _fold(environment.conn)
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        reset_adapters()  # type: ignore[no-untyped-call]


def _fold(connection: Any) -> None:
    databases = connection.execute(_WRITABLE).fetchall()
    with ThreadPoolExecutor(len(databases)) as threads:
        written = [
            threads.submit(connection.cursor().execute, f'checkpoint "{name}"')
            for (name,) in databases
        ]
    for one in written:
        one.result()
