"""The archive: the decompressed content of every landed file, kept whole as zstd."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import zstandard

from orchestration.landing.formats import Stream, Unreadable

BLOCK = 1 << 20
LARGE_BYTES = 16 << 20
PART = ".landing.part"


class ArchiveMismatch(Exception):
    """The archive holds batches that the warehouse doesn't know; the message says what to do."""


@dataclass(frozen=True)
class Limits:
    """How far a compressed file may unfold.

    `content` is the greatest number of decompressed bytes; content beyond `free` bytes may not be
    more than `ratio` times what was read of the file, so that a bomb is known by its beginning.
    """

    content: int = 64 << 30
    ratio: int = 1000
    free: int = 64 << 20

    def of(self, size: int) -> int:
        """The greatest decompressed size allowed to `size` bytes of a file."""
        return min(self.content, max(self.free, self.ratio * size))


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Content:
    """The decompressed content of one file: where its zstd copy lies, its SHA-256 and size."""

    copy: Path
    sha256: str
    bytes: int

    @contextmanager
    def open(self) -> Iterator["Unpacked"]:
        """Read the content from its copy."""
        with pa.CompressedInputStream(pa.OSFile(os.fsencode(self.copy)), "zstd") as stream:
            yield Unpacked(stream)


class Unpacked:
    """A stream of decompressed bytes that knows how many were read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.position = 0

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes, none at the end."""
        block = self._stream.read(size)
        self.position += len(block)
        return block


def copy_in(descriptor: int, packing: str | None, archive: Path, limits: Limits) -> Content:
    """Copy a file's decompressed content into the archive, under a name for unfinished copies.

    Raises:
        Unreadable: the compressed file is damaged, cut short or unfolds beyond its limits.
    """
    archive.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    compressor = _compressor(os.fstat(descriptor).st_size)
    with (archive / PART).open("wb") as file, compressor.stream_writer(file) as copy:
        for block in _blocks(descriptor, packing, limits):
            digest.update(block)
            size += len(block)
            copy.write(block)
    return Content(archive / PART, digest.hexdigest(), size)


def _compressor(size: int) -> zstandard.ZstdCompressor:
    """The fastest level: of lines of events it makes the least too. Large files take threads."""
    threads = 2 if size > LARGE_BYTES else 0
    return zstandard.ZstdCompressor(level=1, write_checksum=True, threads=threads)


@contextmanager
def keeping(content: Content, batch_id: int, source: str, name: str) -> Iterator[Content]:
    """Give a copy its place in the archive; at the end of the block it is safely on disk.

    The disk takes it while the block does its own work. If that fails, the copy is removed.
    """
    kept = keep(content, batch_id, source, name)
    try:
        with ThreadPoolExecutor(2) as threads:
            writing = [threads.submit(on_disk, path) for path in (kept.copy, kept.copy.parent)]
            yield kept
            for one in writing:
                one.result()
    except BaseException:
        kept.copy.unlink(missing_ok=True)
        raise


def keep(content: Content, batch_id: int, source: str, name: str) -> Content:
    """Give a finished copy its place in the archive, which may not be on disk yet."""
    place = content.copy.parent / f"{batch_id:09d}__{source}__{name}.zst"
    content.copy.replace(place)
    return replace(content, copy=place)


def on_disk(path: Path) -> None:
    """See that a file, or the names in a folder, are safely on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def name_of(copy: Path) -> str:
    """The name of the file that a copy in the archive was made of."""
    return copy.name.removesuffix(".zst").split("__", 2)[2]


def copies_by_batch(archive: Path) -> dict[int, Path]:
    """The copies in the archive, by the number of their batch."""
    return dict(_copies(archive.iterdir())) if archive.is_dir() else {}


def clear_unfinished(archive: Path, last_batch_id: int) -> None:
    """Remove what a landing that was killed left behind: its copy, finished or not.

    Only the batch after the last one can be such a copy.

    Raises:
        ArchiveMismatch: later batches lie in the archive; nothing was removed.
    """
    copies = [] if not archive.is_dir() else list(_copies(archive.iterdir()))
    known = last_batch_id + 1
    if unknown := [batch_id for batch_id, _ in copies if batch_id > known]:
        raise ArchiveMismatch(
            f"{archive} holds batch {max(unknown)}, but the warehouse knows {last_batch_id} only;"
            " bring back the warehouse file that belongs to this archive, or move the archive away."
        )
    for batch_id, path in copies:
        if batch_id == known:
            path.unlink()
    clear_part(archive)


def clear_part(archive: Path) -> None:
    """Remove a copy that was never given its place."""
    (archive / PART).unlink(missing_ok=True)


def _copies(paths: Iterable[Path]) -> Iterator[tuple[int, Path]]:
    for path in paths:
        number = path.name.partition("__")[0]
        if number.isascii() and number.isdigit() and path.name.endswith(".zst"):
            yield int(number), path


def _blocks(descriptor: int, packing: str | None, limits: Limits) -> Iterator[bytes]:
    """Yield a file's decompressed bytes, checked against every way in which it can be damaged."""
    size = 0
    if packing and not os.fstat(descriptor).st_size:
        raise Unreadable(f"the file is empty, which no {packing} file can be; send it again")
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        stream = pa.CompressedInputStream(file, packing) if packing else file
        while True:
            try:
                block = stream.read(BLOCK)
            except (OSError, pa.ArrowException) as error:
                raise Unreadable(
                    f"the file is damaged or cut short ({error}); send it again"
                ) from error
            if not block:
                return
            size += len(block)
            read = file.tell() if packing else size
            limit = limits.of(read) if packing else limits.content
            if size > limit:
                raise Unreadable(
                    f"its first {read:,} bytes hold more than {limit:,} bytes of content, which is"
                    " the limit; split the file"
                )
            yield block
