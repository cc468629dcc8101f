"""Re-landing a home from its archive into a fresh one, also without some of its batches."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import raw
from orchestration.landed import Landed
from orchestration.landing import archive
from orchestration.landing.erased import erased_learners, key_file
from orchestration.landing.relanding import Archived, Relanded, Relanding, archived_batches
from orchestration.models import Progress
from orchestration.published import quoted
from orchestration.settings import Settings
from orchestration.snapshots import flush
from orchestration.warehouse import open_warehouse, writer_lock

SHOWN = 10


class NothingLanded(Exception):
    """The home to re-land has no warehouse; the message says which."""


class HomeNotEmpty(Exception):
    """The folder to re-land into can't be taken; the message says why."""


class UnknownBatch(Exception):
    """A batch to leave out never landed; the message says which batches there are."""


class ArchiveIncomplete(Exception):
    """The archive lacks copies; the message names their batches."""


@dataclass(frozen=True)
class NewHome:
    """What was landed once more: into which home, batch by batch, and what was left out."""

    home: Path
    batches: list[Relanded]
    without: list[Archived]

    def summary(self) -> dict[str, Any]:
        """The new home as `reland --json` prints it: what landed, and as what it had landed."""
        landed = Landed([batch.now for batch in self.batches], []).summary()
        for file, batch in zip(landed["files"], self.batches, strict=True):
            file["landed_before_as"] = batch.before.batch_id
        without = [asdict(batch) for batch in self.without]
        return {"home": str(self.home), **landed, "without": without, "warnings": self.warnings}

    @property
    def warnings(self) -> list[str]:
        """The batches whose lines were judged otherwise than when they landed first."""
        differing = [batch for batch in self.batches if batch.differs]
        lines = [
            f"batch {one.before.batch_id} ({one.now.source}/{one.now.file}) came out otherwise:"
            f" {_told(one.before.counts)} then, {_told(one.counts)} now."
            for one in differing[:SHOWN]
        ]
        more = len(differing) - SHOWN
        return [*lines, f"{more:,} more batches came out otherwise."] if more > 0 else lines

    def headline(self) -> str:
        """The new home in a few lines, and what to do with it."""
        accepted = sum(batch.now.accepted for batch in self.batches)
        left_out = "".join(
            f"\nLeft out: batch {batch.batch_id}, {batch.source}/{batch.file}"
            for batch in self.without
        )
        return (
            f"Landed {len(self.batches):,} batches again, {accepted:,} rows, in {self.home}."
            f"{left_out}\nRefresh it with LEARNER_PROGRESS_HOME={self.home}, look at it, and put it"
            " in the old one's place: docs/time-travel.md."
        )


def reland(
    settings: Settings,
    into: Path,
    *,
    without: Collection[int] = (),
    wait: bool = True,
    progress: Progress | None = None,
) -> NewHome:
    """Land every archived file of the home once more into a fresh one, in landing order.

    Names and landing times stay, batches are numbered from 1, replays are repeated, erased learners
    stay erased. The home itself is only read, under its writer's lock. `into` appears when all has
    landed, and not before.

    Args:
        into: a folder that doesn't exist or is empty, outside of the home.
        without: batches to leave out, by their numbers in the home.

    Raises:
        NothingLanded, HomeNotEmpty, UnknownBatch, ArchiveIncomplete, ErasureKeyMissing: nothing was
            made.
        WarehouseBusy: another process writes and `wait` is false; nothing was made.
        LandingFailed: a batch can't be read today, or the disk gave way; nothing is left behind.
    """
    into = into.absolute()
    _check_into(settings, into)
    if not settings.warehouse_file.exists():
        raise NothingLanded(f"Nothing has landed in {settings.home}: there is nothing to re-land.")
    with writer_lock(settings, wait=wait), _read_only(settings) as landed:
        batches = archived_batches(landed)
        _check_known(batches, without)
        kept = [batch for batch in batches if batch.batch_id not in without]
        _check_archive(settings, kept)
        erased_learners(landed, settings)
        with _building(into) as folder:
            new = settings.model_copy(update={"home": folder})
            relanded = _fill(landed, settings, new, kept, progress)
    left_out = [batch for batch in batches if batch.batch_id in without]
    return NewHome(into, relanded, left_out)


def _fill(
    landed: duckdb.DuckDBPyConnection,
    old: Settings,
    new: Settings,
    batches: list[Archived],
    progress: Progress | None,
) -> list[Relanded]:
    tombstones = landed.execute("select * from raw.erased_learners").fetchall()
    if key_file(old).exists():
        shutil.copy2(key_file(old), key_file(new))
    with open_warehouse(new) as connection:
        raw.create_tables(connection)
        if tombstones:
            connection.executemany("insert into raw.erased_learners values (?, ?)", tombstones)
        relanding = Relanding(landed, old, connection, new)
        return list(relanding.run(batches, progress))


@contextmanager
def _building(into: Path) -> Iterator[Path]:
    """A folder beside `into` that takes its place when the block is done; a failure drops it."""
    building = into.with_name(f".{into.name}.relanding")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        yield building
        building.replace(into)
        flush(into.parent)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


@contextmanager
def _read_only(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        path = quoted(settings.warehouse_file)
        connection.execute(f"attach '{path}' as landed (read_only)")
        connection.execute("use landed")
        yield connection


def _check_into(settings: Settings, into: Path) -> None:
    if into.resolve().is_relative_to(settings.home.resolve()):
        raise HomeNotEmpty(f"{into} lies in the home to re-land: choose a folder outside of it.")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise HomeNotEmpty(f"{into} isn't empty: choose an empty folder, or one to be made.")


def _check_known(batches: list[Archived], without: Collection[int]) -> None:
    known = {batch.batch_id for batch in batches}
    if unknown := sorted(set(without) - known):
        there = f"batches 1 to {max(known)}" if known else "no batch"
        raise UnknownBatch(
            f"There is no batch {', '.join(map(str, unknown))} to leave out: {there} landed."
        )


def _check_archive(settings: Settings, batches: list[Archived]) -> None:
    copies = archive.copies_by_batch(settings.archive)
    landed = [batch.batch_id for batch in batches if not batch.is_replay]
    if missing := [batch_id for batch_id in landed if batch_id not in copies]:
        shown = ", ".join(map(str, missing[:SHOWN])) + (" …" if len(missing) > SHOWN else "")
        raise ArchiveIncomplete(
            f"{settings.archive} lacks the copies of {len(missing):,} batches ({shown}): bring them"
            " back, or leave them out with --without."
        )


def _told(counts: list[int]) -> str:
    words = ("accepted", "duplicates", "rejected", "ignored")
    return ", ".join(f"{count:,} {word}" for count, word in zip(counts[1:], words, strict=True))
