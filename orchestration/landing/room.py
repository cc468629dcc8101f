"""The landing room: takes every delivery in turn, and says what became of it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

import duckdb

from orchestration.landing import archive
from orchestration.landing.archive import DEFAULT_LIMITS, Content, Limits
from orchestration.landing.batch import Progress, Room, land_batch
from orchestration.landing.deliveries import (
    Delivery,
    LeftAlone,
    OpenFile,
    check,
    given,
    inbox,
    opened,
    refused_to_leave,
)
from orchestration.landing.formats import Unreadable
from orchestration.landing.ledger import Ledger
from orchestration.landing.set_aside import set_aside
from orchestration.landing.sources import SOURCES
from orchestration.landing.standards.checked import checked_as
from orchestration.settings import Settings
from orchestration.warehouse import utc_now


class LandingFailed(Exception):
    """The disk or the warehouse gave way; the message says at which file, and what stands."""


@dataclass(frozen=True)
class LandedFile:
    """What became of one delivered file; only a landed one has a batch_id.

    `reason` says why a file was set aside or left alone, or warns about one that landed.
    """

    source: str
    file: str
    batch_id: int | None
    status: Literal["landed", "already_landed", "set_aside", "left_alone"]
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    ignored: int = 0
    reason: str | None = None


def land(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    paths: Iterable[Path] = (),
    source: str | None = None,
    again: bool = False,
    now: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[LandedFile]:
    """Land the files of `paths`, else of the inbox, each as one batch in one transaction.

    The connection is the private warehouse's, with the raw room's tables, and outside of any
    transaction. Files of the inbox leave it when they are archived; given ones stay. With `again`,
    catalogue content that landed before lands as a new batch.

    Raises:
        UnknownSource, PathNotFound, ArchiveMismatch: nothing was landed.
        LandingFailed: the files before the one it names have landed, it and later ones have not.
    """
    paths = list(paths)
    deliveries = given(paths, source) if paths else inbox(settings, source)
    ledger = Ledger(connection)
    archive.clear_unfinished(settings.archive, ledger.last_batch_id)
    names = {delivery.source for delivery in deliveries}
    checked = {name: checked_as(connection, settings, name) for name in names}
    room = Room(connection, settings, ledger, checked, now, progress)
    try:
        landed = [_take(room, delivery, again, limits) for delivery in deliveries]
    finally:
        archive.clear_part(settings.archive)
    # Not where landing failed: then there may be no database left to speak to.
    for table in checked.values():
        table.drop()
    return landed


def _take(room: Room, delivery: Delivery, again: bool, limits: Limits) -> LandedFile:
    left = LandedFile(delivery.source, delivery.name, None, "left_alone")
    try:
        check(delivery)
        with opened(delivery) as file:
            try:
                return _land_or_recognise(room, delivery, file, again, limits)
            except Unreadable as cause:
                _check_rest(file)
                set_aside(room.settings, delivery, str(cause))
                return replace(left, status="set_aside", reason=str(cause))
    except LeftAlone as cause:
        return replace(left, reason=str(cause))
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        first_line = (str(error) or "out of memory").splitlines()[0]
        reason = f"takes more memory than there is ({first_line}); split the file"
        return replace(left, reason=reason)
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        raise LandingFailed(
            f"{delivery.path} couldn't be landed ({str(error).splitlines()[0]}), but what landed"
            f" before it stands: see that there is room to write in {room.settings.home}, and land"
            " again."
        ) from error


def _land_or_recognise(
    room: Room, delivery: Delivery, file: OpenFile, again: bool, limits: Limits
) -> LandedFile:
    _, packing = cast("tuple[str, str | None]", delivery.ending)
    content = archive.copy_in(file.descriptor, packing, room.settings.archive, limits)
    _check_rest(file)
    landed = _recognise(room, delivery, content, again)
    if landed is None:
        batch_id, counts = land_batch(room, delivery, content)
        landed = LandedFile(delivery.source, delivery.name, batch_id, "landed", **asdict(counts))
    if delivery.in_inbox and file.is_at_rest():
        return _out_of_inbox(delivery, landed)
    return landed


def _out_of_inbox(delivery: Delivery, landed: LandedFile) -> LandedFile:
    try:
        delivery.path.unlink(missing_ok=True)
    except OSError as error:
        if (refusal := refused_to_leave(error)) is None:
            raise
        return replace(landed, reason="; ".join(filter(None, (landed.reason, refusal))))
    return landed


def _check_rest(file: OpenFile) -> None:
    if not file.is_at_rest():
        raise LeftAlone("is still being written; it lands when it rests")


def _recognise(room: Room, delivery: Delivery, content: Content, again: bool) -> LandedFile | None:
    """Report content that landed before, unless the catalogue is to take it again."""
    is_catalogue = SOURCES[delivery.source].is_catalogue
    batch_id = room.ledger.find(delivery.source, delivery.name, content.sha256)
    if batch_id is None or (again and is_catalogue):
        return None
    warning = None
    if is_catalogue and not room.ledger.is_latest(delivery.source, batch_id):
        warning = (
            f"landed as batch {batch_id}, and others of {delivery.source} since; to go back to it,"
            " land it with --again"
        )
    return LandedFile(delivery.source, delivery.name, None, "already_landed", reason=warning)
