"""Twenty readers of three kinds, and refreshes under their hands: 8, or as REFRESHES says."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from orchestration import published
from orchestration.refresh import refresh
from orchestration.settings import Settings, load_settings

PROCESSES, THREADS = 4, 5
REFRESHES = int(os.environ.get("REFRESHES", "8"))
PAUSE = 1.0
"""Seconds between two reads of a reader."""

TOTALS = """
select
    (select count(*) from marts.refreshes),
    (select max(events) from marts.refreshes),
    (select sum(view_count) from progress.lesson_progress),
    (select count(*) from progress.course_progress)
"""


def with_connect(settings: Settings) -> int:
    with published.connect(settings) as connection:
        refreshes, *others = connection.execute(TOTALS).fetchone()
        again = connection.execute(TOTALS).fetchone()
    assert {refreshes} == set(others) == set(again), (refreshes, others, again)
    return refreshes


def with_pandas(settings: Settings) -> int:
    refreshes = published.read_table("refreshes", settings)
    assert sorted(refreshes["events"]) == list(range(1, len(refreshes) + 1))
    assert refreshes["published_at"].notna().all()
    return len(refreshes)


def with_sqlalchemy(settings: Settings) -> int:
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    options = {"read_only": True}
    file = settings.snapshot_file
    engine = create_engine(f"duckdb:///{file}", poolclass=NullPool, connect_args=options)
    with engine.connect() as connection:
        totals = connection.execute(text(TOTALS)).one()
    engine.dispose()
    assert len(set(totals)) == 1, totals
    return totals[0]


def _reads(home: Path, stop: Event, kinds: list[Callable[[Settings], int]]) -> list[list[int]]:
    settings = load_settings(home=home, _env_file=None)

    def loop(kind: Callable[[Settings], int]) -> list[int]:
        seen = []
        # Twenty readers that never pause would have both processors to themselves.
        while not stop.wait(PAUSE):
            seen.append(kind(settings))
        return seen

    with ThreadPoolExecutor(len(kinds)) as pool:
        all_seen = list(pool.map(loop, kinds))
    # Once more when nobody else has a file open: now each sees the newest.
    return [[*seen, kind(settings)] for seen, kind in zip(all_seen, kinds, strict=True)]


def event(number: int) -> list[dict[str, object]]:
    return [
        {
            "event_id": f"e{number}",
            "event_type": "lesson_viewed",
            "learner_id": f"learner-{number}",
            "course_id": "knots",
            "lesson_id": "bowline",
            "occurred_at": "2025-02-03T12:00:00Z",
        }
    ]


@pytest.mark.slow
def test_twenty_readers_see_whole_refreshes_only_and_hold_up_none(settings, deliver):
    kinds = [with_connect, with_pandas]
    try:
        import duckdb_engine  # noqa: F401

        kinds.append(with_sqlalchemy)
    except ImportError as error:
        print(f"Without SQLAlchemy: {error}")
    deliver("events", "events_0.jsonl", event(0))
    refresh(settings, as_of=datetime(2025, 7, 1))
    context = multiprocessing.get_context("spawn")
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(PROCESSES, mp_context=context) as pool,
    ):
        stop = manager.Event()
        shares = [
            [kinds[(place + reader) % len(kinds)] for reader in range(THREADS)]
            for place in range(PROCESSES)
        ]
        readers = [pool.submit(_reads, settings.home, stop, share) for share in shares]
        try:
            with published.connect(settings) as patient:
                patient.begin()
                first = patient.execute(TOTALS).fetchone()
                for number in range(1, REFRESHES):
                    deliver("events", f"events_{number}.jsonl", event(number))
                    refresh(settings, as_of=datetime(2025, 7, 1), wait=False)
                # A reader that never lets go is not waited for, and sees what it began with.
                assert patient.execute(TOTALS).fetchone() == first
        finally:
            stop.set()
        seen = [reads for reader in readers for reads in reader.result(timeout=600)]
    assert len(seen) == PROCESSES * THREADS
    assert all(reads == sorted(reads) for reads in seen)
    assert all(reads[-1] == REFRESHES for reads in seen)
    assert any(len(set(reads)) > 2 for reads in seen)
