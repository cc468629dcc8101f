"""Archived copies, found by their batch and read again as landing reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pyarrow as pa

from orchestration.landing.archive import Content
from orchestration.landing.formats import JSON_ENDINGS, READERS, Unreadable, ending_of
from orchestration.landing.formats.chunks import Reader
from orchestration.landing.sources import Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.reading import reader
from orchestration.settings import Settings

Lines = tuple[int, int | None]
"""The first and the last of some lines, rows or documents; no last is the file's end."""


def copy_of(archive: Path, batch_id: int) -> Path:
    """Find the copy of a batch in the archive.

    Raises:
        Unreadable: the archive lacks it.
    """
    copy = next(archive.glob(f"{batch_id:09d}__*.zst"), None)
    if copy is None:
        raise Unreadable(f"{archive} lacks the copy of batch {batch_id}; bring it back")
    return copy


def ending_of_copy(copy: Path) -> str:
    """The format of a copy's content, as the ending of its name."""
    _, source, name = copy.name.removesuffix(".zst").split("__", 2)
    known = ending_of(name, JSON_ENDINGS if source in STANDARDS else READERS)
    return cast("tuple[str, str | None]", known)[0]


def read(copy: Path, source: Source, settings: Settings) -> Iterator[pa.Table]:
    """Read a copy into chunks, as landing does; their texts are plain strings."""
    reads = _reader(copy, source, settings)
    with Content(copy, "", 0).open() as stream:
        for chunk in reads(stream, source, settings.home):
            yield chunk.cast(pa.schema([_plain(field) for field in chunk.schema]))


def _reader(copy: Path, source: Source, settings: Settings) -> Reader:
    standard = STANDARDS.get(source.name)
    return reader(standard, settings) if standard else READERS[ending_of_copy(copy)]


def _plain(field: pa.Field) -> pa.Field:
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    return field.with_type(plain.get(field.type, field.type))
