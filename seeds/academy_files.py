"""Writes rows as source files, always the same bytes for the same rows and library versions."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

Row = dict[str, str | int | None]
Line = Row | str
"""A row, or a line to be written as it stands (JSON only)."""


def write_rows(file: Path, lines: Sequence[Line]) -> None:
    """Write `lines` in the format and compression of the file's endings; None is left out.

    JSON files take rows and ready text, CSV and Parquet files rows with the first row's columns.
    In Parquet, columns that end in `_at` are instants in UTC with microseconds.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    kind, *compression = file.name.split(".")[1:]
    rows = [line for line in lines if isinstance(line, dict)]
    if kind == "parquet":
        pq.write_table(_table(rows), file, compression="zstd")
        return
    text = _csv(rows) if kind == "csv" else "".join(f"{_json(line)}\n" for line in lines)
    file.write_bytes(_compressed(text.encode(), compression))


def _json(line: Line) -> str:
    if isinstance(line, str):
        return line
    present = {name: value for name, value in line.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":"))


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _table(rows: list[Row]) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name.endswith("_at"):
            instants = [datetime.fromisoformat(str(value)) for value in values]
            columns[name] = pa.array(instants, pa.timestamp("us", tz="UTC"))
        else:
            columns[name] = pa.array(values, pa.string())
    return pa.table(columns)


def _compressed(content: bytes, compression: list[str]) -> bytes:
    match compression:
        case []:
            return content
        case ["gz"]:
            return gzip.compress(content, compresslevel=9, mtime=0)
        case ["zst"]:
            return zstandard.ZstdCompressor(level=19).compress(content)
        case _:
            raise ValueError(f"{compression} is no compression of a source file")
