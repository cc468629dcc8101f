"""A few totals by which tables made in different ways are held against one another."""

import duckdb

TOTALS = {
    "lessons": "count(*) from lesson_progress",
    "views": "sum(view_count) from lesson_progress",
    "lessons_in_course": "count(*) filter (is_in_course) from lesson_progress",
    "last_view": "max(epoch_us(last_viewed_at)) from lesson_progress",
    "completions": "count(*) from lesson_completions",
    "later_reports": "sum(later_reports) from lesson_completions",
    "completed_at": "sum(epoch_us(completed_at)) from lesson_completions",
    "completing_events": "bit_xor(hash(event_id)) from lesson_completions",
    "pairs": "count(*) from course_progress",
    "completed_courses": "count(*) filter (is_completed) from course_progress",
    "courses_completed_at": "sum(epoch_us(completed_at)) from course_progress",
    "viewed_lessons": "sum(viewed_lessons) from course_progress",
    "completed_lessons": "sum(completed_lessons) from course_progress",
    "lessons_to_resume": "bit_xor(hash(resume_lesson_id)) from course_progress",
    "overdue": "count(*) from overdue_learners",
    "enrolled": "sum(enrolled_learners) from course_completion",
    "completed_enrollments": "sum(completed_learners) from course_completion",
    "viewers": "sum(viewed_learners) from lesson_drop_off",
    "stalled": "sum(stalled_learners) from lesson_drop_off",
    "stopped": "sum(stopped_learners) from lesson_drop_off",
    "active_days": "sum(active_learners) from daily_activity",
    "days": "count(*) from daily_activity",
    "medians": "round(sum(median_days), 3) from time_to_complete",
    "curve": "round(sum(completed_share), 3) from completion_curve",
    "cohorts": "sum(completed_learners) from enrollment_cohorts",
}


def totals(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Each total as text, of the tables and columns that are in sight of the connection."""
    found = {}
    for name, query in TOTALS.items():
        try:
            found[name] = str(connection.execute(f"select {query}").fetchall()[0][0])
        except (duckdb.BinderException, duckdb.CatalogException):
            continue
    return found


def published_totals(snapshot: str) -> dict[str, str]:
    """The totals of a published snapshot."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{snapshot}' as learner_progress (read_only)")
        connection.execute("use learner_progress")
        connection.execute("set search_path = 'learner_progress.progress,learner_progress.marts'")
        return totals(connection)


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The totals that both have, but not alike; numbers may differ by their last digits."""
    return [
        f"{name}: {one[name]} and {other[name]}"
        for name in one.keys() & other.keys()
        if one[name] != other[name] and not _close(one[name], other[name])
    ]


def _close(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) <= 1e-6 * abs(float(one)) and "." in one + other
    except ValueError:
        return False
