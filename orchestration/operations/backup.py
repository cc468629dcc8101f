"""Backups: whole, dated copies of a home folder, of which unchanged archive files take no room."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from orchestration import published, snapshots
from orchestration.models import Progress
from orchestration.operations import leftovers
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, utc_now, writer_lock

MANIFEST = "manifest.json"
FORM = "learner-progress backup 1"
LEFT_OUT = {"dagster", "dbt", "spark", "writer.lock", "writer.json"}
"""What a home has that is no part of the record: run history, the lock, what dbt and Spark keep."""

_PART = ".backup.part"
_BLOCK = 1 << 20


class BackupRefused(Exception):
    """No backup can be taken here; the message says why. Nothing was written."""


class BackupDamaged(Exception):
    """A folder is no sound backup; the message says what is wrong with it."""


@dataclass(frozen=True)
class Copied:
    """One file of a backup: size, SHA-256 of its content, and when it was changed (ns)."""

    bytes: int
    sha256: str
    changed_ns: int


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: files and links by their path below the home folder."""

    taken_at: str
    refresh_id: str | None
    files: dict[str, Copied] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Backup:
    """A backup that was taken: its folder, how much is new in it, and warnings."""

    folder: Path
    manifest: Manifest
    copied_bytes: int
    warnings: list[str]

    def summary(self) -> dict[str, Any]:
        """The backup as `backup --json` prints it."""
        return {
            "folder": str(self.folder),
            "taken_at": self.manifest.taken_at,
            "refresh_id": self.manifest.refresh_id,
            "files": len(self.manifest.files),
            "bytes": sum(file.bytes for file in self.manifest.files.values()),
            "copied_bytes": self.copied_bytes,
            "warnings": self.warnings,
        }


def backup(
    settings: Settings, target: Path, *, wait: bool = True, progress: Progress | None = None
) -> Backup:
    """Copy the home folder, at rest under the writer's lock, into a dated folder of the target.

    Archived files that the newest backup there has too are hard links to it where the disk can do
    that. The folder gets its name when all of it is safely on disk: a backup that was cut short
    is no backup, and the next one clears it.

    Raises:
        BackupRefused: there is nothing to back up, or the target lies within the home folder.
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
    """
    target = target.expanduser().absolute()
    if target.resolve().is_relative_to(settings.home.resolve()):
        raise BackupRefused(f"{target} lies in the home folder; name one on another disk.")
    if not settings.warehouse_file.exists():
        raise BackupRefused(f"{settings.home} holds no warehouse: there is nothing to back up.")
    with writer_lock(settings, wait=wait):
        leftovers.clear(settings)
        with open_warehouse(settings) as connection:
            connection.execute("checkpoint")
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        building = target / _PART
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        return _Copying(settings, target, building).run(progress)


class _Copying:
    """One backup being taken."""

    def __init__(self, settings: Settings, target: Path, building: Path) -> None:
        self.settings, self.target, self.building = settings, target, building
        earlier = backups(target)
        self.last, self.known = target, dict[str, Copied]()
        self.copied_bytes, self.warnings = 0, list[str]()
        try:
            if earlier:
                self.last, self.known = earlier[-1], read_manifest(earlier[-1]).files
        except BackupDamaged as fault:
            self.warnings.append(str(fault))

    def run(self, progress: Progress | None) -> Backup:
        newest = published.latest_refresh(self.settings)
        taken_at = f"{utc_now():%Y%m%dT%H%M%S%fZ}"
        manifest = Manifest(taken_at, str(newest["refresh_id"]) if newest else None)
        paths = list(_paths(self.settings.home))
        for place, path in enumerate(paths):
            if progress:
                progress(path.name, place, len(paths))
            try:
                self._take(path, manifest)
            except FileNotFoundError:
                self.warnings.append(f"{path} went away, and is not in the backup.")
        text = json.dumps({"form": FORM, **asdict(manifest)}, indent=1, ensure_ascii=True)
        (self.building / MANIFEST).write_text(text, encoding="utf-8")
        for folder in [path for path in self.building.rglob("*") if path.is_dir()]:
            snapshots.flush(folder)
        snapshots.flush(self.building / MANIFEST)
        snapshots.flush(self.building)
        folder = self.target / taken_at
        self.building.rename(folder)
        snapshots.flush(self.target)
        return Backup(folder, manifest, self.copied_bytes, self.warnings)

    def _take(self, path: Path, manifest: Manifest) -> None:
        name = str(path.relative_to(self.settings.home))
        copy = self.building / "home" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() and path.resolve().parent == path.parent.resolve():
            manifest.links[name] = str(path.readlink())
            return
        before = path.stat()
        known = self.known.get(name)
        is_known = known and (known.bytes, known.changed_ns) == (before.st_size, before.st_mtime_ns)
        if known and is_known and name.startswith("archive/") and self._linked(name, copy):
            manifest.files[name] = known
            return
        copy.unlink(missing_ok=True)
        digest = copy_file(path, copy)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            copy.unlink()
            self.warnings.append(f"{path} was being written, and is not in the backup.")
            return
        self.copied_bytes += before.st_size
        manifest.files[name] = Copied(before.st_size, digest, before.st_mtime_ns)

    def _linked(self, name: str, copy: Path) -> bool:
        """Link a file of the last backup; false where the disk can't."""
        try:
            os.link(self.last / "home" / name, copy)
        except OSError:
            return False
        return copy.stat().st_size == self.known[name].bytes


def backups(target: Path) -> list[Path]:
    """The backups in a folder, oldest first."""
    return sorted(path.parent for path in target.glob(f"[0-9]*Z/{MANIFEST}"))


def read_manifest(folder: Path) -> Manifest:
    """Read what a backup says that it holds.

    Raises:
        BackupDamaged: it says nothing that could be understood.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content.pop("form") != FORM:
            raise BackupDamaged(f"{folder} was made by another version; restore it with that one.")
        files = {name: Copied(**file) for name, file in content.pop("files").items()}
        return Manifest(**content, files=files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupDamaged(f"{folder} is no backup: its {MANIFEST} can't be read.") from error


def copy_file(source: Path, copy: Path) -> str:
    """Copy a file with its rights and times, safely onto the disk; returns its SHA-256."""
    digest = hashlib.sha256()
    with source.open("rb") as read, copy.open("xb") as written:
        while block := read.read(_BLOCK):
            digest.update(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    shutil.copystat(source, copy)
    return digest.hexdigest()


def _paths(home: Path) -> Iterator[Path]:
    """Every file of the home that a backup holds; folders may be links to other disks."""
    for folder, folders, names in os.walk(home, followlinks=True):
        inside = Path(folder)
        left_out = LEFT_OUT if inside == home else set[str]()
        folders[:] = sorted(set(folders) - left_out)
        for path in sorted(inside / name for name in set(names) - left_out):
            is_part = inside.is_relative_to(home / "landing") and (
                path.name.startswith((".", "_")) or path.name.endswith((".tmp", ".part"))
            )
            if path.is_file() and not is_part:
                yield path
