"""`make bench`: measures the warehouse against its goals, and writes docs/benchmarks.md.

Run as `make bench`, or with sizes: `make bench BENCH="--events 1000000 50000000"`. Worlds, homes
and results stay in `--folder`, so that a step can be run again by itself: `--steps full`. The
results of a step replace its earlier ones; the document is made of what there is.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench import document, growing, landing, measures, small, worlds
from bench.costs import CommandFailed, Cost, cost_of
from bench.environment import machine, prepare_peers
from bench.worlds import PROGRAM, World
from orchestration.settings import PROJECT_ROOT

PEERS = {"polars": 10_000_000, "chdb": 50_000_000, "pandas": 2_000_000}
"""Up to how many events a peer is asked."""


class Benchmark:
    """The worlds, and the results so far: by step, each a dictionary that goes into JSON."""

    def __init__(
        self, folder: Path, sizes: list[int], new: int, rounds: int, in_a_row: int
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.rounds, self.in_a_row = folder.absolute(), rounds, in_a_row
        self.worlds = [World(self.folder, events, new) for events in sorted(sizes)]
        self.file = folder / "results.json"
        self.keep("machine", machine())

    @property
    def results(self) -> dict[str, Any]:
        """What was measured so far, by step."""
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}

    def keep(self, step: str, found: dict[str, Any]) -> None:
        """Add to the results of a step, and write them all."""
        results = self.results
        results.setdefault(step, {}).update(found)
        self.file.write_text(json.dumps(results, indent=1), encoding="utf-8")

    def land(self) -> None:
        """The worlds, generated and landed unless they are there, and what an event takes."""
        for world in self.worlds:
            worlds.prepare(world)
            cost = worlds.land(world)
            if cost:
                self.keep("land", {str(world.events): asdict(cost)})
            self.keep("bytes", {str(world.events): measures.bytes_an_event(world)})

    def landing(self) -> None:
        """Landing against a typed read of the same file."""
        self.keep("landing", landing.ratios(min(3_000_000, self.worlds[-1].events), self.rounds))

    def full(self) -> None:
        """A full refresh against the bare script."""
        for world in self.worlds:
            self._pairs(world, {"bare": partial(measures.bare_script, world)}, "full")

    def peers(self) -> None:
        """A full refresh against other tools, each up to its size."""
        prepare_peers()
        for world in self.worlds:
            worlds.export(world)
            ways = {
                name: partial(measures.peer(name), world)
                for name, most in PEERS.items()
                if world.events <= most
            }
            self._pairs(world, ways, "peers")

    def limited(self) -> None:
        """A full refresh of the largest world with 2 GB for the engine."""
        world = self.worlds[-1]
        self.keep(
            "limited", {str(world.events): asdict(measures.full_refresh(world, memory_limit="2GB"))}
        )

    def refreshes(self) -> None:
        """Refreshes of new events, and what is left of the pieces as growth; needs `full`."""
        more = max(0, self.in_a_row - self.rounds)
        nothing_new = small.nothing_new(self.folder)
        costs, growth = growing.refreshes(self.worlds, nothing_new, self.rounds, more)
        self.keep("fixed", _as_dicts({"nothing new": costs.pop("nothing new")}))
        self.keep("refreshes", _as_dicts(costs))
        self.keep("growth", {str(self.worlds[-1].events): growth})

    def academy(self) -> None:
        """A refresh with little to do."""
        self.keep("academy", _as_dicts(small.academy(self.folder, self.rounds)))

    def reads(self) -> None:
        """Readers' queries."""
        for world in self.worlds:
            self.keep("reads", {str(world.events): measures.reads(world)})

    def reconcile(self) -> None:
        """Every table, after the refreshes, against a rebuild from raw: equal, or it fails."""
        for world in self.worlds:
            cost = cost_of([PROGRAM, "reconcile"], home=world.settings.home)
            self.keep("reconcile", {str(world.events): asdict(cost)})

    def _pairs(self, world: World, ways: Mapping[str, Callable[[], Cost]], step: str) -> None:
        print(f"{world.events:,} events, {step}", flush=True)
        ways = {"refresh": partial(measures.full_refresh, world), **ways}
        self.keep(step, {str(world.events): _as_dicts(measures.in_turn(ways, self.rounds))})


def _as_dicts(costs: measures.Costs) -> dict[str, Any]:
    return {name: [asdict(cost) | {"said": ""} for cost in found] for name, found in costs.items()}


STEPS = (
    "land",
    "landing",
    "full",
    "peers",
    "limited",
    "reads",
    "refreshes",
    "reconcile",
    "academy",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the steps in order, and write the document."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--new", type=int, default=100_000, help="new events of a refresh")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-a-row", type=int, default=10, help="refreshes of the largest world")
    parser.add_argument("--folder", type=Path, default=PROJECT_ROOT / "data" / "bench")
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=STEPS)
    parser.add_argument("--note", help="what readers should know of the machine")
    parser.add_argument("--out", type=Path, default=PROJECT_ROOT / "docs")
    chosen = parser.parse_args(arguments)
    benchmark = Benchmark(chosen.folder, chosen.events, chosen.new, chosen.rounds, chosen.in_a_row)
    if chosen.note:
        benchmark.keep("machine", {"note": chosen.note})
    try:
        for step in STEPS:
            if step in chosen.steps:
                getattr(benchmark, step)()
    except (CommandFailed, measures.TablesDiffer) as error:
        sys.exit(f"Error: {error}")
    print(f"Written: {document.write(benchmark.results, chosen.out)}")


if __name__ == "__main__":
    main()
