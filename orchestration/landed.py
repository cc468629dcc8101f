"""What became of delivered files and replayed lines, and what an operator should know of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import landing, raw
from orchestration.landing import LandedFile
from orchestration.models import Progress
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse


class TooManyRejected(Exception):
    """A landed file has more rejected lines than allowed; the message names it and the limit."""


@dataclass(frozen=True)
class Landed:
    """What became of the delivered files, and what an operator should know of it."""

    files: list[LandedFile]
    warnings: list[str]

    def summary(self) -> dict[str, Any]:
        """The files and their totals, as `land --json` prints them."""
        counts = ("lines", "accepted", "duplicates", "rejected", "ignored")
        totals = {name: sum(getattr(file, name) for file in self.files) for name in counts}
        return {"files": [asdict(file) for file in self.files], "totals": totals}

    def check_rejected(self, settings: Settings) -> None:
        """Hold every landed file to the limit on its rejected lines.

        Raises:
            TooManyRejected: naming the files; what landed stays landed.
        """
        if beyond := _beyond_limit(self.files, settings):
            raise TooManyRejected(
                f"Nothing was published, though what landed stays landed: {'; '.join(beyond)}. See"
                " `learner-progress rejected`, mend the cause, and replay or send the lines again."
            )


def land(
    settings: Settings,
    *,
    paths: Sequence[Path] = (),
    source: str | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> Landed:
    """Land the given files or folders, else the inbox; the caller holds the writer's lock."""

    def delivered(connection: duckdb.DuckDBPyConnection) -> list[LandedFile]:
        return landing.land(
            connection, settings, paths=paths, source=source, again=again, progress=progress
        )

    return _landed(settings, delivered)


def replay(
    settings: Settings, *, reason: str | None = None, progress: Progress | None = None
) -> Landed:
    """Land rejected lines again, of one reason if given; the caller holds the writer's lock."""
    return _landed(
        settings,
        lambda connection: landing.replay(connection, settings, reason=reason, progress=progress),
    )


def _landed(
    settings: Settings, deliver: Callable[[duckdb.DuckDBPyConnection], list[LandedFile]]
) -> Landed:
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        files = deliver(connection)
        batches = [file.batch_id for file in files if file.batch_id is not None]
        older = raw.older_completions(connection, batches)
    return Landed(files, _warnings(files, older, settings))


def _warnings(files: list[LandedFile], older: int, settings: Settings) -> list[str]:
    what = {
        "set_aside": "couldn't be read and was set aside",
        "left_alone": "was left alone",
        "already_landed": "had landed before",
        "landed": "landed, but something is left to do",
    }
    warnings = [
        f"{file.source}/{file.file} {what[file.status]}: {file.reason}"
        for file in files
        if file.reason
    ]
    warnings += [f"{beyond}." for beyond in _beyond_limit(files, settings)]
    if older:
        warnings.append(
            f"{older:,} completions are older than those recorded for the same lessons, which"
            " stand: a completion never moves, so land history oldest first."
        )
    return warnings


def _beyond_limit(files: list[LandedFile], settings: Settings) -> list[str]:
    """Name the landed files with a greater share of rejected lines than the limit."""
    limit = settings.rejected_limit
    return [
        f"{file.source}/{file.file}: {file.rejected:,} of {file.lines:,} lines were rejected,"
        f" more than {limit:.2%} (LEARNER_PROGRESS_REJECTED_LIMIT)"
        for file in files
        if file.status == "landed" and file.rejected > limit * file.lines
    ]
