"""An independent, deliberately naive computation of every table that readers see.

It follows the written meaning of each figure, in plain Python, one learner after another, and
shares nothing with the SQL models: it is their judge. Shapes, units and time zone are those of
the tables: instants are naive UTC, dates are in the reporting zone, NULL is None.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd

from . import marts, progress
from .differences import KEYS, differences, read_table
from .landed import CourseRow, DeadlineRow, EnrollmentRow, EventRow, Landed, LessonRow, Rules
from .state import State, read_state

__all__ = [
    "COLUMNS",
    "KEYS",
    "CourseRow",
    "DeadlineRow",
    "EnrollmentRow",
    "EventRow",
    "Landed",
    "LessonRow",
    "Rules",
    "compute",
    "differences",
    "read_table",
]

_COLUMNS = {
    "lesson_progress": "learner_id course_id lesson_id is_viewed first_viewed_at last_viewed_at"
    " view_count is_completed completed_at is_in_course",
    "lesson_completions": "learner_id course_id lesson_id completed_at event_id batch_id"
    " recorded_at later_reports earliest_reported_at",
    "course_progress": "learner_id course_id enrollment_status enrolled_at unenrolled_at"
    " total_lessons viewed_lessons completed_lessons progress_percentage first_accessed_at"
    " last_accessed_at is_completed completed_at time_to_complete_days has_new_lessons"
    " is_certificate_eligible resume_lesson_id due_at is_overdue is_completed_late",
    "course_completion": "course_id course_title total_lessons enrolled_learners"
    " started_learners completed_learners completion_rate ever_enrolled_learners"
    " ever_enrolled_completion_rate started_completion_rate average_progress_percentage",
    "lesson_drop_off": "course_id lesson_id lesson_title position viewed_learners"
    " completed_learners viewed_not_completed_learners drop_off_rate stalled_learners"
    " stalled_rate reached_learners reach_rate stopped_learners stop_rate drop_off_rank",
    "time_to_complete": "course_id followed_learners observed_completions median_days p25_days"
    " p75_days p90_days completers_median_days completers_p25_days completers_p75_days"
    " completers_p90_days completers_mean_days",
    "completion_curve": "course_id day at_risk_learners observed_completions completed_share",
    "overdue_learners": "learner_id course_id course_title due_at overdue_days"
    " completed_lessons total_lessons progress_percentage last_accessed_at",
    "enrollment_cohorts": "course_id cohort_month enrolled_learners completed_learners"
    " completion_rate median_days",
    "daily_activity": "course_id activity_date active_learners views completions"
    " course_completions",
}
COLUMNS: dict[str, list[str]] = {table: names.split() for table, names in _COLUMNS.items()}

_TABLES: dict[str, Callable[[State], list[tuple[Any, ...]]]] = {
    "lesson_progress": progress.lesson_progress,
    "lesson_completions": progress.lesson_completions,
    "course_progress": progress.course_progress,
    "course_completion": marts.course_completion,
    "lesson_drop_off": marts.lesson_drop_off,
    "time_to_complete": marts.time_to_complete,
    "completion_curve": marts.completion_curve,
    "overdue_learners": progress.overdue_learners,
    "enrollment_cohorts": marts.enrollment_cohorts,
    "daily_activity": marts.daily_activity,
}


def compute(landed: Landed, as_of: datetime, rules: Rules) -> dict[str, pd.DataFrame]:
    """Compute every table at as_of (naive UTC), by table name, columns in their order.

    Cells are plain Python values in object columns, so that NULL, text, integers, doubles,
    booleans, instants and dates stay what they are.
    """
    state = read_state(landed, as_of, rules)
    return {
        table: pd.DataFrame(rows_of(state), columns=COLUMNS[table], dtype=object)
        for table, rows_of in _TABLES.items()
    }
