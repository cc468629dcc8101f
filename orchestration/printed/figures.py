"""What the printed report shows, read from one snapshot: the marts, cut to what a page can hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.output import Rows
from orchestration.published import connect
from orchestration.settings import Settings
from orchestration.time_travel.as_of import AsOf

COURSES = 50
"""So many courses are shown one by one, those with most enrolled learners; the rest are summed."""

LESSONS = 15
LEARNERS = 50

_COURSES = """
select *
from marts.course_completion
inner join marts.time_to_complete using (course_id)
order by enrolled_learners desc, ever_enrolled_learners desc, course_id
"""

_REST = """
select
    count(*) as courses,
    coalesce(sum(enrolled_learners), 0) as enrolled_learners,
    coalesce(sum(started_learners), 0) as started_learners,
    coalesce(sum(completed_learners), 0) as completed_learners,
    round(sum(completed_learners) / nullif(sum(enrolled_learners), 0), 6) as completion_rate
from marts.course_completion
where not list_contains($shown, course_id)
"""

_TOTALS = """
select
    (select count(*) from marts.course_completion) as courses,
    (select coalesce(sum(enrolled_learners), 0) from marts.course_completion) as enrollments,
    (select coalesce(sum(completed_learners), 0) from marts.course_completion) as completions,
    (
        select round(sum(completed_learners) / nullif(sum(enrolled_learners), 0), 6)
        from marts.course_completion
    ) as completion_rate,
    (select count(*) from marts.overdue_learners) as overdue,
    (select count(distinct learner_id) from marts.overdue_learners) as overdue_learners
"""

_WORST_LESSONS = """
select lesson_drop_off.*, course_title
from marts.lesson_drop_off
inner join marts.course_completion using (course_id)
where viewed_not_completed_learners > 0
order by drop_off_rank, drop_off_rate desc, course_id, lesson_id
limit $lessons
"""

_FUNNELS = """
select course_id, lesson_title, position, viewed_learners, completed_learners,
    reached_learners, reach_rate, drop_off_rate, stalled_learners
from marts.lesson_drop_off
where list_contains($shown, course_id)
order by course_id, position, lesson_id
"""

_OVERDUE_COURSES = """
select course_id, course_title, count(*) as overdue, max(overdue_days) as longest_days
from marts.overdue_learners
group by course_id, course_title
order by overdue desc, course_id
"""

_OVERDUE_LEARNERS = """
select * from marts.overdue_learners
order by overdue_days desc, course_id, learner_id
limit $learners
"""


@dataclass(frozen=True)
class Figures:
    """One snapshot's figures, all of the same refresh.

    refresh and totals are one row; courses are those shown one by one, rest the sum of the
    others; funnels hold a course's lessons in lesson order, by course_id.
    """

    refresh: dict[str, Any]
    totals: dict[str, Any]
    courses: Rows
    rest: dict[str, Any]
    worst_lessons: Rows
    funnels: dict[str, Rows]
    overdue_courses: Rows
    overdue_learners: Rows


def figures(settings: Settings, as_of: AsOf | None = None) -> Figures:
    """Read the report's figures from one snapshot, through one connection.

    Raises:
        NothingPublished, NoSnapshotAsOf: there is no such snapshot.
    """
    with connect(settings, as_of=as_of) as connection:
        courses = _rows(connection, f"{_COURSES} limit {COURSES}")
        shown = [course["course_id"] for course in courses]
        lessons = _rows(connection, _FUNNELS, shown=shown)
        return Figures(
            refresh=_rows(connection, "from marts.refreshes order by refresh_id desc limit 1")[0],
            totals=_rows(connection, _TOTALS)[0],
            courses=courses,
            rest=_rows(connection, _REST, shown=shown)[0],
            worst_lessons=_rows(connection, _WORST_LESSONS, lessons=LESSONS),
            funnels={course: _of(course, lessons) for course in shown},
            overdue_courses=_rows(connection, _OVERDUE_COURSES),
            overdue_learners=_rows(connection, _OVERDUE_LEARNERS, learners=LEARNERS),
        )


def _of(course_id: str, lessons: Sequence[dict[str, Any]]) -> Rows:
    return [lesson for lesson in lessons if lesson["course_id"] == course_id]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: object) -> Rows:
    cursor = connection.execute(query, parameters)
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
