"""Erased learners: known by a keyed hash only, and dropped when their lines arrive again."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.landing.copies import Lines
from orchestration.landing.sources import Source
from orchestration.settings import Settings

KEY_BYTES = 32
_WORD = re.compile(r"[\w.@+\-]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')

_UNTOLD = """
select line, text from checked_{source} where reason is not null and learner_id is null
"""

_EXTENTS = """
select line, until - 1
from (select line, lead(line) over (order by line) as until from checked_{source})
where line in (select unnest($lines))
order by line
"""


class ErasureKeyMissing(Exception):
    """Learners were erased, but the key that knows them is gone; the message says where it lay."""


class ErasedLearners:
    """The tombstones of `raw.erased_learners`, under the key of the home folder."""

    def __init__(self, key: bytes, hashes: frozenset[str]) -> None:
        self._key, self._hashes = key, hashes

    def __contains__(self, learner_id: str) -> bool:
        return hash_of(learner_id, self._key) in self._hashes

    def stand_in(self, text: bytes) -> bool:
        """Whether any word of a text that tells no learner is the id of an erased one."""
        return any(word in self for word in _words(text.decode("utf-8", "replace")))

    def drop(self, connection: duckdb.DuckDBPyConnection, source: Source) -> list[Lines]:
        """Remove erased learners' lines from the table `checked_<source>`; returns their extents.

        A line of which nothing could be read is theirs when any of its words is their id.
        """
        if "learner_id" not in source.names:
            return []
        execute, table = connection.execute, f"checked_{source.name}"
        learners = execute(f"select distinct learner_id from {table}").fetchall()
        erased = [learner for (learner,) in learners if learner is not None and learner in self]
        found = f"select line from {table} where learner_id in (select unnest($erased))"
        lines = (
            [line for (line,) in execute(found, {"erased": erased}).fetchall()] if erased else []
        )
        for line, text in execute(_UNTOLD.format(source=source.name)).fetchall():
            if self.stand_in(bytes(text)):
                lines.append(line)
        if not lines:
            return []
        extents = execute(_EXTENTS.format(source=source.name), {"lines": lines}).fetchall()
        execute(f"delete from {table} where line in (select unnest($lines))", {"lines": lines})
        return extents


def erased_learners(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> ErasedLearners | None:
    """Read the tombstones; None where nobody was erased.

    Raises:
        ErasureKeyMissing: nothing was read or written.
    """
    hashes = connection.execute("select learner_hash from raw.erased_learners").fetchall()
    if not hashes:
        return None
    file = key_file(settings)
    if not file.exists():
        raise ErasureKeyMissing(
            f"{file} is missing: without it erased learners would come back unseen; bring the file"
            " back from where the home folder is backed up."
        )
    return ErasedLearners(file.read_bytes(), frozenset(value for (value,) in hashes))


def hash_of(learner_id: str, key: bytes) -> str:
    """The keyed hash (HMAC-SHA-256, hex) under which a learner is remembered as erased."""
    return hmac.digest(key, learner_id.encode("utf-8", "replace"), hashlib.sha256).hex()


def key_file(settings: Settings) -> Path:
    """Where the key of the hashes lies, readable by its owner only."""
    return settings.home / "erasure.key"


def make_key(settings: Settings) -> bytes:
    """Read the key, made at the first erasure and safely on disk."""
    file = key_file(settings)
    if not file.exists():
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.write(secrets.token_bytes(KEY_BYTES))
            written.flush()
            os.fsync(written.fileno())
        part.replace(file)
    return file.read_bytes()


def _words(text: str) -> Iterator[str]:
    """What may be an id in a line that couldn't be read: words, quoted texts, fields."""
    yield from _WORD.findall(text)
    yield from _QUOTED.findall(text)
    yield from (field.strip() for field in text.split(","))
