"""What the HTTP service answers, as its OpenAPI description has it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from orchestration.output import plain

Instant = Annotated[
    datetime, PlainSerializer(plain), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A UTC instant, written as ISO 8601 with `Z`."""


class Answer(BaseModel):
    """Every answer says of which refresh it speaks."""

    refresh_id: str
    as_of: Instant


class LearnerCourse(BaseModel):
    """A learner's progress in one course; course_title is null where the catalogue has none."""

    course_id: str
    course_title: str | None
    enrollment_status: str = Field(description="active, upcoming, unenrolled or none")
    total_lessons: int
    completed_lessons: int
    progress_percentage: float | None = Field(description="0 to 100; null without lessons")
    last_accessed_at: Instant | None
    is_completed: bool
    completed_at: Instant | None
    is_certificate_eligible: bool
    has_new_lessons: bool
    resume_lesson_id: str | None = Field(description="null when nothing is open")
    due_at: Instant | None
    is_overdue: bool


class LearnerCourses(Answer):
    """The courses of a learner, the last accessed first; none for a learner not yet seen."""

    learner_id: str
    courses: list[LearnerCourse]


class LearnerLesson(BaseModel):
    """A lesson now in the course, and what the learner has done with it."""

    lesson_id: str
    lesson_title: str
    position: int
    is_viewed: bool
    last_viewed_at: Instant | None
    is_completed: bool
    completed_at: Instant | None


class LearnerLessons(Answer):
    """The lessons now in a course, in lesson order."""

    learner_id: str
    course_id: str
    lessons: list[LearnerLesson]


class CourseCompletion(Answer):
    """What share of the enrolled learners completed the course."""

    course_id: str
    course_title: str
    total_lessons: int
    enrolled_learners: int
    started_learners: int
    completed_learners: int
    completion_rate: float | None = Field(description="0 to 1; null when no one is enrolled")
    average_progress_percentage: float | None


class Problem(BaseModel):
    """Why a request has no answer."""

    detail: str
