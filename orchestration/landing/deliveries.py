"""What was delivered: the files of the inbox or of given paths, in landing order."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.formats import JSON_ENDINGS, READERS, ending_of
from orchestration.landing.sources import SOURCES
from orchestration.landing.standards import STANDARDS
from orchestration.settings import Settings

MAX_NAME_BYTES = 200
_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS}


class UnknownSource(Exception):
    """A path doesn't tell its source; the message says which, and how to name one."""


class PathNotFound(Exception):
    """A given path doesn't exist; the message says which. Nothing was landed."""


class LeftAlone(Exception):
    """A file can't be taken as it is now, and stays where it is; the message says why."""


@dataclass(frozen=True)
class Delivery:
    """One file to land: its source, where it lies, and whether it leaves once archived.

    `room` is the folder that the file may not lead out of by symbolic links.
    """

    source: str
    path: Path
    room: Path
    in_inbox: bool

    @property
    def name(self) -> str:
        """The file's name as text, with U+FFFD for bytes that are not UTF-8."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    @property
    def ending(self) -> tuple[str, str | None] | None:
        """The file's format and packing, or None where its source can't be read so."""
        endings = JSON_ENDINGS if self.source in STANDARDS else READERS
        return ending_of(self.path.name, endings)


@dataclass(frozen=True)
class OpenFile:
    """A file being read, and what it looked like when it was opened."""

    path: Path
    descriptor: int
    mark: tuple[int, ...]

    def is_at_rest(self) -> bool:
        """Whether the path still holds this file, unchanged since it was opened."""
        try:
            return _mark(self.path.stat()) == self.mark == _mark(os.fstat(self.descriptor))
        except OSError:
            return False


def inbox(settings: Settings, source: str | None = None) -> list[Delivery]:
    """List what lies in the inbox, of one source if given; missing folders are created.

    Raises:
        UnknownSource: nothing was landed.
    """
    _check_source(source)
    found = []
    for name in SOURCES:
        folder = settings.landing / name
        folder.mkdir(parents=True, exist_ok=True)
        if source in (None, name):
            found += [Delivery(name, path, settings.landing, True) for path in _files(folder)]
    return found


def given(paths: Iterable[Path], source: str | None) -> list[Delivery]:
    """List the files of given paths: files, folders named as a source, or folders of those.

    Raises:
        UnknownSource, PathNotFound: nothing was landed.
    """
    _check_source(source)
    found = [delivery for path in paths for delivery in _given(path.absolute(), source)]
    places = list(SOURCES)
    return sorted(found, key=lambda d: (places.index(d.source), os.fsencode(d.path.name)))


def waiting(settings: Settings) -> list[Path]:
    """List the files of the inbox that a landing would take; nothing is created or opened."""
    taken = []
    for source in SOURCES:
        folder = settings.landing / source
        for path in _files(folder) if folder.is_dir() else ():
            try:
                check(Delivery(source, path, settings.landing, True))
            except LeftAlone:
                continue
            taken.append(path)
    return taken


def check(delivery: Delivery) -> None:
    """Look at a file without opening it.

    Raises:
        LeftAlone: it is no regular file, leads out of its room, or has no name we can keep.
    """
    try:
        status = delivery.path.stat()
        inside = delivery.path.resolve().is_relative_to(delivery.room.resolve())
    except (OSError, RuntimeError) as error:
        raise LeftAlone(
            f"can't be looked at ({_cause(error)}); check the link or its rights"
        ) from error
    if not inside:
        raise LeftAlone("is a link that leads out of its folder; put the file itself here")
    if not stat.S_ISREG(status.st_mode):
        raise LeftAlone("is no regular file; put plain files here")
    if delivery.ending is None:
        standard = "use .jsonl, .ndjson or .json, plain, .gz or .zst"
        usual = "use .jsonl, .ndjson or .csv, plain, .gz or .zst, or .parquet"
        use = standard if delivery.source in STANDARDS else usual
        raise LeftAlone(f"has an unknown ending; {use}")
    if len(os.fsencode(delivery.path.name)) > MAX_NAME_BYTES:
        raise LeftAlone(f"has a name longer than {MAX_NAME_BYTES} bytes; give it a shorter one")


@contextmanager
def opened(delivery: Delivery) -> Iterator[OpenFile]:
    """Open a file for reading without ever waiting on it.

    Raises:
        LeftAlone: it can't be opened, or is no regular file by now.
    """
    try:
        descriptor = os.open(delivery.path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise LeftAlone(f"can't be opened ({_cause(error)}); check its rights") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LeftAlone("is no regular file; put plain files here")
        yield OpenFile(delivery.path, descriptor, _mark(status))
    finally:
        os.close(descriptor)


def refused_to_leave(error: OSError) -> str | None:
    """Say that the inbox doesn't let a file go, where that is the error, and what to do."""
    if error.errno not in _REFUSALS:
        return None
    return f"it can't be moved out of the inbox ({error.strerror}); mend the folder's rights"


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _given(path: Path, source: str | None) -> Iterator[Delivery]:
    if not os.path.lexists(path):
        raise PathNotFound(f"{path} doesn't exist; check the path.")
    if not path.is_dir():
        yield Delivery(source or _source_of(path.parent), path, path.resolve().parent, False)
    elif source is not None or path.name in SOURCES:
        for file in _files(path):
            yield Delivery(source or path.name, file, path, False)
    else:
        folders = [path / name for name in SOURCES if (path / name).is_dir()]
        if not folders:
            _source_of(path)
        for folder in folders:
            for file in _files(folder):
                yield Delivery(folder.name, file, path, False)


def _check_source(source: str | None) -> None:
    if source is not None and source not in SOURCES:
        raise UnknownSource(f"There is no source {source!r}; use one of {', '.join(SOURCES)}.")


def _source_of(folder: Path) -> str:
    if folder.name not in SOURCES:
        raise UnknownSource(
            f"{folder} is not named as a source; name one of {', '.join(SOURCES)} with --source."
        )
    return folder.name


def _files(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if _is_finished(path.name))
    return sorted(files, key=lambda path: os.fsencode(path.name))


def _is_finished(name: str) -> bool:
    return not name.startswith((".", "_")) and not name.endswith((".tmp", ".part"))


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
