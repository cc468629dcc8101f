"""What killed processes left under the home folder; the writer's lock proves them dead."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestration import raw
from orchestration.landing import archive
from orchestration.landing.ledger import Ledger
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

_PATTERNS = {
    "": (".warehouse.*", "warehouse.duckdb.tmp", "erasure.part"),
    "archive": (".*.part",),
    "set_aside": ("**/.*.part",),
    "published": (".candidate*", ".parquet.*", ".learner_progress.link", "*.part"),
    "dbt": (".*.part",),
}


def clear(settings: Settings) -> int:
    """Remove what was left half-done, and return how much; the caller holds the writer's lock.

    Files of the inbox are left alone: others write there.

    Raises:
        ArchiveMismatch: the archive holds more than one batch that the warehouse doesn't know.
    """
    found = list(_found(settings.home))
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if settings.warehouse_file.exists():
        with open_warehouse(settings) as connection:
            raw.create_tables(connection)
            before = set(settings.archive.glob("*"))
            archive.clear_unfinished(settings.archive, Ledger(connection).last_batch_id)
            found += before - set(settings.archive.glob("*"))
    return len(found)


def _found(home: Path) -> Iterator[Path]:
    for folder, patterns in _PATTERNS.items():
        for pattern in patterns:
            yield from (home / folder).glob(pattern)
