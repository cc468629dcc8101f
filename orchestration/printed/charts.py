"""The printed report's charts, each an SVG text that stands in the page itself."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestration.output import Rows

INK = "#1b2733"
MUTED = "#5a6673"
GRID = "#d9dee3"
TRACK = "#e4ebf1"
MAIN = "#1f5f8b"
WARM = "#b3541e"

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "learner-progress",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "Segoe UI", "Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": INK,
}
_WIDTH = 8.6
_ROW = 0.30


def completion(courses: Rows) -> str:
    """Completion rate by course: a bar of 0 to 100 %, with numerator and denominator beside it."""
    rows = [course for course in courses if course["completion_rate"] is not None]
    with _drawing(len(rows)) as (figure, axes):
        _named_rows(axes, [row["course_title"] for row in rows])
        shares = [100 * row["completion_rate"] for row in rows]
        axes.barh(range(len(rows)), [100] * len(rows), color=TRACK, height=0.62)
        axes.barh(range(len(rows)), shares, color=MAIN, height=0.62)
        for place, row in enumerate(rows):
            text = (
                f"{shares[place]:.1f} % · {row['completed_learners']:,}"
                f" of {row['enrolled_learners']:,}"
            )
            axes.text(102, place, text, va="center", color=INK, clip_on=False)
        axes.set_xlim(0, 148)
        axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
        return _svg(figure, "Completion rate by course, in per cent of enrolled learners.")


def funnel(title: str, lessons: Rows) -> str:
    """A course's lessons in order: how many learners reached each, and of whom how many completed.

    The dark bar counts learners who completed the lesson, the light one those who got that far.
    """
    with _drawing(len(lessons)) as (figure, axes):
        _named_rows(axes, [f"{row['position']}  {row['lesson_title']}" for row in lessons])
        most = max((row["reached_learners"] for row in lessons), default=0) or 1
        places = range(len(lessons))
        axes.barh(places, [row["reached_learners"] for row in lessons], color="#a9c4d8", height=0.7)
        axes.barh(places, [row["completed_learners"] for row in lessons], color=MAIN, height=0.36)
        for place, row in enumerate(lessons):
            rate = row["drop_off_rate"]
            text = f"{row['reached_learners']:,}" + (
                f" · drop-off {100 * rate:.1f} %" if rate is not None else " · no views"
            )
            axes.text(
                row["reached_learners"] + most * 0.012,
                place,
                text,
                va="center",
                clip_on=False,
                color=WARM if rate is not None and rate >= 0.2 else INK,
            )
        axes.set_xlim(0, most * 1.32)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        return _svg(figure, f"Learners who reached and who completed each lesson of {title}.")


def durations(courses: Rows) -> str:
    """Days from first access to the final lesson: quartiles of all who started, and completers'.

    A quartile that the curve hasn't reached is open: the bar ends in an arrow.
    """
    rows = [row for row in courses if row["p25_days"] is not None]
    with _drawing(len(rows)) as (figure, axes):
        _named_rows(axes, [row["course_title"] for row in rows])
        ends = [row["p75_days"] or row["median_days"] or row["p25_days"] for row in rows]
        most = max(ends, default=0) or 1
        for place, row in enumerate(rows):
            end = row["p75_days"]
            stop = most * 1.12 if end is None else end
            axes.plot(
                [row["p25_days"], stop],
                [place, place],
                color="#a9c4d8",
                lw=7,
                solid_capstyle="butt",
            )
            if end is None:
                axes.plot(stop, place, marker=">", color="#a9c4d8", ms=9)
            if row["median_days"] is not None:
                axes.plot(row["median_days"], place, "o", color=MAIN, ms=8)
            if row["completers_median_days"] is not None:
                axes.plot(row["completers_median_days"], place, "D", mfc="white", mec=WARM, ms=6)
        axes.set_xlim(0, most * 1.16)
        axes.set_xlabel("days since first access")
        return _svg(figure, "Days from first access to the final lesson, by course.")


def overdue(courses: Rows) -> str:
    """How many are overdue, by course."""
    with _drawing(len(courses)) as (figure, axes):
        _named_rows(axes, [row["course_title"] for row in courses])
        counts = [row["overdue"] for row in courses]
        axes.barh(range(len(courses)), counts, color=WARM, height=0.62)
        for place, row in enumerate(courses):
            text = f" {row['overdue']:,} · longest {row['longest_days']:,.0f} days"
            axes.text(row["overdue"], place, text, va="center", clip_on=False)
        axes.set_xlim(0, (max(counts, default=0) or 1) * 1.35)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        return _svg(figure, "Overdue learners by course.")


@contextmanager
def _drawing(rows: int) -> Iterator[tuple[Figure, Axes]]:
    """A figure high enough for its rows, drawn in the page's style."""
    height = 0.75 + _ROW * max(rows, 1)
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(_WIDTH, height))
        axes = figure.add_axes((0.33, 0.42 / height, 0.66, 1 - 0.5 / height))
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0)
        yield figure, axes


def _named_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [_shortened(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.grid(visible=True, color=GRID, lw=0.8)
    axes.set_axisbelow(True)


def _shortened(text: str, length: int = 40) -> str:
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def _svg(figure: Figure, label: str) -> str:
    """The figure as SVG for HTML: named for those who can't see it, as wide as the page."""
    text = io.StringIO()
    with warnings.catch_warnings():
        # The reader's own fonts draw the letters that ours has no shape for.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\swidth="[^"]+pt"|\sheight="[^"]+pt"', "", svg, count=2)
    # What a chart defines is named once a page, not once a chart.
    name = re.sub(r"\W+", "-", label)
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{_attribute(label)}" ', 1)


def _attribute(text: str) -> str:
    return escape("".join(letter if letter.isprintable() else "·" for letter in text))
