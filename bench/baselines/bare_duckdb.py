"""The bare script: the readers' tables from a landed warehouse by DuckDB alone.

Run as `python -m bench.baselines.bare_duckdb WAREHOUSE OUT AS_OF`; prints totals as JSON.
"""

import json
import sys
from pathlib import Path

import duckdb

from bench.totals import totals

SCRIPT = Path(__file__).with_name("bare.sql")


def main(warehouse: str, out: str, as_of: str) -> None:
    """Build `out` anew from the raw tables of `warehouse`."""
    Path(out).unlink(missing_ok=True)
    statements = SCRIPT.read_text(encoding="utf-8").replace("raw.", "landed.raw.")
    with duckdb.connect(out) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"attach '{warehouse}' as landed (read_only)")
        for statement in statements.replace("$as_of", f"'{as_of}'").split(";\n"):
            connection.execute(statement)
        connection.execute("checkpoint")
        print(json.dumps(totals(connection)))


if __name__ == "__main__":
    main(*sys.argv[1:])
