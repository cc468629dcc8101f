"""The wire formats: each one file that reads a stream into chunks of rows.

A reader takes the stream of a file's decompressed content, its source and a scratch folder, and
yields Arrow tables, one row per record: `line` (int64, from 1), `text` (binary: the record's bytes
without its line end; null where it has none), `fault` (a reason code, or null), `detail` (text),
and one text column per column of the source, null where absent. It raises `Unreadable` when the
file as a whole can't be read. Values are judged later, alike for every format.
"""

from collections.abc import Iterable

from orchestration.landing.formats import comma_separated, jsonl, parquet
from orchestration.landing.formats.chunks import Reader, Stream, Unreadable

READERS: dict[str, Reader] = {
    ".jsonl": jsonl.read,
    ".ndjson": jsonl.read,
    ".csv": comma_separated.read,
    ".parquet": parquet.read,
}
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
"""The endings of the standards' files, which hold JSON whatever the ending."""

PACKINGS = {".gz": "gzip", ".zst": "zstd"}
UNPACKED = {".parquet"}

__all__ = ["JSON_ENDINGS", "READERS", "Reader", "Stream", "Unreadable", "ending_of"]


def ending_of(name: str, endings: Iterable[str] = READERS) -> tuple[str, str | None] | None:
    """Split a file name's ending into format and packing, or None where we can't read it."""
    for suffix, packing in PACKINGS.items():
        if name.endswith(suffix):
            ending = _format_of(name.removesuffix(suffix), endings)
            return (ending, packing) if ending and ending not in UNPACKED else None
    ending = _format_of(name, endings)
    return (ending, None) if ending else None


def _format_of(name: str, endings: Iterable[str]) -> str | None:
    return next((ending for ending in endings if name.endswith(ending)), None)
