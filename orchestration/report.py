"""The administrators' four questions, answered from the published snapshot."""

from dataclasses import dataclass
from typing import Any

from orchestration import output
from orchestration.published import connect
from orchestration.settings import Settings
from orchestration.time_travel.as_of import AsOf


@dataclass(frozen=True)
class Question:
    """A question, the mart that answers it, the order of its rows, and the columns to show."""

    title: str
    mart: str
    order: str
    shown: tuple[str, ...]


QUESTIONS = {
    "completion": Question(
        title="What share of enrolled learners completed each course?",
        mart="course_completion",
        order="completion_rate desc nulls last, course_id",
        shown=(
            "course_title",
            "course_id",
            "total_lessons",
            "enrolled_learners",
            "started_learners",
            "completed_learners",
            "completion_rate",
            "average_progress_percentage",
        ),
    ),
    "drop-off": Question(
        title="Which lessons have the highest drop-off (viewed, not completed)?",
        mart="lesson_drop_off",
        order="drop_off_rank, drop_off_rate desc nulls last, course_id, lesson_id",
        shown=(
            "lesson_title",
            "course_id",
            "position",
            "viewed_learners",
            "viewed_not_completed_learners",
            "drop_off_rate",
            "stalled_rate",
            "stop_rate",
        ),
    ),
    "time-to-complete": Question(
        title="How long from first access to the final lesson, in days?",
        mart="time_to_complete",
        order="course_id",
        shown=(
            "course_id",
            "followed_learners",
            "observed_completions",
            "p25_days",
            "median_days",
            "p75_days",
            "p90_days",
            "completers_median_days",
        ),
    ),
    "overdue": Question(
        title="Which learners are overdue against their deadline?",
        mart="overdue_learners",
        order="overdue_days desc, course_id, learner_id",
        shown=(
            "learner_id",
            "course_id",
            "due_at",
            "overdue_days",
            "completed_lessons",
            "total_lessons",
            "progress_percentage",
            "last_accessed_at",
        ),
    ),
}


@dataclass(frozen=True)
class Answer:
    """Rows of a mart, every column, and how many there are beyond the limit."""

    question: Question
    columns: list[str]
    rows: list[dict[str, Any]]
    more: int


def answer(
    settings: Settings,
    name: str,
    *,
    course_id: str | None = None,
    limit: int | None = None,
    as_of: AsOf | None = None,
) -> Answer:
    """Answer one question of QUESTIONS, for one course or for all.

    Raises:
        NothingPublished, NoSnapshotAsOf: there is no such snapshot.
    """
    question = QUESTIONS[name]
    where = "where course_id = $course_id" if course_id is not None else ""
    parameters = {"course_id": course_id} if course_id is not None else {}
    query = f"select * from marts.{question.mart} {where} order by {question.order}"
    with connect(settings, as_of=as_of) as connection:
        cursor = connection.execute(query, parameters)
        columns = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    kept = rows if limit is None else rows[:limit]
    return Answer(question, columns, kept, len(rows) - len(kept))


def answers(
    settings: Settings,
    question: str,
    *,
    course_id: str | None = None,
    limit: int | None = None,
    as_of: AsOf | None = None,
) -> dict[str, Answer]:
    """Answer one question of QUESTIONS, or `all` of them, by name."""
    names = list(QUESTIONS) if question == "all" else [question]
    return {
        name: answer(settings, name, course_id=course_id, limit=limit, as_of=as_of)
        for name in names
    }


def as_text(answered: dict[str, Answer], format_: str) -> str:
    """The answers as tables for people, as CSV, or as JSON: a list, of several an object."""
    if format_ == "json":
        rows = {name: answer.rows for name, answer in answered.items()}
        (only, *others) = rows.values()
        return output.as_json(rows if others else only) + "\n"
    if format_ == "csv":
        return "\n".join(output.as_csv(answer.rows, answer.columns) for answer in answered.values())
    return "\n".join(_as_table(answer) for answer in answered.values())


def _as_table(answer: Answer) -> str:
    title = answer.question.title
    if not answer.rows:
        return f"{title}\n\n  (none)\n"
    table = output.as_table(answer.rows, answer.question.shown, title)
    more = f"  … and {answer.more:,} more rows: --limit N shows N of them.\n" if answer.more else ""
    return f"{table}\n{more}"
