"""Journeys: files are dropped, a refresh runs, readers see its tables."""

import multiprocessing
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import models, published
from orchestration.refresh import refresh
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import WarehouseBusy, writer_lock
from tests.conftest import assert_same_tables, readers_tables

AS_OF = datetime(2025, 7, 1)
COURSE = {"course_id": "knots", "title": "Knots"}
LESSONS = [
    {"course_id": "knots", "lesson_id": "bowline", "position": 1, "title": "Bowline"},
    {"course_id": "knots", "lesson_id": "sheet-bend", "position": 2, "title": "Sheet bend"},
]
ENROLLMENT = {"learner_id": "ada", "course_id": "knots", "enrolled_at": "2025-01-01T00:00:00Z"}


def event(number: int, kind: str, lesson: str, day: int) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "event_type": kind,
        "learner_id": "ada",
        "course_id": "knots",
        "lesson_id": lesson,
        "occurred_at": f"2025-02-{day:02}T12:00:00Z",
    }


FIRST = [event(1, "lesson_viewed", "bowline", 3), event(2, "lesson_completed", "bowline", 4)]
SECOND = [event(3, "lesson_completed", "sheet-bend", 9), event(4, "lesson_completed", "bowline", 1)]


@pytest.fixture
def catalogue(deliver):
    deliver("courses", "courses.jsonl", [COURSE])
    deliver("lessons", "lessons.jsonl", LESSONS)
    deliver("enrollments", "enrollments.jsonl", [ENROLLMENT])


@pytest.mark.usefixtures("catalogue")
def test_dropped_files_become_answered_questions(settings, deliver):
    deliver("events", "events_1.jsonl", FIRST)
    refresh(settings, as_of=AS_OF)
    progress = published.read_table("course_progress", settings).iloc[0]
    assert progress["progress_percentage"] == 50.0
    assert progress["resume_lesson_id"] == "sheet-bend"
    assert not any(settings.landing.glob("*/*"))


@pytest.mark.usefixtures("catalogue")
def test_a_completion_that_lands_later_does_not_move_the_first(settings, deliver):
    deliver("events", "events_1.jsonl", FIRST)
    refresh(settings, as_of=AS_OF)
    deliver("events", "events_2.jsonl", SECOND)
    result = refresh(settings, as_of=AS_OF)
    completion = published.run_query(
        "select * from progress.lesson_completions where lesson_id = 'bowline'", settings
    )[1][0]
    assert completion["completed_at"] == datetime(2025, 2, 4, 12)
    assert completion["later_reports"] == 1
    assert completion["earliest_reported_at"] == datetime(2025, 2, 1, 12)
    assert any("1 completions are older" in warning for warning in result.warnings)


@pytest.mark.usefixtures("catalogue")
def test_a_second_refresh_at_the_same_as_of_changes_nothing_but_refreshes(settings, deliver):
    deliver("events", "events_1.jsonl", FIRST)
    refresh(settings, as_of=AS_OF)
    before = readers_tables(settings)
    refresh(settings, as_of=AS_OF)
    assert_same_tables(before, readers_tables(settings))
    refreshes = published.read_table("refreshes", settings).sort_values("refresh_id")
    assert refreshes["new_events"].tolist() == [2, 0]
    assert refreshes["events"].tolist() == [2, 2]
    assert refreshes["published_at"].is_monotonic_increasing


@pytest.mark.usefixtures("catalogue")
def test_a_full_refresh_gives_the_same_tables(settings, deliver):
    for number, events in enumerate([FIRST, SECOND]):
        deliver("events", f"events_{number}.jsonl", events)
        refresh(settings, as_of=AS_OF)
    before = readers_tables(settings)
    result = refresh(settings, as_of=AS_OF, full_refresh=True)
    assert result.refresh.full
    assert_same_tables(before, readers_tables(settings))
    assert len(published.read_table("refreshes", settings)) == 3


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project, to be broken."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(models.DBT_PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs"))
    (tmp_path / "seeds" / "reference").mkdir(parents=True)
    monkeypatch.setattr(models, "DBT_PROJECT", copy)
    return copy


