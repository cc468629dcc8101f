"""Draws how costs grow, as SVG."""

from pathlib import Path
from typing import Any

from bench.goals import Results, middle, sizes


def draw(results: Results, folder: Path) -> dict[str, str]:
    """Write the plots for which there are results; returns their titles by file name."""
    import matplotlib as mpl

    # The same results give the same file.
    mpl.rcParams.update({"svg.hashsalt": "bench", "font.size": 9, "axes.grid": True})
    drawn = {}
    if len(results.get("full", {})) > 1:
        drawn["benchmark_full.svg"] = _full(results, folder / "benchmark_full.svg")
    if results.get("refreshes"):
        drawn["benchmark_refreshes.svg"] = _new_events(results, folder / "benchmark_refreshes.svg")
    if results.get("growth"):
        drawn["benchmark_growth.svg"] = _growth(results, folder / "benchmark_growth.svg")
    return drawn


def _figure() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Any, axes: Any, file: Path, title: str) -> str:
    axes.set_title(title)
    axes.legend()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return title


def _full(results: Results, file: Path) -> str:
    figure, axes = _figure()
    lines: dict[str, list[tuple[int, float]]] = {}
    for step in ("full", "peers"):
        for size in sizes(results.get(step, {})):
            for name, costs in results[step][size].items():
                if step == "full" or name != "refresh":
                    point = (int(size), middle(costs, "processor"))
                    lines.setdefault(name, []).append(point)
    for name, points in lines.items():
        axes.loglog(*zip(*points, strict=True), marker="o", label=name)
    axes.set_xlabel("events")
    axes.set_ylabel("seconds of processor time")
    return _save(figure, axes, file, "A full refresh, and scripts that make the same tables")


def _new_events(results: Results, file: Path) -> str:
    figure, axes = _figure()
    lines: dict[str, list[tuple[int, float]]] = {}
    for name, costs in results["refreshes"].items():
        new, _, events = name.split(" ")
        lines.setdefault(new, []).append((int(events), middle(costs, "processor")))
    for new, points in lines.items():
        axes.semilogx(*zip(*sorted(points), strict=True), marker="o", label=f"{int(new):,} new")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("events of history")
    axes.set_ylabel("seconds of processor time")
    return _save(figure, axes, file, "A refresh of new events, by the length of history")


def _growth(results: Results, file: Path) -> str:
    figure, axes = _figure()
    size = sizes(results["growth"])[-1]
    found = results["growth"][size]
    for lines in sorted({refresh["lines"] for refresh in found}):
        points = [
            (place + 1, refresh["processor"])
            for place, refresh in enumerate(found)
            if refresh["lines"] == lines
        ]
        axes.plot(*zip(*points, strict=True), marker="o", label=f"{lines:,} new")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("refreshes in a row")
    axes.set_ylabel("seconds of processor time")
    return _save(figure, axes, file, f"Refreshes in a row on {int(size):,} events")
