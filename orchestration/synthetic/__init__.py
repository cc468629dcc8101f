"""Synthetic source files at any size: a believable world, the same for the same arguments."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.synthetic.activity import LAND_EVENTS, MAKE_ACTIVE_JOURNEYS, MAKE_EVENTS
from orchestration.synthetic.catalogue import CATALOGUE
from orchestration.synthetic.world import MACROS, MAKE_WORLD

SOURCES = ("courses", "lessons", "enrollments", "deadlines", "events")
LINES_PER_FILE = 1_000_000
REPEATS_PERCENT = 3
MEMORY_LIMIT = "4GB"
_UNFINISHED = ".generating"

Progress = Callable[[str, int, int], None]
"""Told what is being written, how many event lines are, and how many there will be."""


class InvalidWorld(Exception):
    """The size asked for can't be generated; the message says which number, and its range."""


class FolderNotEmpty(Exception):
    """The output folder already has source files; the message says which folder, and what to do."""


def generate(
    *,
    learners: int,
    courses: int,
    events: int,
    seed: int,
    out: Path,
    files: int | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the folders courses, lessons, enrollments, deadlines and events under `out`.

    About 2.5 enrollments a learner, in courses of 10 to 60 lessons with skewed popularity. `events`
    is the exact number of event lines, 3 % repeats, 8 % hours to days late, in landing order in
    `files` JSON files (one per million unless given) whose names sort so. Catalogue sources are a
    CSV file each. Instants are UTC and lie in 2024 and 2025; no event occurs after
    `world.LAST_EVENT_DAY`, few enrollments begin then. The same arguments give the same bytes.

    Returns: source → lines written, headers not counted.

    Raises:
        InvalidWorld: a number is out of its range; nothing was written.
        FolderNotEmpty: `out` already has one of the five folders; nothing was written.
    """
    _check(learners=learners, courses=courses, events=events, files=files)
    _check_unused(out)
    unfinished = out / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        with duckdb.connect(str(unfinished / "world.duckdb")) as connection:
            _configure(connection, unfinished / "spill", seed)
            _make_tables(connection, learners, courses, events)
            lines = _write_catalogue(connection, unfinished)
            _write_events(connection, unfinished / "events", events, files, progress)
        for source in SOURCES:
            (unfinished / source).rename(out / source)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return lines | {"events": events}


def _check(*, learners: int, courses: int, events: int, files: int | None) -> None:
    ranges = {
        "learners": (learners, 1, 100_000_000),
        "courses": (courses, 1, 100_000),
        "events": (events, 0, 10_000_000_000),
        "files": (1 if files is None else files, 1, 1_000_000),
    }
    for name, (number, least, greatest) in ranges.items():
        if not least <= number <= greatest:
            raise InvalidWorld(f"{name} is {number}; give a number from {least} to {greatest:,}.")


def _check_unused(out: Path) -> None:
    for source in SOURCES:
        if (out / source).exists():
            raise FolderNotEmpty(f"{out / source} exists already; give a folder without sources.")


def _configure(connection: duckdb.DuckDBPyConnection, spill: Path, seed: int) -> None:
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set preserve_insertion_order = true")
    connection.execute("set memory_limit = $limit", {"limit": MEMORY_LIMIT})
    connection.execute("set temp_directory = $spill", {"spill": str(spill)})
    connection.execute("set variable seed = $seed", {"seed": f"{seed}/"})
    connection.execute(MACROS)


def _make_tables(
    connection: duckdb.DuckDBPyConnection, learners: int, courses: int, events: int
) -> None:
    numbers = {
        "learners": learners,
        "courses": courses,
        "repeats": events * REPEATS_PERCENT // 100,
        "distinct_events": events - events * REPEATS_PERCENT // 100,
    }
    for name, number in numbers.items():
        connection.execute(f"set variable {name} = {number:d}::bigint")
    for statement in (*MAKE_WORLD, MAKE_ACTIVE_JOURNEYS, MAKE_EVENTS):
        connection.execute(statement)


def _write_catalogue(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    lines = {}
    for source, query in CATALOGUE.items():
        (folder / source).mkdir()
        file = folder / source / f"{source}.csv"
        (lines[source],) = _copied(connection, query, file, "format csv, header")
    return lines


def _write_events(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    events: int,
    files: int | None,
    progress: Progress | None,
) -> None:
    folder.mkdir()
    count = min(files or -(-events // LINES_PER_FILE), events)
    width = max(4, len(str(count)))
    for number in range(count):
        first, end = events * number // count, events * (number + 1) // count
        row = connection.execute(
            "select make_timestamp(landed * 1000) from landing_order where rowid = $first",
            {"first": first},
        ).fetchone()
        assert row is not None
        file = folder / f"events_{number + 1:0{width}d}_{row[0]:%Y-%m-%d}.jsonl"
        _copied(connection, LAND_EVENTS.format(first=first, end=end), file, "format json")
        if progress is not None:
            progress(file.name, end, events)


def _copied(
    connection: duckdb.DuckDBPyConnection, query: str, file: Path, options: str
) -> tuple[int]:
    name = str(file).replace("'", "''")
    row = connection.execute(f"copy ({query}) to '{name}' ({options})").fetchone()
    assert row is not None
    return (int(row[0]),)
