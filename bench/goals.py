"""The goals, each held against what was measured: the ratio or figure, and whether it is met."""

from dataclasses import dataclass
from statistics import median
from typing import Any

Results = dict[str, Any]

NOISE = 0.1
"""The share of the fixed cost below which what a refresh costs beside it can't be told from it."""


@dataclass(frozen=True)
class Goal:
    """A goal: what, at most how much, what was measured, in a unit."""

    what: str
    limit: float
    measured: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether what was measured is within the limit."""
        return self.measured <= self.limit

    @property
    def row(self) -> tuple[str, str, str, str]:
        """What, the goal, what was measured, and the verdict, as text."""
        limit, measured = (f"{value:,.3g}{self.unit}" for value in (self.limit, self.measured))
        return self.what, f"≤ {limit}", measured, "met" if self.is_met else "**missed**"


def middle(costs: list[dict[str, float]], measure: str = "seconds") -> float:
    """The median of a measure."""
    return median(cost[measure] for cost in costs)


def sizes(found: dict[str, Any]) -> list[str]:
    """The numbers of events for which a step has results, ascending."""
    return sorted(found, key=int)


def goals(results: Results, measure: str = "seconds") -> list[Goal]:
    """Every goal for which there are results; `measure` is `seconds` or `processor`."""
    return [
        *_full(results, measure),
        *_new_events(results, measure),
        *_little(results, measure),
        *_space(results),
        *_reads(results),
    ]


def _full(results: Results, measure: str) -> list[Goal]:
    found = [
        Goal(
            f"full refresh against the bare script, {int(size):,} events",
            2.0,
            middle(costs["refresh"], measure) / middle(costs["bare"], measure),
            " ×",
        )
        for size, costs in results.get("full", {}).items()
    ]
    # Of each peer, the largest world that it was asked for.
    peers = {
        name: (size, costs)
        for size, costs in sorted(results.get("peers", {}).items(), key=lambda item: int(item[0]))
        for name in costs
        if name != "refresh"
    }
    found += [
        Goal(
            f"full refresh against {name}, {int(size):,} events",
            1.0,
            middle(costs["refresh"], measure) / middle(costs[name], measure),
            " ×",
        )
        for name, (size, costs) in peers.items()
    ]
    return found


def _new_events(results: Results, measure: str) -> list[Goal]:
    costs = results.get("refreshes", {})
    if not costs:
        return []
    by_lines: dict[int, dict[int, float]] = {}
    for name, taken in costs.items():
        lines, _, events = name.split(" ")
        by_lines.setdefault(int(lines), {})[int(events)] = middle(taken, measure)
    few, many = sorted(by_lines)
    least, most = min(by_lines[many]), max(by_lines[many])
    fixed = middle(results["fixed"]["nothing new"], measure) if "fixed" in results else 0.0
    least_work = max(by_lines[few][least] - fixed, fixed * NOISE, 0.01)
    found = [
        Goal(
            f"refresh of {many:,} new events on {most:,} against on {least:,}",
            1.5,
            by_lines[many][most] / by_lines[many][least],
            " ×",
        ),
        Goal(
            f"work of a refresh of {few:,}, without the fixed cost, on {most:,} against {least:,}",
            3.0,
            (by_lines[few][most] - fixed) / least_work,
            " ×",
        ),
    ]
    if full := results.get("full", {}).get(str(most)):
        whole = middle(full["refresh"], measure)
        what = f"refresh of {many:,} new events on {most:,} against a full refresh"
        found.append(Goal(what, 0.2, by_lines[many][most] / whole, " ×"))
    return found


def _little(results: Results, measure: str) -> list[Goal]:
    found = []
    if academy := results.get("academy"):
        new, nothing = (middle(academy[name], measure) for name in ("new events", "nothing new"))
        found = [
            Goal("refresh of 1,000 new events on the academy", 6, new, " s"),
            Goal("of it fixed: the same with nothing new", 6, nothing, " s"),
            Goal("`learner-progress --help`", 0.3, middle(academy["--help"], measure), " s"),
        ]
    if landing := results.get("landing"):
        what = f"landing {landing['events']:,.0f} lines of JSON against a typed read"
        found.append(Goal(what, 2.2, landing[measure], " ×"))
    return found


def _space(results: Results) -> list[Goal]:
    found = []
    if full := results.get("full"):
        most = sizes(full)[-1]
        peak = middle(full[most]["refresh"], "peak") / 1000
        found.append(Goal(f"peak memory of a full refresh, {int(most):,} events", 8, peak, " GB"))
    for size, cost in results.get("limited", {}).items():
        what = f"peak memory with the engine limited to 2 GB, {int(size):,} events (it completes)"
        found.append(Goal(what, 8, cost["peak"] / 1000, " GB"))
    if taken := results.get("bytes"):
        most = sizes(taken)[-1]
        what = f"bytes of disk an event in raw, {int(most):,} events"
        found.append(Goal(what, 50, taken[most]["all"], ""))
    return found


def _reads(results: Results) -> list[Goal]:
    if not results.get("reads"):
        return []
    most = sizes(results["reads"])[-1]
    limits = {"one learner's progress": 30.0, "one learner's lessons": 30.0}
    limits["one course's learners"] = 100.0
    limits["the largest course's learners"] = 100.0
    limits["the largest course's learners, as an Arrow table"] = 100.0
    limits["one learner's progress, in an application"] = 30.0
    limits["one learner's lessons, in an application"] = 30.0
    return [
        Goal(f"{name}, {int(most):,} events", limits.get(name, 50.0), taken, " ms")
        for name, taken in results["reads"][most].items()
    ]
