"""Files that can't be read as a whole: kept out of the way, each beside its reason."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from orchestration.landing.deliveries import Delivery, LeftAlone, refused_to_leave
from orchestration.settings import Settings


def set_aside(settings: Settings, delivery: Delivery, reason: str) -> Path:
    """Move a file of the inbox out of it, or copy a given one, beside `<name>.reason.txt`.

    An earlier file of the same name keeps its place: the later one gets a number.

    Raises:
        LeftAlone: the inbox doesn't let the file go; nothing was copied.
    """
    folder = settings.set_aside / delivery.source
    folder.mkdir(parents=True, exist_ok=True)
    place = next(p for p in _places(folder, delivery.path.name) if not p.exists())
    note = place.with_name(place.name + ".reason.txt")
    note.write_text(f"{reason[0].upper()}{reason[1:]}.\n", encoding="utf-8")
    if not delivery.in_inbox:
        shutil.copyfile(delivery.path, place)
        return place
    try:
        shutil.move(delivery.path, place)
    except OSError as error:
        for copied in (place, note):
            copied.unlink(missing_ok=True)
        if (refusal := refused_to_leave(error)) is None:
            raise
        raise LeftAlone(f"couldn't be read: {reason}. And {refusal}") from error
    return place


def _places(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    for number in count(2):
        yield folder / f"{name}.{number}"
