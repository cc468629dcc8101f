"""A build of the models: what it stands on, where it goes, and what became of each of them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Beside:
    """A build that leaves the warehouse as it is, and only reads its raw room.

    `warehouse` is the file for what a refresh would keep in the warehouse. Of events and
    enrollments only what had happened by `known_until` (UTC without a zone) counts, if given.
    """

    warehouse: Path
    known_until: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """What stands of the last published refresh, so that the next one adds what has changed.

    `batch_id` is the last batch in it and `as_of` the instant that it speaks of; the earliest of
    the events that landed since occurred at `earliest_new_event`. Instants are UTC without a zone.
    """

    batch_id: int
    as_of: datetime
    earliest_new_event: datetime | None


@dataclass(frozen=True)
class Outcome:
    """What became of one model or test of a build.

    `status` is dbt's word: success, pass, warn, fail, error, skipped. `failing_rows` counts the
    rows that a test found, None for a model; `sql` is what ran, empty where nothing did.
    """

    unique_id: str
    status: str
    seconds: float
    failing_rows: int | None
    message: str
    sql: str

    @property
    def is_good(self) -> bool:
        """Whether readers may have what it made or looked at."""
        return self.status in {"success", "pass", "warn", "no-op"}
