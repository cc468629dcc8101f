"""The readers' main tables from raw Parquet by chdb, with dedupe; less than the warehouse makes.

Run as `python chdb_script.py PARQUET OUT AS_OF`. Left out, in chdb's favour: where to resume, how
far learners got, cohorts and the Kaplan–Meier tables.
"""

import sys
from pathlib import Path

from chdb.session import Session

SCRIPT = Path(__file__).with_name("chdb.sql")


def main(source: str, out: str, as_of: str) -> None:
    """Write each table as Parquet into the folder `out`."""
    Path(out).mkdir(parents=True, exist_ok=True)
    script = SCRIPT.read_text(encoding="utf-8")
    for name, value in {"SOURCE": source, "OUT": out, "AS_OF": as_of}.items():
        script = script.replace(f"${name}", value)
    session = Session()
    for statement in script.split(";\n"):
        if statement.strip():
            session.query(statement)


if __name__ == "__main__":
    main(*sys.argv[1:])
