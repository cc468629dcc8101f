"""Arrow tables as the database sees them, under a name of which the contents change."""

from typing import Any

import duckdb
import pyarrow as pa


class Shown:
    """A name in the database's queries for whatever `table` holds at the time.

    Registering each table anew would have every prepared statement planned anew.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
        self.table = table
        self._connection, self._name = connection, name
        connection.register(name, self)

    def drop(self) -> None:
        """Free the name."""
        self._connection.unregister(self._name)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)