@pytest.mark.usefixtures("catalogue")
def test_a_failing_test_publishes_nothing_and_names_itself(settings, deliver, own_models):
    refresh(settings, as_of=AS_OF)
    before = published.latest_refresh(settings)
    truth = own_models / "tests" / "nobody_is_called_ada.sql"
    truth.write_text("select * from {{ ref('course_progress') }} where learner_id = 'ada'")
    deliver("events", "events_1.jsonl", FIRST)
    with pytest.raises(models.ModelsFailed, match="nobody_is_called_ada"):
        refresh(settings, as_of=AS_OF)
    assert published.latest_refresh(settings) == before
    assert not list(settings.published.glob(".candidate*"))
    truth.unlink()
    refresh(settings, as_of=AS_OF)
    refreshes = published.read_table("refreshes", settings)
    assert sorted(refreshes["new_events"]) == [0, 2]


def test_a_broken_model_is_named(settings, own_models):
    model = own_models / "models" / "marts" / "overdue_learners.sql"
    model.write_text("select * from no_such_table")
    with pytest.raises(models.ModelsFailed, match="overdue_learners"):
        refresh(settings, as_of=AS_OF)
    assert published.latest_refresh(settings) is None


@pytest.mark.usefixtures("catalogue")
def test_changed_models_and_settings_make_the_next_refresh_full_and_say_so(settings, own_models):
    refresh(settings, as_of=AS_OF)
    assert not refresh(settings, as_of=AS_OF).refresh.full
    model = own_models / "models" / "staging" / "stg_courses.sql"
    model.write_text("{{ config(materialized='table') }}\n" + model.read_text())
    changed = refresh(settings, as_of=AS_OF)
    assert changed.refresh.full
    assert "The models changed" in changed.warnings[0]
    stricter = load_settings(home=settings.home, grace_days=3, _env_file=None)
    assert "setting" in refresh(stricter, as_of=AS_OF).warnings[0]


@pytest.mark.usefixtures("catalogue")
def test_an_as_of_before_the_last_event_warns(settings, deliver):
    deliver("events", "events_1.jsonl", FIRST)
    result = refresh(settings, as_of=datetime(2025, 2, 1))
    assert "later events count too" in result.warnings[0]
    assert published.read_table("lesson_completions", settings).shape[0] == 1


def test_what_a_killed_refresh_left_is_gone_after_the_next(settings):
    refresh(settings, as_of=AS_OF)
    (settings.published / ".candidate.duckdb").write_bytes(b"half")
    (settings.published / ".candidate.duckdb.wal").write_bytes(b"half")
    with duckdb.connect(str(settings.warehouse_file)) as connection:
        connection.execute(
            "insert into raw.refreshes select * replace ('29990101T000000000000Z' as refresh_id,"
            " null as published_at) from raw.refreshes"
        )
    refresh(settings, as_of=AS_OF)
    assert not list(settings.published.glob(".candidate*"))
    assert len(published.read_table("refreshes", settings)) == 2


def test_a_refresh_that_may_not_wait_says_who_writes(settings):
    pool = multiprocessing.get_context("spawn").Pool(1)
    with pool, writer_lock(settings), pytest.raises(WarehouseBusy, match="written by process"):
        pool.apply(_refresh_without_waiting, (settings.home,))


def _refresh_without_waiting(home: Path) -> None:
    refresh(load_settings(home=home, _env_file=None), wait=False)


def test_old_snapshots_go_and_open_ones_stay_readable(settings: Settings):
    refresh(settings, as_of=AS_OF)
    with published.connect(settings) as reader:
        for _ in range(3):
            refresh(settings, as_of=AS_OF)
        assert len(list(settings.published.glob("learner_progress__*.duckdb"))) == 3
        assert reader.execute("select count(*) from marts.refreshes").fetchone() == (1,)
    with published.connect(settings) as reader:
        assert reader.execute("select count(*) from marts.refreshes").fetchone() == (4,)
