"""Forgetting a learner in the names under which files were delivered."""

from itertools import count
from pathlib import Path

from orchestration.landing.traces import Trace
from orchestration.settings import Settings


def forget_names(settings: Settings, trace: Trace) -> int:
    """Rename files of the archive and files set aside whose names hold an id; returns how many."""
    renamed = 0
    for path in sorted(settings.archive.glob("*__*__*.zst")):
        number, source, name = path.name.split("__", 2)
        renamed += _rename(path, f"{number}__{source}__{trace.without(name)}")
    for path in sorted(settings.set_aside.rglob("*")):
        if path.is_file():
            renamed += _rename(path, trace.without(path.name))
    return renamed


def _rename(path: Path, name: str) -> bool:
    if name == path.name:
        return False
    places = (path.with_name(name if number == 1 else f"{name}.{number}") for number in count(1))
    path.rename(next(place for place in places if not place.exists()))
    return True
