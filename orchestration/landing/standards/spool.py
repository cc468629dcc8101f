"""Chunks kept for a second reading: the first in memory, any further ones in a file."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pyarrow as pa

IN_MEMORY = 2


class Spool:
    """Chunks of one schema, read back in the order in which they came, as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first: list[pa.Table] = []
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, chunk: pa.Table) -> None:
        """Keep a chunk."""
        if len(self._first) < IN_MEMORY:
            self._first.append(chunk)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
            packing = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writer = pa.ipc.new_stream(self._file, chunk.schema, options=packing)
        self._writer.write_table(chunk)

    def __iter__(self) -> Iterator[pa.Table]:
        yield from self._first
        if self._file:
            self._writer.close()
            self._file.seek(0)
            for batch in pa.ipc.open_stream(self._file):
                yield pa.Table.from_batches([batch])
