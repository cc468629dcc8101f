"""Emptying some lines of an archived copy, so that all others keep their numbers."""

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from orchestration.landing.archive import Content, Unpacked
from orchestration.landing.copies import Lines
from orchestration.landing.formats.chunks import physical_lines
from orchestration.landing.sources import Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.documents import documents

BUILDING = ".emptied.part"
_LINE_ENDS = (b"", b"\n", b"\r")

Thing = TypeVar("Thing")


def empty(copy: Path, source: Source, ending: str, lines: Iterable[Lines]) -> None:
    """Empty lines of a copy: blank in text, null rows in Parquet, null documents in an array.

    The copy is replaced in one step.
    """
    gaps = sorted(lines)
    building = copy.with_name(BUILDING)
    with Content(copy, "", 0).open() as stream, building.open("wb") as file:
        writer = zstandard.ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False)
        with writer as packed:
            if source.name in STANDARDS:
                _empty_documents(stream, copy.parent, packed, gaps)
            elif ending == ".parquet":
                _empty_rows(stream, copy.parent, packed, gaps)
            else:
                for line, is_inside in _inside(physical_lines(stream), gaps):
                    packed.write(b"\n" if is_inside else line)
        file.flush()
        os.fsync(file.fileno())
    building.replace(copy)


def _inside(things: Iterable[tuple[int, Thing]], gaps: list[Lines]) -> Iterator[tuple[Thing, bool]]:
    """Tell of each numbered thing whether its number lies in one of the gaps."""
    places = iter(gaps)
    first, last = next(places, (None, None))
    for number, thing in things:
        while first is not None and last is not None and number > last:
            first, last = next(places, (None, None))
        yield thing, first is not None and number >= first


def _empty_rows(stream: Unpacked, scratch: Path, packed: IO[bytes], gaps: list[Lines]) -> None:
    with _on_disk(stream, scratch) as file:
        parquet = pq.ParquetFile(file)
        schema = pa.schema([field.with_nullable(True) for field in parquet.schema_arrow])
        row = 1
        with pq.ParquetWriter(pa.PythonFile(packed, "w"), schema) as writer:
            for batch in parquet.iter_batches():
                numbered = ((row + place, place) for place in range(len(batch)))
                places = [None if is_in else place for place, is_in in _inside(numbered, gaps)]
                rows = pa.Table.from_batches([batch]).cast(schema)
                writer.write_table(rows.take(pa.array(places, pa.int64())))
                row += len(batch)


def _empty_documents(stream: Unpacked, scratch: Path, packed: IO[bytes], gaps: list[Lines]) -> None:
    """Documents come in the order of the file, so each is found after the one before it."""
    with _on_disk(stream, scratch) as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        place = 0
        for text, is_inside in _inside(documents(file), gaps):
            start = content.find(text, place)
            end = start + len(text)
            packed.write(content[place:start])
            is_line = content[max(start - 1, 0) : start] in _LINE_ENDS
            is_line = is_line and content[end : end + 1] in _LINE_ENDS
            packed.write((b"" if is_line else b"null") if is_inside else text)
            place = end
        packed.write(content[place:])
        content.close()


@contextmanager
def _on_disk(stream: Unpacked, scratch: Path) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile(dir=scratch) as file:
        while block := stream.read(1 << 20):
            file.write(block)
        file.flush()
        file.seek(0)
        yield file
