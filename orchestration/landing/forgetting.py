"""Forgetting a learner in what was delivered: the archive and the files set aside."""

import gzip
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from orchestration.landing import copies, emptying
from orchestration.landing.archive import Content
from orchestration.landing.copies import Lines
from orchestration.landing.formats import Unreadable, ending_of
from orchestration.landing.formats.chunks import physical_lines
from orchestration.landing.formats.views import MAX_ID_LENGTH
from orchestration.landing.sources import SOURCES, Source
from orchestration.landing.standards import STANDARDS
from orchestration.landing.standards.reading import IN_ENVELOPE_BITS
from orchestration.landing.traces import Trace
from orchestration.settings import Settings

NOTE = ".reason.txt"
_NUMBERED = re.compile(r"\.\d+$")


@dataclass(frozen=True)
class Found:
    """A learner's lines in one archived copy: where each begins, and how far its record runs."""

    copy: Path
    batch_id: int
    lines: list[int] = field(default_factory=list)
    extents: list[Lines] = field(default_factory=list)

    def add(self, first: int, last: int | None) -> None:
        """Add the record that runs from one line to another, or to the file's end."""
        self.lines.append(first)
        self.extents.append((first, last))


def find_in_archive(settings: Settings, trace: Trace) -> Iterator[Found]:
    """Read every archived copy that could hold a learner, and yield those that do.

    A record is the learner's when its learner_id is the id, when the id stands in a column that
    the warehouse doesn't read, or when its learner can't be read and the id stands in its text.
    """
    for copy in sorted(settings.archive.glob("*__*__*.zst")):
        number, name, _ = copy.name.split("__", 2)
        if name in SOURCES and _may_hold(copy, trace):
            found = Found(copy, int(number))
            find = _find_documents if name in STANDARDS else _find
            find(found, SOURCES[name], settings, trace)
            if found.lines:
                yield found


def forget_in_copy(found: Found) -> None:
    """Empty a learner's lines in an archived copy; all others keep their numbers."""
    source = SOURCES[found.copy.name.split("__", 2)[1]]
    emptying.empty(found.copy, source, copies.ending_of_copy(found.copy), found.extents)


def forget_set_aside(settings: Settings, trace: Trace) -> int:
    """Forget a learner in the files set aside; returns how many were touched.

    Of a file of text the lines in which the id stands are emptied; any other file goes as a
    whole, with its note, since it can't be read.
    """
    touched = 0
    for leftover in settings.set_aside.rglob(".*.part"):
        leftover.unlink()
    for path in sorted(settings.set_aside.rglob("*")):
        if not path.is_file() or not trace.stands_in_file(path):
            continue
        touched += 1
        if path.name.endswith(NOTE):
            path.write_text("The reason named a learner who was erased.\n", encoding="utf-8")
        elif not _emptied(path, trace):
            path.unlink()
            path.with_name(path.name + NOTE).unlink(missing_ok=True)
    return touched


def _may_hold(copy: Path, trace: Trace) -> bool:
    """Whether a copy's bytes could hold the id: Parquet, escapes and mappings can hide it."""
    if copies.ending_of_copy(copy) == ".parquet" or copy.name.split("__", 2)[1] in STANDARDS:
        return True
    sought = [*trace.forms, b"\\u"]
    before = b""
    with Content(copy, "", 0).open() as stream:
        while block := stream.read(1 << 22):
            data = before + block
            if any(form in data for form in sought):
                return True
            before = data[-max(map(len, sought)) :]
    return False


def _find(found: Found, source: Source, settings: Settings, trace: Trace) -> None:
    is_parquet = copies.ending_of_copy(found.copy) == ".parquet"
    unread = _in_unread_columns(found.copy, source, trace) if is_parquet else set()
    mentions = {} if is_parquet else _mentions(found.copy, trace)
    try:
        for chunk, until in _with_next_line(copies.read(found.copy, source, settings)):
            starts = chunk.column("line").to_pylist()
            places = {place for place, start in enumerate(starts) if start in unread}
            places |= _own(chunk, source, trace) | _mentioning(
                chunk, source, trace, until, mentions
            )
            for place in sorted(places):
                last = starts[place + 1] if place + 1 < len(starts) else until
                found.add(starts[place], last - 1 if last else None)
    except Unreadable:
        # A newer reader refuses the file: what can still be told is told by its text.
        for line in mentions:
            found.add(line, line)


