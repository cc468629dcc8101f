"""What the tests of several rooms share: a home of their own, and the tables that readers see."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import hypothesis
import pandas as pd
import pytest

from orchestration import published
from orchestration.settings import Settings, load_settings
from orchestration.time_travel.as_of import AsOf

hypothesis.settings.register_profile("default", max_examples=60, derandomize=True)
hypothesis.settings.register_profile("thorough", max_examples=2_000)
hypothesis.settings.load_profile("default")

TABLES = {
    "lesson_progress": ["learner_id", "course_id", "lesson_id"],
    "lesson_completions": ["learner_id", "course_id", "lesson_id"],
    "course_progress": ["learner_id", "course_id"],
    "course_completion": ["course_id"],
    "lesson_drop_off": ["course_id", "lesson_id"],
    "time_to_complete": ["course_id"],
    "completion_curve": ["course_id", "day"],
    "overdue_learners": ["learner_id", "course_id"],
    "enrollment_cohorts": ["course_id", "cohort_month"],
    "daily_activity": ["course_id", "activity_date"],
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Default settings with an empty home folder."""
    return load_settings(home=tmp_path / "home", _env_file=None)


@pytest.fixture
def deliver(settings: Settings) -> Callable[[str, str, Sequence[dict[str, object]]], None]:
    """Drop a JSONL file into the inbox: source, file name, rows."""

    def drop(source: str, name: str, rows: Sequence[dict[str, object]]) -> None:
        folder = settings.landing / source
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / name).write_text(text, encoding="utf-8")

    return drop


def readers_tables(settings: Settings, as_of: AsOf | None = None) -> dict[str, pd.DataFrame]:
    """Every table of the snapshot but `refreshes`, ordered by its key, without landing times."""
    tables = {}
    for name, key in TABLES.items():
        frame = published.read_table(name, settings, as_of=as_of)
        frame = frame.sort_values(key, ignore_index=True)
        tables[name] = frame.drop(columns=["recorded_at"], errors="ignore")
    return tables


def assert_same_tables(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    """Fail with the name of the first table that differs."""
    assert left.keys() == right.keys()
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)


def at(text: str) -> datetime:
    """An instant in UTC, as the warehouse keeps it."""
    return datetime.fromisoformat(text)
