"""Small notes in JSON, beside the snapshot for readers who never open the warehouse, or kept."""

import json
import os
from pathlib import Path
from typing import Any


def write(file: Path, note: dict[str, Any]) -> None:
    """Put a note in the place of the one that is there, in one step that outlasts a power cut."""
    building = file.with_suffix(".part")
    with building.open("w", encoding="utf-8") as written:
        json.dump(note, written)
        written.flush()
        os.fsync(written.fileno())
    building.replace(file)


def read(file: Path) -> dict[str, Any] | None:
    """A note; None where there is none, or none that can be read: who wrote it does so anew."""
    try:
        note = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return note if isinstance(note, dict) else None
