"""A course whose catalogue is edited again and again: right, and without an explosion of states."""

from datetime import datetime, timedelta

import pytest

from orchestration.settings import load_settings
from tests.independent import EventRow, Landed, LessonRow, Rules, compute, differences, read_table
from tests.progress.compiled import built, compiled_models

EDITS = 120
START = datetime(2024, 1, 1)
AS_OF = datetime(2025, 1, 1)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compiled_models(load_settings(home=tmp_path_factory.mktemp("edits"), _env_file=None))


def lesson(number: int, batch: int, title: str = "", added_at=None, removed_at=None) -> LessonRow:
    name = f"lesson {number:03}"
    return LessonRow(
        "c", name, number, title or name, None, added_at, removed_at, batch, batch, None
    )


def other_titles() -> list[LessonRow]:
    return [lesson(n, batch, f"title {batch}") for batch in range(1, EDITS) for n in range(5)]


def one_lesson_more_each_day() -> list[LessonRow]:
    return [lesson(n, n + 1, added_at=START + timedelta(days=n)) for n in range(EDITS)]


def lessons_that_come_and_go() -> list[LessonRow]:
    gone = [None, START + timedelta(hours=40), START + timedelta(hours=80)]
    return [lesson(n % 6, n + 1, removed_at=gone[(n // 6) % 3]) for n in range(EDITS)]


def completions() -> list[EventRow]:
    """Learner n completes the first n lessons, in an order and in batches of their own."""
    return [
        EventRow(
            f"{learner}-{number}",
            "lesson_completed",
            f"learner {learner}",
            "c",
            f"lesson {number:03}",
            START + timedelta(hours=(learner * 7 + number * 13) % 100),
            1 + (learner * 31 + number * 17) % (EDITS + 20),
            1,
            None,
        )
        for learner in range(1, 9)
        for number in range(learner)
    ]


@pytest.mark.parametrize(
    ("lessons", "most_states"),
    [
        (other_titles(), 1),
        (one_lesson_more_each_day(), 2 * EDITS),
        (lessons_that_come_and_go(), 3 * EDITS),
    ],
    ids=["titles", "growth", "come and go"],
)
def test_completion_is_right_over_many_edits_and_states_stay_few(compiled, lessons, most_states):
    landed = Landed(events=completions(), courses=[], lessons=lessons, enrollments=[], deadlines=[])
    expected = compute(landed, AS_OF, Rules())["course_progress"]
    with built(compiled, landed, AS_OF) as connection:
        actual = read_table(connection, "progress.course_progress")
        states = connection.execute(
            "select count(*) from warehouse.progress.catalogue_states"
        ).fetchone()
    assert expected["is_completed"].any()
    assert differences(expected, actual, ["learner_id", "course_id"]) == []
    assert states[0] <= most_states
