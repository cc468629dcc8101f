"""What an operator wants to know first: the last refresh, what waits, what makes reports empty."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import freshness, landing, notes
from orchestration.published import latest_refresh, quoted
from orchestration.settings import Settings
from orchestration.time_travel import as_of
from orchestration.warehouse import utc_now

_STUDIED = {
    "duckdb": "(select course_id, lesson_id, events from marts.lesson_counts)",
    # A cluster's counts stay there.
    "spark": """(
        select course_id, lesson_id, sum(events) as events
        from
            (
                select course_id, lesson_id, view_count as events
                from snapshot.progress.lesson_progress
                union all
                select course_id, lesson_id, 1 + later_reports
                from snapshot.progress.lesson_completions
            )
        group by course_id, lesson_id
    )""",
}
"""By engine, the events of each lesson, whether the catalogue knows it or not."""

_GAPS = """
select
    count(distinct studied.course_id) filter (where courses.course_id is null) as unknown_courses,
    coalesce(sum(studied.events) filter (where courses.course_id is null), 0)
        as unknown_course_events,
    count(*) filter (where lessons.lesson_id is null) as unknown_lessons,
    coalesce(sum(studied.events) filter (where lessons.lesson_id is null), 0)
        as unknown_lesson_events,
    (
        -- An inferred enrollment begins with the first access: few have to be looked up.
        select count(distinct learner_id)
        from
            (
                from snapshot.progress.course_progress
                where
                    first_accessed_at is not null
                    and (enrollment_status = 'none' or enrolled_at = first_accessed_at)
            )
        anti join raw.enrollments using (learner_id, course_id)
    ) as learners_without_enrollment
from {studied} as studied
left join (select distinct course_id from raw.courses) as courses using (course_id)
left join (select distinct course_id, lesson_id from raw.lessons) as lessons
    using (course_id, lesson_id)
"""


@dataclass(frozen=True)
class Gaps:
    """Events and learners that the catalogue and the enrollments don't know: counts."""

    unknown_courses: int = 0
    unknown_course_events: int = 0
    unknown_lessons: int = 0
    unknown_lesson_events: int = 0
    learners_without_enrollment: int = 0

    def remedies(self, *, infer_enrollments: bool) -> list[str]:
        """One line for each gap: what it is, what it does to reports, and what to do."""
        lines = []
        if self.unknown_courses:
            lines.append(
                f"Events of unknown courses ({self.unknown_course_events:,} of"
                f" {self.unknown_courses:,}) are in no report: land the courses' rows in"
                " landing/courses/."
            )
        if self.unknown_lessons:
            lines.append(
                f"Events of unknown lessons ({self.unknown_lesson_events:,} of"
                f" {self.unknown_lessons:,}) count towards no progress: land the lessons' rows in"
                " landing/lessons/."
            )
        if self.learners_without_enrollment and not infer_enrollments:
            lines.append(
                f"Learners without an enrollment ({self.learners_without_enrollment:,}) are in no"
                " rate: land enrollments, or set LEARNER_PROGRESS_INFER_ENROLLMENTS=true where the"
                " platform sends none."
            )
        return lines


def save_gaps(connection: duckdb.DuckDBPyConnection, settings: Settings, *, engine: str) -> None:
    """Keep the gaps beside the snapshot, for readers who never open the warehouse.

    Args:
        engine: what built the snapshot.
    """
    newest = quoted(settings.snapshot_file.resolve())
    connection.execute(f"attach '{newest}' as snapshot (read_only)")
    gaps = Gaps(*(connection.execute(_GAPS.format(studied=_STUDIED[engine])).fetchone() or ()))
    connection.execute("detach snapshot")
    notes.write(_gaps_file(settings), asdict(gaps))


def load_gaps(settings: Settings) -> Gaps:
    """The gaps as of the last published refresh; none before the first."""
    return Gaps(**notes.read(_gaps_file(settings)) or {})


def status(settings: Settings) -> dict[str, Any]:
    """The state of the warehouse, read from the snapshot and the inbox only: it waits for no one.

    Keys: refresh_id, as_of, published_at, engine, events, new_events, new_duplicates,
    new_rejected_lines, last_event_at and last_landed_at of the published refresh (null before the
    first), age_seconds, snapshot, inbox_files, as_of_snapshots (their instants), home, the counts
    of `Gaps`, remedies, and freshness, a list of objects as `freshness.Finding`.
    """
    newest = latest_refresh(settings)
    gaps = load_gaps(settings)
    columns = [
        "refresh_id",
        "as_of",
        "published_at",
        "engine",
        "events",
        "new_events",
        "new_duplicates",
        "new_rejected_lines",
        "last_event_at",
        "last_landed_at",
    ]
    state: dict[str, Any] = {column: newest[column] if newest else None for column in columns}
    published_at = state["published_at"]
    age = round((utc_now() - published_at).total_seconds()) if published_at else None
    return {
        **state,
        "age_seconds": age,
        "snapshot": str(settings.snapshot_file) if newest else None,
        "home": str(settings.home),
        "inbox_files": len(landing.waiting(settings)),
        "as_of_snapshots": as_of.known(settings),
        **asdict(gaps),
        "remedies": gaps.remedies(infer_enrollments=settings.infer_enrollments),
        "freshness": [asdict(finding) for finding in freshness.findings(settings)],
    }


def as_lines(state: dict[str, Any]) -> list[str]:
    """The state for people, a line a fact."""
    if state["refresh_id"] is None:
        lines = [f"Nothing is published yet in {state['home']}: run `learner-progress refresh`."]
    else:
        lines = [
            f"Last refresh  {state['refresh_id']} ({state['engine']})",
            f"As of         {state['as_of']:%Y-%m-%d %H:%M:%S} UTC",
            f"Published     {state['published_at']:%Y-%m-%d %H:%M:%S} UTC,"
            f" {_age(state['age_seconds'])} ago",
            f"Snapshot      {state['snapshot']}",
            f"Events        {state['events']:,} in all; since the refresh before"
            f" {state['new_events']:,} new, {state['new_duplicates']:,} duplicates,"
            f" {state['new_rejected_lines']:,} rejected lines",
        ]
    lines.append(f"Inbox         {state['inbox_files']:,} files wait")
    lines += freshness.as_lines(state["freshness"])
    if past := state["as_of_snapshots"]:
        first, last = as_of.text_of(past[0]), as_of.text_of(past[-1])
        lines.append(f"As of past    {len(past):,} snapshots, from {first} to {last}")
    return lines + [f"To do         {remedy}" for remedy in state["remedies"]]


def _age(seconds: int) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def _gaps_file(settings: Settings) -> Path:
    return settings.published / "gaps.json"
