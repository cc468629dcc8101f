"""Opens DuckDB: one writer of the private warehouse at a time, read-only readers elsewhere."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from orchestration.faults import remedy
from orchestration.settings import Settings

MEMORY_LIMIT = "1GB"
"""What the database may hold while files land; more goes to disk, beside the warehouse."""


class WarehouseBusy(Exception):
    """Another process holds the writer's lock; the message says which, and since when."""


class WarehouseUnreadable(Exception):
    """The private warehouse can't be opened; the message says which file, and why."""


def utc_now() -> datetime:
    """The current instant, in UTC without a zone, as every timestamp of the warehouse is kept."""
    return datetime.now(UTC).replace(tzinfo=None)


def _say(message: str) -> None:
    print(message, file=sys.stderr)


@contextmanager
def writer_lock(
    settings: Settings,
    *,
    wait: bool = True,
    who: str = "",
    tell: Callable[[str], object] = _say,
) -> Iterator[None]:
    """Hold the lock that makes this process the only writer of the home folder.

    The operating system frees it when the process ends, however it ends. While it is held,
    `writer.json` beside it says who holds it: `who`, else the command. Who has to wait is told for
    whom.

    Raises:
        WarehouseBusy: with `wait=False`, when another process holds it; nothing was written.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.home / "writer.lock")
    owner = settings.home / "writer.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise WarehouseBusy(f"{_holder(owner)}; try again later, or with --wait.") from None
        tell(f"Waiting: {_holder(owner)}.")
        lock.acquire()
    try:
        holder = {
            "pid": os.getpid(),
            # No more of the arguments: the one of `erase` is a learner.
            "command": who or " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]),
            "since": f"{utc_now():%Y-%m-%dT%H:%M:%SZ}",
        }
        owner.write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _holder(owner: Path) -> str:
    try:
        holder = json.loads(owner.read_text(encoding="utf-8"))
        who = f"process {holder['pid']} ({holder['command']}) since {holder['since']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return f"the warehouse in {owner.parent} is being written by {who}"


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the private warehouse for writing, in UTC; the caller holds the writer's lock.

    Raises:
        WarehouseUnreadable: the file is no database, or another program has it open.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(settings.warehouse_file))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise WarehouseUnreadable(
            f"{settings.warehouse_file} can't be opened ({reason}); {remedy(reason, 'mend that')}."
        ) from error
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = true")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Do what stands in the block together or not at all."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        # A commit that failed has rolled back already; its own error is the one to tell.
        with suppress(duckdb.Error):
            connection.rollback()
        raise
