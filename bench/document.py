"""Writes docs/benchmarks.md and its plots from the results."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.goals import Results, goals, middle, sizes
from bench.planning import planning

HEAD = """# Benchmarks
Written by `make bench`; every number below was measured by it, on one machine. Whole
commands are timed, each as a process of its own, the two of a pair in turn after a round to warm
up; figures are medians. What counts are ratios: both of a pair suffer alike from whatever else the
machine does. The ratio of processor time is shown beside them, since it hardly depends on that.
"""

WORLD = """
The worlds are made by `learner-progress generate` and fixed by their size: text UUIDs as event
ids, text learner ids, 2.5 enrollments a learner, about 43 events an enrollment, 200 courses of 10
to 60 lessons with skewed popularity, 3 % repeats, 8 % late by hours to days, deadlines on 60 %.
New events are the next ones in landing order.
"""

COMPARED = """
The **bare script** (`bench/baselines/bare.sql`) makes the same tables from the same raw tables by
DuckDB alone: no dedupe, no tests, no keys, no comments, no order of rows, no publication. The
scripts for Polars, chdb and pandas read the same lines as Parquet and dedupe them; they make fewer
tables (no place to resume, no cohorts, nothing of Kaplan–Meier). After each run, up to 25 totals of
the tables are held against the published snapshot's: all were equal.

The **fixed cost** is what a refresh of the academy takes with nothing new, measured in turn with
the refreshes that it is taken from. Where a small world takes hardly more, the work beside it is
taken for a tenth of the fixed cost, so that the true ratio is at least the one shown.
"""


def write(results: Results, folder: Path) -> Path:
    """Write `benchmarks.md` and `images/benchmark_*.svg` under a folder; returns the page."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    plots = _plots(results, images)
    page = folder / "benchmarks.md"
    parts = [HEAD, _machine(results["machine"]), WORLD, _goals(results), COMPARED]
    parts += [_full(results), *plots, _refreshes(results), _growth(results), _space(results)]
    parts.append(planning(results))
    page.write_text("\n".join(part.strip() + "\n" for part in parts if part), encoding="utf-8")
    return page


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    note = machine.get("note", "")
    return (
        f"\n{machine['date']}: {machine['processor']}, {machine['cores']} cores,"
        f" {machine['memory_gb']} GB; {machine['system']}; {versions}. {note}\n"
    )


def _goals(results: Results) -> str:
    processor = {goal.what: goal for goal in goals(results, "processor")}
    rows = []
    for goal in goals(results):
        other = processor[goal.what]
        differs = other.measured != goal.measured
        rows.append((*goal.row, f"{other.measured:,.3g}{goal.unit}" if differs else ""))
    head = ("what", "goal", "measured", "", "by processor time")
    return f"## Goals\n{table(head, rows)}"


def _full(results: Results) -> str:
    rows = []
    for step in ("full", "peers"):
        for size in sizes(results.get(step, {})):
            for name, costs in results[step][size].items():
                seconds, processor, peak = (
                    middle(costs, measure) for measure in ("seconds", "processor", "peak")
                )
                figures = (f"{seconds:,.1f}", f"{processor:,.1f}", f"{peak / 1000:.1f}")
                rows.append((f"{int(size):,}", name, len(costs), *figures))
    if not rows:
        return ""
    head = ("events", "", "times", "seconds", "of processor time", "GB at most")
    return f"## Full refreshes and what they are compared with\n{table(head, rows)}"


def _refreshes(results: Results) -> str:
    costs = results.get("refreshes", {})
    if not costs:
        return ""
    rows = [
        (
            f"{int(name.split(' ')[0]):,}",
            f"{int(name.split(' ')[2]):,}",
            f"{middle(taken):,.1f}",
            f"{middle(taken, 'processor'):,.1f}",
            f"{middle(taken, 'peak') / 1000:.1f}",
        )
        for name, taken in costs.items()
    ]
    head = ("new events", "on", "seconds", "of processor time", "GB at most")
    return f"## Refreshes that add\n{table(head, rows)}"


def _growth(results: Results) -> str:
    rows = []
    for found in results.get("growth", {}).values():
        rows = [
            (
                place + 1,
                f"{refresh['lines']:,}",
                f"{refresh['seconds']:.1f}",
                f"{refresh['processor']:.1f}",
                f"{refresh['warehouse']:,.0f}",
                f"{refresh['snapshot']:,.0f}",
            )
            for place, refresh in enumerate(found)
        ]
    if not rows:
        return ""
    size = sizes(results["growth"])[-1]
    head = ("", "new events", "seconds", "of processor time", "warehouse MB", "snapshot MB")
    reconciled = results.get("reconcile", {}).get(size)
    text = f"## Refreshes in a row, on {int(size):,} events\n{table(head, rows)}"
    if reconciled:
        text += (
            "\n\nAfter them `reconcile` built every table anew from raw and found each equal, row"
            f" by row: {reconciled['seconds']:,.0f} s, {reconciled['processor']:,.0f} s of"
            f" processor time, at most {reconciled['peak'] / 1000:.1f} GB."
        )
    return text


def _space(results: Results) -> str:
    if not results.get("bytes"):
        return ""
    most = sizes(results["bytes"])[-1]
    rows = [(name, f"{taken:.1f}") for name, taken in results["bytes"][most].items()]
    return (
        f"## Bytes of disk an event in `raw.events`, {int(most):,} events\n"
        f"{table(('column', 'bytes'), rows)}\n\n"
        "A block that holds several columns counts for each: they add up to more than all."
    )


def _plots(results: Results, folder: Path) -> list[str]:
    from bench.plots import draw

    return [f"![{title}](images/{name})" for name, title in draw(results, folder).items()]
