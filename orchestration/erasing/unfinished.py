"""Erasures that were asked for and aren't complete: written down, so that the next refresh is.

`erasing.json` in the home folder holds the ids from the moment that an erasure begins until the
last file but the snapshots has forgotten them, then none until readers have a snapshot without
them. It goes when all is done.
"""

import json
import os
import shutil
from pathlib import Path

from orchestration import parts, snapshots
from orchestration.parquet import publish_parquet, remove
from orchestration.settings import Settings


def asked(settings: Settings) -> list[str] | None:
    """The learners to be forgotten still; empty where only the snapshots are left, else None."""
    try:
        found: list[str] = json.loads(_file(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def ask(settings: Settings, learner_id: str) -> None:
    """Write down, safely on disk, that a learner is to be forgotten."""
    _write(settings, [*dict.fromkeys([*(asked(settings) or []), learner_id])])


def mark_forgotten(settings: Settings) -> None:
    """Write down that only the snapshots still count those who were to be forgotten."""
    _write(settings, [])


def finish(settings: Settings) -> None:
    """Drop every snapshot but the newest, whose figures count those who were forgotten.

    Snapshots as of the past go too, and what was written as Parquet of an older one is written
    anew. With that an erasure is complete.
    """
    _drop_older_snapshots(settings)
    for leftover in settings.published.glob(".parquet.*"):
        remove(leftover)
    if os.path.lexists(settings.published / "parquet") and not settings.publish_parquet:
        publish_parquet(settings)
    _file(settings).unlink(missing_ok=True)
    snapshots.flush(settings.home)


def snapshot_files(settings: Settings) -> list[Path]:
    """Every file of a published snapshot but its parts, also of those as of the past."""
    now = settings.published.glob("learner_progress__*.duckdb*")
    return [*now, *(settings.published / "as_of").rglob("*.duckdb*")]


def _drop_older_snapshots(settings: Settings) -> None:
    newest = settings.snapshot_file.resolve()
    for path in snapshot_files(settings):
        if path != newest:
            path.unlink()
    for folder in settings.published.glob("learner_progress__*.parquet"):
        if folder.resolve() != parts.folder_of(newest):
            shutil.rmtree(folder)
    for folder in sorted((settings.published / "as_of").rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _write(settings: Settings, learners: list[str]) -> None:
    """Replace the file in one step; readable by its owner only, as it names learners."""
    part = clear_part(settings)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(learners, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(_file(settings))
    snapshots.flush(settings.home)


def clear_part(settings: Settings) -> Path:
    """Remove what a process left that was killed as it wrote; returns where it is written."""
    part = _file(settings).with_suffix(".part")
    part.unlink(missing_ok=True)
    return part


def _file(settings: Settings) -> Path:
    return settings.home / "erasing.json"
