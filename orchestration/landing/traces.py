"""A learner's traces in bytes and files: where an id stands, and where it is part of another."""

import json
import re
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import zstandard

BLOCK = 1 << 20

EDGE = 16

_NOT_BEFORE = r"(?<![\w.@+\-])"
_NOT_AFTER = r"(?![\w@+\-]|\.\w)"
_NOT_IN_NAME = (r"(?<![^\W_])", r"(?![^\W_])")
_FIELD_BEFORE = r"(?:^|(?<=[\s,;|\"'\[])|(?<=\":))"
_FIELD_AFTER = r"(?=$|[\s,;|\"'\]}])"


class Trace:
    """An id as it may be written in a file.

    An id stands where no letter, digit or one of `_-@+.` beside it makes it part of another: `ada`
    stands in `"ada"` and `mailto:ada`, but not in `adam` or `ada.smith`. An id of digits alone
    stands as a whole field only, since any number could hold it.
    """

    def __init__(self, learner_id: str) -> None:
        self.learner_id = learner_id
        self.is_number = learner_id.isascii() and learner_id.isdigit()
        self._texts = {
            learner_id,
            json.dumps(learner_id)[1:-1],
            json.dumps(learner_id, ensure_ascii=False)[1:-1],
            learner_id.replace('"', '""'),
            quote(learner_id, safe=""),
        }
        self.forms = [text.encode("utf-8", "replace") for text in self._texts]
        self._wide = [learner_id.encode(code, "replace") for code in ("utf-16-le", "utf-16-be")]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        if self.is_number:
            return re.compile(_FIELD_BEFORE + self._form + _FIELD_AFTER, re.MULTILINE)
        return re.compile(_NOT_BEFORE + self._form + _NOT_AFTER)

    @property
    def _form(self) -> str:
        longest_first = sorted(self._texts, key=len, reverse=True)
        return f"(?:{'|'.join(map(re.escape, longest_first))})"

    def count(self, data: bytes) -> int:
        """How often the id stands in some bytes."""
        return len(list(self._places(data)))

    def _places(self, data: bytes) -> Iterator[re.Match[str]]:
        if any(form in data for form in self.forms):
            yield from self._pattern.finditer(data.decode("utf-8", "replace"))

    def without(self, name: str) -> str:
        """A file's name with `erased` in the id's place, unless letters or digits stand beside it.

        A number in a name could be any other, so an id of digits alone stays.
        """
        if self.is_number:
            return name
        before, after = _NOT_IN_NAME
        return re.sub(before + self._form + after, "erased", name)

    def stands_in_file(self, path: Path) -> bool:
        """Whether the id stands in a file, as it is or unpacked as far as that goes."""
        return any(self._stands_in(blocks) for blocks in (_plain(path), _unpacked(path)))

    def _stands_in(self, blocks: Iterator[bytes]) -> bool:
        """Look through blocks, each with enough of the one before to see what stands over its end.

        What touches an edge is left to the look that sees what is beside it.
        """
        kept = max(map(len, [*self.forms, *self._wide])) + 2 * EDGE
        data, is_first = b"", True
        for block in blocks:
            data += block
            if not self.is_number and any(form in data for form in self._wide):
                return True
            after = 0 if is_first else EDGE // 4
            until = len(data.decode("utf-8", "replace")) - EDGE // 4
            if any(after <= m.start() and m.end() <= until for m in self._places(data)):
                return True
            is_first = is_first and len(data) <= kept
            data = data[-kept:]
        return (
            self.count(data) > 0
            if is_first
            else any(match.start() >= EDGE // 4 for match in self._places(data))
        )


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _unpacked(path: Path) -> Iterator[bytes]:
    """The content of a gzip or zstd file, up to where it is damaged; nothing of other files."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        try:
            if start[:2] == b"\x1f\x8b":
                inflate = zlib.decompressobj(wbits=31)
                while block := inflate.unused_data or file.read(1 << 16):
                    if inflate.eof:
                        inflate = zlib.decompressobj(wbits=31)
                    yield inflate.decompress(block)
            elif start == b"\x28\xb5\x2f\xfd":
                reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
                while block := reader.read(BLOCK):
                    yield block
        except (zlib.error, zstandard.ZstdError):
            return
