"""Erasing a learner: from every room, from what was delivered, and from what comes later."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from orchestration import ledger, published, raw, refresh, snapshots
from orchestration.erasing import unfinished
from orchestration.erasing.raw_rewriting import copy_without
from orchestration.erasing.run_history import forget_elsewhere
from orchestration.landing import archive, emptying
from orchestration.landing.erased import hash_of, make_key
from orchestration.landing.forgetting import (
    Found,
    find_in_archive,
    forget_in_copy,
    forget_set_aside,
)
from orchestration.landing.ledger import Ledger
from orchestration.landing.names import forget_names
from orchestration.landing.traces import Trace
from orchestration.models import Progress
from orchestration.operations.rewriting import rewritten
from orchestration.settings import Settings
from orchestration.spark.forgetting import forget
from orchestration.spark.processes import processes
from orchestration.time_travel import beside
from orchestration.time_travel.as_of import drop_snapshots
from orchestration.warehouse import open_warehouse, utc_now, writer_lock

STEPS = ("searching the archive", "warehouse", "archive", "other files", "snapshot")


class NoLearner(Exception):
    """The id is empty, and nobody's."""


class NoHome(Exception):
    """The home folder holds other things than a warehouse; nothing was touched."""


@dataclass(frozen=True)
class Erasure:
    """What was removed, counted by place, and what an operator should know."""

    removed: dict[str, int]
    warnings: list[str]

    def headline(self) -> str:
        """The erasure in a few lines."""
        places = [f"{count:>12,} {place}" for place, count in self.removed.items() if count]
        if not places:
            return "Nothing was found under this id; what arrives later under it is ignored."
        return "\n".join(["Erased:", *places, "What arrives later under this id is ignored."])


def erase(
    settings: Settings, learner_id: str, *, wait: bool = True, progress: Progress | None = None
) -> Erasure:
    """Forget a learner everywhere under the home folder, and publish a snapshot without them.

    The database files are written anew, since freed blocks keep their bytes. The new snapshot
    speaks about the same instant as the last one; older snapshots are dropped, because their
    aggregates count the learner, and the printed report beside them is written anew. The ledger
    keeps its counts. Cut short at any point, an erasure is completed by the next refresh, or by
    running it again.

    Raises:
        NoLearner, NoHome: nothing was done.
        WarehouseBusy: another process writes and `wait` is false; nothing was done.
        ModelsFailed: the learner is erased but for the snapshots, which stay as they were.
    """
    if not learner_id:
        raise NoLearner("Name the learner to erase by their id; nothing was erased.")
    _check_home(settings)
    trace, step = Trace(learner_id), _steps(progress)
    with writer_lock(settings, wait=wait):
        unfinished.ask(settings, learner_id)
        as_of = _prepare(settings)
        for other in unfinished.asked(settings) or []:
            if other != learner_id:
                _forget(settings, Trace(other), _steps(None))
        removed = _forget(settings, trace, step)
        unfinished.mark_forgotten(settings)
        next(step)
        if dropped := drop_snapshots(settings):
            removed["snapshots as of the past"] = dropped
        if as_of is not None:
            started = refresh.begin(settings, as_of=as_of, full_refresh=True)
            refresh.record(settings, started)
            refresh.build(settings, started)
            removed["older snapshots"] = len(unfinished.snapshot_files(settings))
            refresh.publish(settings, started)
            if "printed reports" in removed:
                from orchestration import printed

                printed.write_page(settings, settings.report_file)
        else:
            unfinished.finish(settings)
    return Erasure(removed, _warnings(settings, trace))


def _check_home(settings: Settings) -> None:
    """Refuse a folder of somebody else's: any file in it that holds the id would go."""
    signs = (settings.warehouse_file, settings.landing, settings.archive, settings.dagster_home)
    has_others = settings.home.exists() and any(settings.home.iterdir())
    if has_others and not any(sign.exists() for sign in signs):
        raise NoHome(
            f"{settings.home} holds no warehouse; nothing was erased. Is LEARNER_PROGRESS_HOME the"
            " folder that is meant?"
        )


def complete(settings: Settings) -> bool:
    """Go on with erasures that were cut short, as far as a refresh has to be next.

    The caller holds the writer's lock, builds every model anew and publishes. Returns whether
    there were any.
    """
    unfinished.clear_part(settings)
    asked = unfinished.asked(settings)
    if asked:
        _prepare(settings)
        for learner_id in asked:
            _forget(settings, Trace(learner_id), _steps(None))
        unfinished.mark_forgotten(settings)
    return asked is not None


def _forget(settings: Settings, trace: Trace, step: Iterator[None]) -> dict[str, int]:
    """Forget a learner everywhere but in snapshots; returns what was removed, by place."""
    next(step)
    found = list(find_in_archive(settings, trace))
    next(step)
    removed = rewrite_warehouse(settings, trace, found)
    with open_warehouse(settings) as connection:
        if files := forget(connection, settings):
            removed["files that the cluster had"] = files
    next(step)
    for copy in found:
        forget_in_copy(copy)
    removed["archived lines"] = sum(len(copy.lines) for copy in found)
    removed["files set aside"] = forget_set_aside(settings, trace)
    removed["names of files"] = forget_names(settings, trace)
    next(step)
    removed["other files"] = forget_elsewhere(settings, trace)
    if settings.report_file.exists():
        settings.report_file.unlink()
        removed["printed reports"] = 1
    return removed


def _prepare(settings: Settings) -> datetime | None:
    """Clear what a killed process left, and read the instant that the last snapshot speaks of."""
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        archive.clear_unfinished(settings.archive, Ledger(connection).last_batch_id)
        (settings.archive / emptying.BUILDING).unlink(missing_ok=True)
        snapshots.drop_candidate(settings)
        beside.clear(settings)
    shutil.rmtree(f"{settings.warehouse_file}.tmp", ignore_errors=True)
    newest = published.latest_refresh(settings)
    return cast("datetime", newest["as_of"]) if newest else None


def rewrite_warehouse(settings: Settings, trace: Trace, found: list[Found]) -> dict[str, int]:
    """Write the raw room into a new file without a learner, and put it in the old one's place.

    The learner's tombstone lands with it. What dbt keeps in the old file is built anew by the
    next refresh. Returns the rows removed by table.
    """
    key = make_key(settings)
    with rewritten(settings, "erasing") as connection:
        raw.create_tables(connection)
        connection.begin()
        removed = copy_without(connection, settings, trace, found)
        ledger.nothing_stands(connection)
        tombstone = [hash_of(trace.learner_id, key), utc_now()]
        connection.execute("insert or ignore into raw.erased_learners values (?, ?)", tombstone)
        connection.commit()
    return removed


def _warnings(settings: Settings, trace: Trace) -> list[str]:
    told = "The cluster's scratch files may hold the id until `make cluster-down`."
    running = [told] if processes(settings) else []
    waiting = (path for path in sorted(settings.landing.rglob("*")) if path.is_file())
    return running + [
        f"{path} still holds the id; remove it, or let it land: its lines will be ignored."
        for path in waiting
        if trace.stands_in_file(path) or trace.without(path.name) != path.name
    ]


def _steps(progress: Progress | None) -> Iterator[None]:
    for done, step in enumerate(STEPS):
        if progress:
            progress(step, done, len(STEPS))
        yield