def _find_documents(found: Found, source: Source, settings: Settings, trace: Trace) -> None:
    """Find a standard's documents; an envelope or array on one line goes as a whole."""
    for chunk in copies.read(found.copy, source, settings):
        columns = (chunk.column(name).to_pylist() for name in ("line", "text", "fault", "learner"))
        for line, text, fault, learner in zip(*columns, strict=True):
            is_told = trace.count(text) and (fault is not None or not trace.is_number)
            place = line >> IN_ENVELOPE_BITS
            if (learner == trace.learner_id or is_told) and place not in found.lines[-1:]:
                found.add(place, place)


def _own(chunk: pa.Table, source: Source, trace: Trace) -> set[int]:
    if "learner_id" not in source.names:
        return set()
    learners = chunk.column("learner_id").cast(pa.string())
    own = [told for told in learners.unique().to_pylist() if told and _is_of(told, trace)]
    return set(pc.indices_nonzero(pc.is_in(learners, pa.array(own, pa.string()))).to_pylist())


def _is_of(told: str, trace: Trace) -> bool:
    """Whether what a record tells as its learner is the id, or no id at all but holds it."""
    if told == trace.learner_id:
        return True
    is_sound = (
        len(told) <= MAX_ID_LENGTH
        and told == told.strip()
        and "Cc" not in map(unicodedata.category, told)
    )
    return not is_sound and trace.count(told.encode("utf-8", "replace")) > 0


def _mentioning(
    chunk: pa.Table, source: Source, trace: Trace, until: int | None, mentions: dict[int, int]
) -> set[int]:
    """The records in which the id stands elsewhere than in a column that the warehouse reads."""
    starts = chunk.column("line").to_pylist()
    times: dict[int, int] = {}
    for line, count in mentions.items():
        if starts[0] <= line and (until is None or line < until):
            place = bisect_right(starts, line) - 1
            times[place] = times.get(place, 0) + count
    found = set()
    for place, count in times.items():
        row = chunk.slice(place, 1).to_pylist()[0]
        if row["fault"] is not None and row.get("learner_id") is None:
            found.add(place)
        elif not trace.is_number:
            values = [row[name] for name in source.names if row[name] is not None]
            read = sum(trace.count(value.encode("utf-8", "replace")) for value in values)
            if count > read + (trace.learner_id in source.names):
                found.add(place)
    return found


def _mentions(copy: Path, trace: Trace) -> dict[int, int]:
    """The physical lines in which the id stands, and how often."""
    with Content(copy, "", 0).open() as stream:
        counted = ((number, trace.count(line)) for number, line in physical_lines(stream))
        return {number: count for number, count in counted if count}


def _in_unread_columns(copy: Path, source: Source, trace: Trace) -> set[int]:
    """The rows of a Parquet file in which the id stands in a column that nobody reads."""
    if trace.is_number:
        return set()
    rows = set()
    with Content(copy, "", 0).open() as stream:
        content = pa.BufferReader(b"".join(iter(lambda: stream.read(1 << 22), b"")))
    parquet = pq.ParquetFile(content)
    columns = [name for name in parquet.schema_arrow.names if name not in source.names]
    first = 1
    for batch in parquet.iter_batches(columns=columns) if columns else ():
        for column in batch.columns:
            for place, value in enumerate(column.to_pylist()):
                if value is not None and trace.count(str(value).encode("utf-8", "replace")):
                    rows.add(first + place)
        first += len(batch)
    return rows


def _with_next_line(chunks: Iterable[pa.Table]) -> Iterator[tuple[pa.Table, int | None]]:
    """Yield every chunk with the line at which the chunk after it begins, None after the last."""
    before = None
    for chunk in chunks:
        if not len(chunk):
            continue
        if before is not None:
            yield before, chunk.column("line")[0].as_py()
        before = chunk
    if before is not None:
        yield before, None


def _emptied(path: Path, trace: Trace) -> bool:
    """Empty a text file's lines in which the id stands; false where it is no readable text."""
    ending, packing = ending_of(_NUMBERED.sub("", path.name)) or (".parquet", None)
    if ending == ".parquet":
        return False
    building = path.with_name(f".{path.name}.part")
    try:
        with _opened(path, packing, "rb") as file, _opened(building, packing, "wb") as emptied:
            if b"\0" in file.peek(4)[:4]:  # type: ignore[attr-defined]
                return False
            for line in file:
                emptied.write(b"\n" if trace.count(line) else line)
        building.replace(path)
    except (OSError, EOFError, zstandard.ZstdError):
        return False
    finally:
        building.unlink(missing_ok=True)
    return not trace.stands_in_file(path)


@contextmanager
def _opened(path: Path, packing: str | None, mode: str) -> Iterator[IO[bytes]]:
    if packing == "gzip":
        with gzip.open(path, mode) as file:
            yield file  # type: ignore[misc]
    elif packing == "zstd":
        with zstandard.open(path, mode) as file:
            yield file
    else:
        with path.open(mode) as file:
            yield file
