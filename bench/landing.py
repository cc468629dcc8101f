"""Times the landing of one file of events against DuckDB's own typed reading of the same file.

Run it as `python -m bench.landing`, with `--events 10500000` for a file of 2 GB. The two are timed
in turn, several times, each in a process and a folder of its own; the ratio of their medians is
what counts, since both suffer alike from whatever else the machine does. On a busy machine the
ratio of processor time says more. `--format` tells what the file is: jsonl, csv or parquet.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing import LandedFile, land
from orchestration.raw import create_tables
from orchestration.settings import load_settings
from orchestration.synthetic import generate
from orchestration.warehouse import open_warehouse

THREADS = 2
COLUMNS = {
    **dict.fromkeys(("event_id", "event_type", "learner_id", "course_id", "lesson_id"), "varchar"),
    "occurred_at": "timestamptz",
}
READERS = {
    ".jsonl": f"read_json($file, columns = {COLUMNS})",
    ".csv": f"read_csv($file, columns = {COLUMNS}, header = true)",
    ".parquet": "read_parquet($file)",
}


@dataclass(frozen=True)
class Cost:
    """What one way took: seconds, seconds of processor time, and the peak of memory in MB."""

    seconds: float
    processor: float
    peak: float


def typed_read(file: Path, folder: Path) -> Cost:
    """Create a typed table from a file."""
    with duckdb.connect(str(folder / "read.duckdb")) as connection:
        connection.execute(f"set threads = {THREADS}")
        read = f"create table events as select * from {READERS[file.suffix]}"
        return _cost(lambda: connection.execute(read, {"file": str(file)}))


def landing(file: Path, folder: Path) -> Cost:
    """Land a file into an empty warehouse, and say what an event takes there."""
    settings = load_settings(home=folder)
    with open_warehouse(settings) as connection:
        connection.execute(f"set threads = {THREADS}")
        create_tables(connection)
        landed: list[LandedFile] = []
        cost = _cost(
            lambda: landed.extend(land(connection, settings, paths=[file], source="events"))
        )
        assert landed[0].lines == landed[0].accepted + landed[0].duplicates, landed
        connection.execute("checkpoint")
    taken = settings.warehouse_file.stat().st_size / landed[0].accepted
    print(f"{'':>10}  {taken:.1f} bytes of disk an event")
    return cost


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


def ratios(events: int, rounds: int) -> dict[str, float]:
    """How many times a typed read's seconds and processor time landing takes, by their medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = {"learners": max(1, events // 60), "courses": 200, "seed": 1, "files": 1}
        generate(events=events, out=folder / "world", **size)
        (file,) = (folder / "world" / "events").iterdir()
        costs: dict[str, list[Cost]] = {"typed_read": [], "landing": []}
        for number in range(rounds):
            for way in (typed_read, landing):
                cost = _alone(way, file, folder / f"{way.__name__}_{number}")
                costs[way.__name__].append(cost)
    return {
        measure: statistics.median(getattr(cost, measure) for cost in costs["landing"])
        / statistics.median(getattr(cost, measure) for cost in costs["typed_read"])
        for measure in ("seconds", "processor")
    } | {"events": events}


def main() -> None:
    """Make the file, time both ways in turn, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", choices=["jsonl", "csv", "parquet"], default="jsonl")
    parser.add_argument("--tiny-files", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = {"learners": max(1, arguments.events // 60), "courses": 200, "seed": 1, "files": 1}
        generate(events=arguments.events, out=folder / "world", **size)
        (file,) = (folder / "world" / "events").iterdir()
        file = _written(file, arguments.format)
        print(f"{arguments.events:,} events, {file.stat().st_size / 1e6:,.0f} MB")
        costs: dict[str, list[Cost]] = {"typed_read": [], "landing": []}
        for number in range(arguments.rounds):
            for way in (typed_read, landing):
                cost = _alone(way, file, folder / f"{way.__name__}_{number}")
                costs[way.__name__].append(cost)
                print(
                    f"{way.__name__:>10}: {cost.seconds:6.2f} s, {cost.processor:6.2f} s of"
                    f" processor time, at most {cost.peak:,.0f} MB of memory"
                )
        for measure in ("seconds", "processor"):
            medians = [statistics.median(getattr(c, measure) for c in costs[w]) for w in costs]
            print(
                f"landing takes {medians[1] / medians[0]:.2f} times the {measure} of a typed read"
            )
        if arguments.tiny_files:
            tiny = _alone(tiny_files, arguments.tiny_files, folder / "tiny")
            print(f"{arguments.tiny_files:,} tiny files take {tiny:.1f} ms each")


def _written(file: Path, wanted: str) -> Path:
    """Write a file of JSON lines in another format, beside it."""
    written = file.with_suffix(f".{wanted}")
    if wanted != "jsonl":
        copy = f"copy (select * from {READERS['.jsonl']}) to '{written}'"
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(copy, {"file": str(file)})
    return written


def _cost(work: Callable[[], object]) -> Cost:
    before, began = _processor(), time.perf_counter()
    work()
    took = time.perf_counter() - began
    return Cost(took, _processor() - before, _peak())


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak() -> float:
    """The peak of this process; what `getrusage` tells may be the one of the process before it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, so that memory and caches are its own."""
    arguments[-1].mkdir()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


if __name__ == "__main__":
    main()
