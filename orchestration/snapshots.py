"""The published room as a refresh has it: a candidate, put in the readers' place in one step."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration import parting, parts
from orchestration.published import attached, quoted, tables
from orchestration.settings import Settings
from orchestration.warehouse import utc_now

ROOMS = ("progress", "marts")

_SHARE_BLOCKS = 0x40049409
"""What asks Linux to let a file share another's blocks (FICLONE)."""

_STAMP = "update marts.refreshes set published_at = ? where refresh_id = ?"
_STAMPED = "select published_at from marts.refreshes where refresh_id = ?"


Making = Callable[[], Path]
"""A file that is being made while other things are done; a call waits until it is."""


class SnapshotRefused(Exception):
    """A candidate isn't what a refresh should have built; the last good snapshot stays."""


def candidate_file(settings: Settings) -> Path:
    """Where a refresh builds what it will publish."""
    return settings.published / ".candidate.duckdb"


@contextmanager
def candidate(settings: Settings, *, fresh: bool) -> Iterator[Making]:
    """What a refresh builds in, for the length of the block; a failure drops it.

    Once made, it is brought to the disk while models are built, so that publishing needn't wait.
    (The database's lock on it goes with that; the writer's lock keeps others away.)

    Args:
        fresh: as `prepare_candidate` has it.
    """
    try:
        with ThreadPoolExecutor(1) as beside:
            made = beside.submit(prepare_candidate, settings, fresh=fresh)
            beside.submit(flush, candidate_file(settings))
            yield made.result
    except BaseException:
        drop_candidate(settings)
        raise


def prepare_candidate(settings: Settings, *, fresh: bool) -> Path:
    """Make the file in which a refresh builds: a byte copy of the last good snapshot.

    Args:
        fresh: start from an empty file instead, as a full refresh does.
    """
    settings.published.mkdir(parents=True, exist_ok=True)
    candidate = candidate_file(settings)
    drop_candidate(settings)
    if settings.snapshot_file.exists() and not fresh:
        copy(settings.snapshot_file, candidate)
    else:
        create_empty(candidate, settings)
    return candidate


def copy(source: Path, target: Path) -> None:
    """Copy a file; where the file system can, the copy shares its blocks and costs next to nothing.

    Where it can't, a copy costs reading and writing every byte.
    """
    with source.open("rb") as read, target.open("wb") as written:
        try:
            fcntl.ioctl(written.fileno(), _SHARE_BLOCKS, read.fileno())
            return
        except OSError:
            pass
    shutil.copyfile(source, target)


def create_empty(file: Path, settings: Settings) -> None:
    """Make an empty database file in the settings' format.

    Of texts that begin alike, such as learner ids, the one of DuckDB 2 knows better which rows
    can't hold one; files in the older format can be read by DuckDB 1.2 too.
    """
    with duckdb.connect() as connection:
        how = f"storage_version '{settings.snapshot_format}'"
        connection.execute(f"attach '{quoted(file)}' ({how})")


def drop_candidate(settings: Settings) -> None:
    """Remove what an earlier refresh, failed or killed, left half-built."""
    for leftover in settings.published.glob(".candidate*"):
        remove(leftover)


def remove(path: Path) -> None:
    """Remove a file, or the folder into which the database has spilled."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def publish(settings: Settings, candidate: Path, refresh_id: str) -> datetime:
    """Stamp the candidate, verify it, and put it in the readers' place in one atomic step.

    After a fault it can be called again, and goes on where it stopped.

    Returns:
        When it was published, UTC.

    Raises:
        SnapshotRefused: the candidate lacks a table or isn't of this refresh; nothing changed
            for readers.
    """
    return swap(settings.snapshot_file, candidate, refresh_id)


def swap(snapshot_file: Path, candidate: Path, refresh_id: str) -> datetime:
    """Stamp and verify a candidate, and let the link `snapshot_file` lead to it in one step.

    What the link led to before stays beside it. Returns when it was published, UTC.

    Raises:
        SnapshotRefused: as `publish` has it; the link is as it was.
    """
    snapshot = snapshot_file.with_name(f"{snapshot_file.stem}__{refresh_id}.duckdb")
    if not snapshot.exists():
        with duckdb.connect(str(candidate)) as connection:
            _verify(connection, refresh_id)
            connection.execute(_STAMP, [utc_now(), refresh_id])
            parting.settle(connection, candidate, snapshot)
            connection.execute("checkpoint")
        for path in sorted(parts.folder_of(snapshot).rglob("*"), reverse=True):
            flush(path)
        flush(candidate)
        candidate.rename(snapshot)
    link = snapshot_file.with_name(f".{snapshot_file.stem}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(snapshot.name)
    link.replace(snapshot_file)
    flush(snapshot_file.parent)
    with attached(snapshot) as connection:
        published_at: datetime = connection.execute(_STAMPED, [refresh_id]).fetchall()[0][0]
    return published_at


def _verify(connection: duckdb.DuckDBPyConnection, refresh_id: str) -> None:
    rooms = {schema for schema, _ in tables(connection)}
    newest = connection.execute("select max(refresh_id) from marts.refreshes").fetchone()
    if rooms != set(ROOMS) or newest != (refresh_id,):
        raise SnapshotRefused(
            f"The candidate of refresh {refresh_id} is not published: it holds"
            f" {', '.join(sorted(rooms))} as of refresh {newest and newest[0]}."
        )


def drop_old_snapshots(settings: Settings) -> list[Path]:
    """Remove the snapshots beyond those to keep, and return them; the newest one stays.

    One whose rows lie in Parquet files stays for as long as a reader has it open.
    """
    snapshots = sorted(settings.published.glob("learner_progress__*.duckdb"))
    dropped = [old for old in snapshots[: -settings.keep_snapshots] if parting.drop_unread(old)]
    for folder in settings.published.glob("learner_progress__*.parquet"):
        # What a killed process was about to publish, or to drop.
        if not folder.with_suffix(".duckdb").exists():
            shutil.rmtree(folder)
    return dropped


def size(snapshot: Path) -> int:
    """The bytes of a snapshot, its parts included."""
    found = parts.files_in(parts.folder_of(snapshot))
    return sum(path.stat().st_size for path in [snapshot, *found])


def flush(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
