"""Where under a home folder a learner's id can still be found."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, unpacked as far as that goes."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield zlib.decompressobj(wbits=31).decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        unpacked = zstandard.ZstdDecompressor().stream_reader(data).read()
        yield unpacked
        if unpacked[:4] == b"PAR1":
            yield str(pq.read_table(pa.BufferReader(unpacked)).to_pylist()).encode()
    if data[:4] == b"PAR1":
        yield str(pq.read_table(path).to_pylist()).encode()


def places_that_hold(home: Path, learner: str, others: tuple[str, ...] = ()) -> list[str]:
    """Where a learner's id is found: names, bytes of files unpacked, every value of every table.

    The ids of others that hold it don't count.
    """
    found = []
    for path in sorted(home.rglob("*")):
        place = str(path.relative_to(home))
        if learner in path.name:
            found.append(f"name: {place}")
        if not path.is_file():
            continue
        found += [place for data in contents(path) if learner.encode() in _without(data, others)]
        if not path.is_symlink() and path.read_bytes()[8:12] == b"DUCK":
            found += [f"{place}: {table}" for table in _tables_that_hold(path, learner)]
    return found


def _without(data: bytes, others: tuple[str, ...]) -> bytes:
    for other in others:
        data = data.replace(other.encode(), b"")
    return data


def _tables_that_hold(path: Path, learner: str) -> Iterator[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()")
        for schema, table in tables.fetchall():
            rows = connection.execute(f"select * from {schema}.{table}").fetchall()
            if any(learner == value for row in rows for value in row):
                yield f"{schema}.{table}"
