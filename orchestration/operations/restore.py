"""Restoring a backup into an empty home folder."""

import os
import shutil
from pathlib import Path

from orchestration import parting, snapshots
from orchestration.models import Progress
from orchestration.operations.backup import (
    LEFT_OUT,
    BackupDamaged,
    Manifest,
    backups,
    copy_file,
    read_manifest,
)
from orchestration.settings import Settings
from orchestration.warehouse import writer_lock

_PART = ".restoring.part"


class HomeNotEmpty(Exception):
    """A backup is restored into an empty home only; the message says what lies there."""


def restore(
    settings: Settings, source: Path, *, wait: bool = True, progress: Progress | None = None
) -> Manifest:
    """Bring a backup back as the home folder, every file checked against its checksum.

    Files get their places when all of them are there and sound, the warehouse last: a restore
    that was cut short leaves a home in which nothing lands, and is completed by running it again.

    Args:
        source: one backup, or the folder of several, of which the newest is taken.

    Raises:
        BackupDamaged: the home is as empty as it was.
        HomeNotEmpty: nothing was changed.
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
    """
    source = source.expanduser().absolute()
    folder = next(reversed(backups(source)), source)
    manifest = read_manifest(folder)
    with writer_lock(settings, wait=wait):
        building = settings.home / _PART
        _check_empty(settings.home, building, manifest)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        try:
            _copy(folder, building, manifest, progress)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        for path in sorted(building.iterdir(), key=lambda path: path.name == "warehouse.duckdb"):
            path.replace(settings.home / path.name)
            snapshots.flush(settings.home)
        building.rmdir()
        parting.follow(settings)
    return manifest


def _copy(folder: Path, building: Path, manifest: Manifest, progress: Progress | None) -> None:
    for place, (name, file) in enumerate(manifest.files.items()):
        if progress:
            progress(name, place, len(manifest.files))
        copy = _place(building, name)
        try:
            digest = copy_file(folder / "home" / name, copy)
        except FileNotFoundError as error:
            raise BackupDamaged(f"{folder} lacks {name}; take another backup.") from error
        if digest != file.sha256:
            raise BackupDamaged(
                f"{name} in {folder} is not what was backed up; take another backup."
            )
    for name, target in manifest.links.items():
        _place(building, name).symlink_to(target)
    for path, _, _ in os.walk(building):
        snapshots.flush(Path(path))


def _place(building: Path, name: str) -> Path:
    """Where a file goes, in a folder that is made for it.

    Raises:
        BackupDamaged: its name leads out of the home folder.
    """
    place = building / name
    if not Path(os.path.normpath(place)).is_relative_to(building):
        raise BackupDamaged(f"The backup names a file outside of the home folder, {name}.")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _check_empty(home: Path, building: Path, manifest: Manifest) -> None:
    """See that the home holds nothing of the record, but what a restore left half-done."""
    if building.exists() and not (home / "warehouse.duckdb").exists():
        for name in {Path(name).parts[0] for name in [*manifest.files, *manifest.links]}:
            path = home / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    rest = [path for path in home.iterdir() if path != building and path.name not in LEFT_OUT]
    found = [path for path in rest if not path.is_dir()]
    found += [path for folder in rest for path in folder.rglob("*") if not path.is_dir()]
    if found:
        raise HomeNotEmpty(
            f"{home} isn't empty ({found[0].relative_to(home)} lies there): move it away, or set"
            " LEARNER_PROGRESS_HOME to an empty folder."
        )
    for folder in rest:
        shutil.rmtree(folder)
