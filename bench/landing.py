"""Times the landing of one file of events against DuckDB's own typed reading of the same file.

Run it as `python -m bench.landing`, with `--events 10500000` for a file of 2 GB. The two are timed
in turn, several times, each in a process and a folder of its own; the ratio of their medians is
what counts, since both suffer alike from whatever else the machine does.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.landing import land
from orchestration.raw import create_tables
from orchestration.settings import load_settings
from orchestration.synthetic import generate
from orchestration.warehouse import open_warehouse

THREADS = 2
COLUMNS = {
    **dict.fromkeys(("event_id", "event_type", "learner_id", "course_id", "lesson_id"), "varchar"),
    "occurred_at": "timestamptz",
}
READ = "create table events as select * from read_json($file, columns = {columns})"


def read_json(file: Path, folder: Path) -> tuple[float, float]:
    """Create a typed table from a file; returns seconds, and the peak of memory in MB."""
    with duckdb.connect(str(folder / "read.duckdb")) as connection:
        connection.execute(f"set threads = {THREADS}")
        began = time.perf_counter()
        connection.execute(READ.format(columns=COLUMNS), {"file": str(file)})
        return time.perf_counter() - began, _peak()


def landing(file: Path, folder: Path) -> tuple[float, float]:
    """Land a file into an empty warehouse; returns seconds, and the peak of memory in MB."""
    settings = load_settings(home=folder)
    with open_warehouse(settings) as connection:
        connection.execute(f"set threads = {THREADS}")
        create_tables(connection)
        began = time.perf_counter()
        (landed,) = land(connection, settings, paths=[file])
        assert landed.lines == landed.accepted + landed.duplicates, landed
        return time.perf_counter() - began, _peak()


def tiny_files(count: int, folder: Path) -> float:
    """Land files of five events each in one landing; returns milliseconds a file."""
    settings = load_settings(home=folder)
    inbox = settings.landing / "events"
    inbox.mkdir(parents=True)
    line = '{{"event_id":"{}","event_type":"lesson_viewed","learner_id":"l","course_id":"c",'
    line += '"lesson_id":"s","occurred_at":"2025-01-01T10:00:00Z"}}\n'
    for number in range(count):
        ids = (f"{number}-{place}" for place in range(5))
        (inbox / f"{number:06d}.jsonl").write_text("".join(map(line.format, ids)))
    with open_warehouse(settings) as connection:
        create_tables(connection)
        began = time.perf_counter()
        land(connection, settings)
        return (time.perf_counter() - began) * 1000 / count


def main() -> None:
    """Make the file, time both ways in turn, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiny-files", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = {"learners": max(1, arguments.events // 60), "courses": 200, "seed": 1, "files": 1}
        generate(events=arguments.events, out=folder / "world", **size)
        (file,) = (folder / "world" / "events").iterdir()
        print(f"{arguments.events:,} events, {file.stat().st_size / 1e6:,.0f} MB")
        seconds: dict[str, list[float]] = {"read_json": [], "landing": []}
        for number in range(arguments.rounds):
            for way in (read_json, landing):
                took, peak = _alone(way, file, folder / f"{way.__name__}_{number}")
                seconds[way.__name__].append(took)
                print(f"{way.__name__:>9}: {took:6.2f} s, at most {peak:,.0f} MB of memory")
        ratio = statistics.median(seconds["landing"]) / statistics.median(seconds["read_json"])
        print(f"landing takes {ratio:.2f} times as long as read_json")
        tiny = _alone(tiny_files, arguments.tiny_files, folder / "tiny")
        print(f"{arguments.tiny_files:,} tiny files take {tiny:.1f} ms each")


def _alone(function, *arguments):  # type: ignore[no-untyped-def]
    """Call a function in a new process, so that memory and caches are its own."""
    arguments[-1].mkdir()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
