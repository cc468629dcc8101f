"""Maintenance: a home folder that doesn't grow beyond what it is kept for."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import parting, snapshots
from orchestration.models import Progress
from orchestration.operations import compaction, leftovers
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, utc_now, writer_lock

ForgetRuns = Callable[[datetime], int]
"""Removes Dagster's runs that ended before an instant (UTC), and returns how many."""

_BATCHES_BEFORE = "select batch_id from raw.landed_files where recorded_at < ?"


@dataclass(frozen=True)
class Step:
    """What one step removed, and by how many bytes the home folder shrank through it."""

    what: str
    removed: int
    freed_bytes: int


@dataclass(frozen=True)
class Maintenance:
    """What was done, step by step, and what an operator should know."""

    steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The maintenance as `maintain --json` prints it."""
        return {
            "freed_bytes": sum(step.freed_bytes for step in self.steps),
            "steps": [vars(step) for step in self.steps],
            "warnings": self.warnings,
        }

    def lines(self) -> list[str]:
        """The maintenance for people: a line for each step that did something, and a total."""
        done = [
            f"{step.removed:>8,} {step.what}, {step.freed_bytes:,} bytes freed"
            for step in self.steps
            if step.removed
        ]
        total = sum(step.freed_bytes for step in self.steps)
        return [*done, f"Freed {total:,} bytes in all."]


def maintain(
    settings: Settings,
    *,
    forget_runs: ForgetRuns | None = None,
    wait: bool = True,
    progress: Progress | None = None,
) -> Maintenance:
    """Clear leftovers, compact the warehouse, and remove what is older than it is to be kept.

    Readers are not touched. Cut short at any point, it is completed by the next one; with nothing
    to do it does nothing.

    Args:
        forget_runs: removes Dagster's old runs; they stay where it is None.

    Raises:
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
        ArchiveMismatch: the archive and the warehouse don't belong together; only leftovers went.
    """
    done = Maintenance()
    with writer_lock(settings, wait=wait):
        steps = list(_steps(settings, done, forget_runs))
        for place, (what, room, work) in enumerate(steps):
            if progress:
                progress(what, place, len(steps))
            before = _size(room)
            removed = work()
            done.steps.append(Step(what, removed, before - _size(room)))
    return done


def _steps(
    settings: Settings, done: Maintenance, forget_runs: ForgetRuns | None
) -> Iterator[tuple[str, Path, Callable[[], int]]]:
    """Each step by its name, the folder that it makes smaller, and its work."""
    home = settings.home
    yield "leftovers of killed processes", home, lambda: leftovers.clear(settings)
    yield "compacted warehouse files", home, lambda: _compact(settings, done)
    yield "old files of the archive", settings.archive, lambda: _forget_archived(settings)
    published = settings.published
    yield "snapshots that were moved", published, lambda: parting.follow(settings)
    yield "old snapshots", published, lambda: len(snapshots.drop_old_snapshots(settings))
    yield "old runs of Dagster", settings.dagster_home, lambda: _forget_runs(settings, forget_runs)
    yield "old logs of dbt", home / "dbt", lambda: _forget_logs(settings)


def _compact(settings: Settings, done: Maintenance) -> int:
    if not settings.warehouse_file.exists():
        return 0
    try:
        return int(compaction.compact(settings))
    except (compaction.NoRoom, compaction.CopyDiffers) as fault:
        done.warnings.append(str(fault))
        return 0


def _forget_archived(settings: Settings) -> int:
    """Remove archived files of old batches; the ledger goes on knowing their content."""
    if settings.archive_days is None or not settings.warehouse_file.exists():
        return 0
    before = utc_now() - timedelta(days=settings.archive_days)
    with open_warehouse(settings) as connection:
        rows = connection.execute(_BATCHES_BEFORE, [before]).fetchall()
    old = {f"{batch_id:09d}" for (batch_id,) in rows}
    copies = [p for p in settings.archive.glob("*__*.zst") if p.name.partition("__")[0] in old]
    for copy in copies:
        copy.unlink()
    return len(copies)


def _forget_runs(settings: Settings, forget_runs: ForgetRuns | None) -> int:
    if settings.history_days is None or forget_runs is None:
        return 0
    return forget_runs(utc_now() - timedelta(days=settings.history_days))


def _forget_logs(settings: Settings) -> int:
    """Remove what dbt wrote about old runs: a folder each, or a rotated log."""
    if settings.history_days is None:
        return 0
    before = (utc_now() - timedelta(days=settings.history_days)).timestamp()
    state = settings.home / "dbt"
    found = [*(state / "dagster").glob("*"), *(state / "logs").glob("*")]
    old = [path for path in found if path.stat().st_mtime < before]
    for path in old:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return len(old)


def _size(folder: Path) -> int:
    """The bytes of the files in a folder; files that go meanwhile count for nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if not path.is_dir() else 0
        except FileNotFoundError:
            continue
    return total
