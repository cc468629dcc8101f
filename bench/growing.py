"""Refreshes of new events on a history that grows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.costs import Cost, cost_of
from bench.measures import Costs
from bench.worlds import PROGRAM, World, deliver, delivered


def refreshes(
    worlds: list[World], nothing_new: Callable[[], Cost], rounds: int, more: int
) -> tuple[Costs, list[dict[str, Any]]]:
    """Refreshes of new events in landing order, world by world in turn.

    Each round adds a tenth of `new` events, then `new`, each after a refresh with `nothing new`;
    `more` refreshes of the tenth follow in the largest world. Returns the costs by name, and how
    the largest world's files grew.
    """
    costs: Costs = {}
    growth: list[dict[str, Any]] = []
    largest = max(worlds, key=lambda world: world.events)
    skipped = {world: delivered(world) for world in worlds}

    def refresh(world: World, lines: int) -> Cost:
        deliver(world, lines, skipped[world])
        skipped[world] += lines
        cost = cost_of([PROGRAM, "refresh", "--json"], home=world.settings.home)
        print(f"{cost.seconds:8.2f} s {cost.processor:8.2f} s cpu  {lines} on {world.events}")
        if world == largest:
            growth.append(
                {
                    "lines": lines,
                    "seconds": cost.seconds,
                    "processor": cost.processor,
                    "warehouse": size_of(world.settings.warehouse_file),
                    "snapshot": size_of(world.settings.snapshot_file),
                }
            )
        return cost

    for number in range(rounds):
        for lines in (largest.new // 10, largest.new):
            taken = {"nothing new": nothing_new()}
            taken |= {f"{lines} on {world.events}": refresh(world, lines) for world in worlds}
            if number or rounds == 1:
                for name, cost in taken.items():
                    costs.setdefault(name, []).append(cost)
    for _ in range(more):
        refresh(largest, largest.new // 10)
    return costs, growth


def size_of(file: Path) -> float:
    """MB of disk that a file takes."""
    return file.resolve().stat().st_size / 1e6
