"""When a refresh adds to what stands, when it doesn't and says why, and that both give the same."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration import models, published, refresh
from orchestration.erasing.erase import erase
from orchestration.landed import replay
from orchestration.settings import Settings
from orchestration.status import load_gaps
from orchestration.warehouse import utc_now, writer_lock
from tests.conftest import assert_same_tables, readers_tables

AS_OF = datetime(2025, 7, 1)
COURSES = [{"course_id": "knots", "title": "Knots"}]
LESSONS = [
    {"course_id": "knots", "lesson_id": name, "position": number, "title": name}
    for number, name in enumerate(["bowline", "sheet bend", "clove hitch"], 1)
]


def event(learner: str, lesson: str, kind: str, day: int) -> dict[str, object]:
    """An event of June; without an id, so that its body is its id."""
    at = f"2025-06-{day:02}T12:00:00Z"
    about = {"event_type": f"lesson_{kind}", "learner_id": learner, "course_id": "knots"}
    return {**about, "lesson_id": lesson, "occurred_at": at}


@pytest.fixture
def academy(settings, deliver):
    """A published academy: two learners, three lessons."""
    deliver("courses", "1.jsonl", COURSES)
    deliver("lessons", "1.jsonl", LESSONS)
    deliver("enrollments", "1.jsonl", [enrollment("ada"), enrollment("bob")])
    deliver("events", "1.jsonl", [event("ada", "bowline", "completed", 3)])
    refresh.refresh(settings, as_of=AS_OF)
    return settings


def enrollment(learner: str) -> dict[str, object]:
    return {"learner_id": learner, "course_id": "knots", "enrolled_at": "2025-06-01T00:00:00Z"}


def added(settings: Settings, as_of: datetime = AS_OF) -> refresh.RefreshResult:
    """Refresh, see that it adds to what stands, and that a full refresh changes nothing then."""
    result = refresh.refresh(settings, as_of=as_of)
    assert not result.refresh.full
    tables = readers_tables(settings)
    refresh.refresh(settings, as_of=as_of, full_refresh=True)
    assert_same_tables(tables, readers_tables(settings))
    return result


def built_anew(settings: Settings, *reasons: str) -> None:
    """Refresh, see that it is full for these reasons alone, and that the next one adds again."""
    result = refresh.refresh(settings, as_of=AS_OF)
    assert result.refresh.full
    assert [warning for warning in result.warnings if "is full" in warning] == [*reasons]
    assert not refresh.refresh(settings, as_of=AS_OF).refresh.full


def test_events_enrollments_and_deadlines_are_added_to_what_stands(academy, deliver):
    deliver("enrollments", "2.jsonl", [enrollment("cyd")])
    due = {"course_id": "knots", "due_at": "2025-06-20T00:00:00Z"}
    deliver("deadlines", "2.jsonl", [due, {**due, "learner_id": "bob"}])
    late = event("bob", "bowline", "viewed", 1)
    deliver("events", "2.jsonl", [late, event("ada", "sheet bend", "completed", 9)])
    added(academy)
    overdue = published.read_table("overdue_learners", academy)
    assert sorted(overdue["learner_id"]) == ["ada", "bob", "cyd"]


def test_who_is_to_be_enrolled_later_after_all_is_counted_no_longer(academy, deliver):
    deliver("enrollments", "2.jsonl", [enrollment("bob") | {"enrolled_at": "2025-08-01"}])
    added(academy)
    counted = published.read_table("course_completion", academy)
    assert counted["ever_enrolled_learners"].tolist() == [1]
    assert published.read_table("enrollment_cohorts", academy)["enrolled_learners"].tolist() == [1]


def test_a_catalogue_that_changes_changes_who_stands_where(academy, deliver):
    gone = [{**lesson, "removed_at": "2025-06-20T00:00:00Z"} for lesson in LESSONS[1:]]
    deliver("lessons", "2.jsonl", gone)
    added(academy)
    assert published.read_table("course_progress", academy)["is_completed"].tolist() == [
        True,
        False,
    ]
    deliver("lessons", "3.jsonl", LESSONS[1:])
    added(academy)
    progress = published.read_table("course_progress", academy).iloc[0]
    assert (progress["is_completed"], progress["has_new_lessons"]) == (True, True)


def test_as_of_may_move_on_and_back(academy, deliver):
    deliver("lessons", "2.jsonl", [{**LESSONS[2], "added_at": "2025-07-10T00:00:00Z"}])
    deliver("deadlines", "2.jsonl", [{"course_id": "knots", "due_at": "2025-07-05T00:00:00Z"}])
    for day, total, overdue in [(1, 2, 0), (11, 3, 2), (6, 2, 2), (2, 2, 0)]:
        added(academy, datetime(2025, 7, day))
        progress = published.read_table("course_progress", academy)
        assert set(progress["total_lessons"]) == {total}
        assert progress["is_overdue"].sum() == overdue


def test_replayed_lines_are_added_at_the_place_of_their_delivery(academy, deliver):
    tomorrow = f"{utc_now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    deliver("lessons", "2.jsonl", [{**LESSONS[2], "title": "Clove", "removed_at": tomorrow}])
    ahead = {**event("cyd", "bowline", "viewed", 3), "occurred_at": tomorrow}
    deliver("events", "2.jsonl", [ahead])
    added(academy)
    assert len(published.read_table("lesson_progress", academy)) == 1
    patient = academy.model_copy(update={"max_future_minutes": 10_000})
    with writer_lock(patient):
        assert [file.accepted for file in replay(patient).files] == [1, 1]
    added(academy)
    assert len(published.read_table("lesson_progress", academy)) == 2
    assert "Clove" in set(published.read_table("lesson_drop_off", academy)["lesson_title"])


def test_a_refresh_after_an_erasure_adds_and_the_learner_stays_away(academy, deliver):
    erase(academy, "ada")
    deliver(
        "events",
        "2.jsonl",
        [event("ada", "bowline", "viewed", 4), event("bob", "bowline", "viewed", 5)],
    )
    added(academy)
    assert published.read_table("lesson_progress", academy)["learner_id"].tolist() == ["bob"]


def test_an_erasure_cut_short_leaves_nothing_to_add_to(academy, monkeypatch):
    monkeypatch.setattr(refresh, "build", cut_short)
    with pytest.raises(KeyboardInterrupt):
        erase(academy, "ada")
    monkeypatch.undo()
    built_anew(
        academy,
        "The last refresh that began was not published: this one is full.",
        "A learner was erased: this one is full.",
    )
    assert published.read_table("course_progress", academy)["learner_id"].tolist() == ["bob"]


def cut_short(*_, **__) -> None:
    raise KeyboardInterrupt


def test_a_refresh_that_failed_makes_the_next_one_full_however_much_later(
    academy, deliver, monkeypatch
):
    deliver("events", "2.jsonl", [event("bob", "bowline", "viewed", 5)])
    # The models are built; what fails comes after them.
    monkeypatch.setattr(refresh, "publish", cut_short)
    with pytest.raises(KeyboardInterrupt):
        refresh.refresh(academy, as_of=AS_OF)
    monkeypatch.undo()
    # One that ends before it builds anything leaves no trace, and mends nothing.
    monkeypatch.setattr(refresh, "record", cut_short)
    with pytest.raises(KeyboardInterrupt):
        refresh.refresh(academy, as_of=AS_OF)
    monkeypatch.undo()
    built_anew(academy, "The last refresh that began was not published: this one is full.")
    assert len(published.read_table("lesson_progress", academy)) == 2


def test_a_snapshot_that_is_gone_or_older_than_the_warehouse_is_built_anew(academy, tmp_path):
    before = tmp_path / "before"
    shutil.copytree(academy.published, before, symlinks=True)
    shutil.rmtree(academy.published)
    built_anew(academy, "The snapshot is not that of the last refresh: this one is full.")
    shutil.rmtree(academy.published)
    shutil.copytree(before, academy.published, symlinks=True)
    assert refresh.refresh(academy, as_of=AS_OF).refresh.full


def test_a_warehouse_older_than_the_snapshot_is_built_anew(academy, deliver, tmp_path):
    before = tmp_path / "before.duckdb"
    shutil.copyfile(academy.warehouse_file, before)
    deliver("events", "2.jsonl", [event("bob", "bowline", "viewed", 5)])
    refresh.refresh(academy, as_of=AS_OF)
    shutil.copyfile(before, academy.warehouse_file)
    built_anew(academy, "The snapshot is not that of the last refresh: this one is full.")
    assert len(published.read_table("lesson_progress", academy)) == 1


def test_a_ledger_that_knows_nothing_of_standing_tables_is_built_anew(academy):
    with duckdb.connect(str(academy.warehouse_file)) as connection:
        connection.execute("alter table raw.refreshes drop column standing_batch_id")
    built_anew(academy, "The last refresh that began was not published: this one is full.")


def test_a_test_that_fails_on_what_was_added_publishes_nothing(settings, deliver, monkeypatch):
    copy = Path(shutil.copytree(models.DBT_PROJECT, settings.home / "dbt_project"))
    (settings.home / "seeds" / "reference").mkdir(parents=True)
    monkeypatch.setattr(models, "DBT_PROJECT", copy)
    model = copy / "models" / "progress" / "lesson_progress.sql"
    doubled = "from final {% if is_incremental() %} union all select * from final {% endif %}"
    model.write_text(model.read_text().replace("from final", doubled))
    deliver("events", "1.jsonl", [event("ada", "bowline", "viewed", 5)])
    refresh.refresh(settings, as_of=AS_OF)
    before = readers_tables(settings)
    deliver("events", "2.jsonl", [event("bob", "bowline", "viewed", 5)])
    with pytest.raises(models.ModelsFailed, match="is_unique_lesson_progress"):
        refresh.refresh(settings, as_of=AS_OF)
    assert_same_tables(before, readers_tables(settings))


@pytest.mark.parametrize("infer_enrollments", [False, True])
def test_learners_without_an_enrollment_are_counted_whether_one_is_inferred_or_not(
    academy, deliver, infer_enrollments
):
    settings = academy.model_copy(update={"infer_enrollments": infer_enrollments})
    # Ada was enrolled at the instant of her first event.
    at_once = {**enrollment("ada"), "enrolled_at": "2025-06-03T12:00:00Z"}
    deliver("enrollments", "2.jsonl", [at_once])
    deliver("events", "2.jsonl", [event("eve", "bowline", "viewed", day) for day in (4, 5)])
    refresh.refresh(settings, as_of=AS_OF)
    assert load_gaps(settings).learners_without_enrollment == 1
