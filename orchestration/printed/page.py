"""Puts the printed report together: figures and charts into one self-contained HTML text."""

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.printed import charts
from orchestration.printed.figures import LEARNERS, figures
from orchestration.settings import Settings
from orchestration.time_travel.as_of import AsOf


def page(settings: Settings, as_of: AsOf | None = None) -> str:
    """The four answers of the published snapshot as HTML: charts inside, nothing to load.

    At most 50 courses are shown one by one, those with most enrolled learners; the rest are
    summed up. Instants are UTC, days are of 24 hours; a dash stands for an empty group.

    Args:
        as_of: show the snapshot as of this instant or day instead.

    Raises:
        NothingPublished, NoSnapshotAsOf: there is no such snapshot.
    """
    shown = figures(settings, as_of)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=_count, share=_share, percent=_percent, days=_days, instant=_instant
    )
    by_rate = sorted(shown.courses, key=lambda course: -(course["completion_rate"] or 0))
    return environment.get_template("page.html").render(
        figures=shown,
        courses=by_rate,
        learners_shown=LEARNERS,
        completion_chart=charts.completion(by_rate),
        durations_chart=charts.durations(by_rate),
        overdue_chart=charts.overdue(shown.overdue_courses[:50]),
        funnels=[
            (course, charts.funnel(course["course_title"], shown.funnels[course["course_id"]]))
            for course in shown.courses
            if shown.funnels[course["course_id"]]
        ],
    )


def write_page(settings: Settings, file: Path, as_of: AsOf | None = None) -> Path:
    """Write the page to `file`, in one step: a reader sees the old page or the new one.

    Raises:
        NothingPublished, NoSnapshotAsOf: there is no such snapshot; the file is as it was.
    """
    text = page(settings, as_of)
    file.parent.mkdir(parents=True, exist_ok=True)
    building = file.with_name(f".{file.name}.part")
    building.write_text(text, encoding="utf-8", errors="replace")
    return building.replace(file)


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _days(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _instant(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else "–"
