"""The landed rows, as they stand in schema raw, and the settings that touch figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event; events are already one row per event_id."""

    event_id: str
    event_type: str
    learner_id: str
    course_id: str
    lesson_id: str
    occurred_at: datetime
    batch_id: int
    line: int
    recorded_at: datetime | None

    @property
    def is_view(self) -> bool:
        return self.event_type == "lesson_viewed"

    @property
    def is_completion(self) -> bool:
        return self.event_type == "lesson_completed"


@dataclass(frozen=True, slots=True)
class CourseRow:
    """One landed row of `courses`; the key is course_id."""

    course_id: str
    title: str
    batch_id: int
    line: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class LessonRow:
    """One landed row of `lessons`; the key is course_id and lesson_id."""

    course_id: str
    lesson_id: str
    position: int
    title: str
    section: str | None
    added_at: datetime | None
    removed_at: datetime | None
    batch_id: int
    line: int
    recorded_at: datetime | None

    def is_in_course(self, at: datetime) -> bool:
        """Whether added_at ≤ at < removed_at; empty is from the beginning, and for ever."""
        is_added = self.added_at is None or self.added_at <= at
        return is_added and (self.removed_at is None or at < self.removed_at)


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    """One landed row of `enrollments`; the key is learner_id and course_id."""

    learner_id: str
    course_id: str
    enrolled_at: datetime
    unenrolled_at: datetime | None
    batch_id: int
    line: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """One landed row of `deadlines`; no learner_id is everyone, no due_at is withdrawn."""

    course_id: str
    learner_id: str | None
    due_at: datetime | None
    batch_id: int
    line: int
    recorded_at: datetime | None


@dataclass(frozen=True)
class Landed:
    """Everything that landed and was accepted; all instants are naive UTC."""

    events: list[EventRow]
    courses: list[CourseRow]
    lessons: list[LessonRow]
    enrollments: list[EnrollmentRow]
    deadlines: list[DeadlineRow]

    @classmethod
    def from_warehouse(cls, connection: duckdb.DuckDBPyConnection) -> "Landed":
        """Read the rows of schema raw from a connection on the private warehouse."""
        return cls(
            events=_rows(connection, "events", EventRow),
            courses=_rows(connection, "courses", CourseRow),
            lessons=_rows(connection, "lessons", LessonRow),
            enrollments=_rows(connection, "enrollments", EnrollmentRow),
            deadlines=_rows(connection, "deadlines", DeadlineRow),
        )


def _rows(connection: duckdb.DuckDBPyConnection, table: str, row: Any) -> list[Any]:
    columns = ", ".join(row.__slots__)
    return [row(*values) for values in _fetch(connection, f"select {columns} from raw.{table}")]


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


@dataclass(frozen=True)
class Rules:
    """The settings that touch figures, with their defaults."""

    timezone: str = "UTC"
    grace_days: int = 14
    min_cohort: int = 5
    infer_enrollments: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def grace(self) -> timedelta:
        """The drop-off grace: so many times 24 hours."""
        return timedelta(days=self.grace_days)
