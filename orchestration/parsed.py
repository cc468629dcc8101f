"""The parsed dbt project, kept in the home folder from one command to the next."""

import hashlib
import pickle
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

_READ: dict[Path, Any] = {}


def file_for(folder: Path, project: Path, engine: str, variables: str) -> Path:
    """Where the project as it now is, parsed for an engine and with these variables, is kept.

    The name holds a hash of all that parsing depends on: every file of the project, and dbt.
    """
    digest = hashlib.sha256("\0".join((engine, variables, str(project))).encode())
    for package in ("dbt-core", "dbt-common", "dbt-adapters", "dbt-duckdb", "jinja2"):
        digest.update(f"{package} {version(package)}\0".encode())
    for path in sorted(project.rglob("*")):
        if path.suffix in {".sql", ".yml", ".md"} and "target" not in path.parts:
            digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes())
    return folder / f"parsed_{engine}_{digest.hexdigest()[:32]}.pickle"


def read(file: Path) -> Any | None:
    """The manifest kept in a file; None where there is none, or none that can be read.

    dbt's own form takes ten times as long to read. A pickled object runs what it says: the file is
    as private as the warehouse beside it, and no part of a backup.
    """
    if file not in _READ:
        from dbt.contracts.graph.manifest import Manifest

        try:
            _READ[file] = Manifest(**pickle.loads(file.read_bytes()))  # noqa: S301
        except Exception:
            # Missing, cut short by a crash, or written otherwise: it is parsed anew.
            return None
    return _READ[file]


def keep(manifest: Any, file: Path) -> None:
    """Keep a manifest, in the place of those of other states of the project on its engine."""
    _READ[file] = manifest
    # What a manifest knows; its lock, and what it looks things up in, are of this process.
    known = [field.name for field in fields(manifest) if not field.name.startswith("_")]
    unfinished = file.with_suffix(".unfinished")
    # It can be parsed again.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        engine = file.name.rpartition("_")[0]
        for older in file.parent.glob(f"{engine}_*"):
            older.unlink()
        unfinished.write_bytes(pickle.dumps({name: getattr(manifest, name) for name in known}))
        unfinished.replace(file)
