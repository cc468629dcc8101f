"""A snapshot as of the past holds what had happened by then, and disturbs nobody."""

import json
from datetime import date, datetime

import duckdb
import pytest

from orchestration import published
from orchestration.erasing.erase import erase
from orchestration.landed import land
from orchestration.models import ModelsFailed
from orchestration.refresh import refresh
from orchestration.settings import Settings, load_settings
from orchestration.time_travel import beside
from orchestration.time_travel.as_of import NoSnapshotAsOf, instant_of, known
from orchestration.time_travel.past import UnknownFuture, make_snapshots
from tests.conftest import assert_same_tables, at, readers_tables
from tests.independent import Landed, compute
from tests.independent.deliveries import first_instant, instant, naive_landing
from tests.progress.test_laws import all_differences, drawn_worlds, rules_of

T = datetime(2024, 3, 10, 9, 30)
NOW = datetime(2024, 4, 15, 12)


def dropped_by(deliveries, settings):
    """Whether a row stays out of a home that knows only what had happened by T."""
    columns = ("event_type", "learner_id", "course_id", "lesson_id", "occurred_at")
    accepted = {
        event.event_id: tuple(getattr(event, column) for column in columns)
        for event in naive_landing(deliveries, settings.zone).events
    }

    def is_dropped(source, row):
        if source == "enrollments":
            return first_instant(row["enrolled_at"], settings.zone) > T
        if source != "events":
            return False
        occurred_at = instant(row["occurred_at"])
        body = (*(row[column] for column in columns[:-1]), occurred_at)
        return occurred_at > T or accepted.get(row["event_id"], body) != body

    return is_dropped


def land_worlds(settings, deliveries, is_dropped):
    """Land every file as lines of JSON: a dropped row is a blank line, and no two files are one."""
    number = 0
    for files in deliveries:
        for source, name, rows in files:
            number += 1
            lines = ["" if is_dropped(source, row) else json.dumps(row) for row in rows]
            path = settings.landing / source / f"{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n" * (100 * number), encoding="utf-8")
        land(settings)


@pytest.fixture(scope="module")
def worlds_home(tmp_path_factory):
    """Fifteen random worlds side by side, refreshed, and the snapshot as of T."""
    settings = load_settings(home=tmp_path_factory.mktemp("worlds"), _env_file=None)
    deliveries = drawn_worlds(15)
    land_worlds(settings, deliveries, lambda source, row: False)
    refresh(settings, as_of=NOW)
    make_snapshots(settings, [T])
    return settings, deliveries


@pytest.mark.slow
def test_random_worlds_as_of_the_past_equal_the_independent_computation(worlds_home):
    settings, _ = worlds_home
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as connection:
        landed = Landed.from_warehouse(connection)
    by_then = Landed(
        [event for event in landed.events if event.occurred_at <= T],
        landed.courses,
        landed.lessons,
        [row for row in landed.enrollments if row.enrolled_at <= T],
        landed.deadlines,
    )
    assert 0 < len(by_then.events) < len(landed.events)
    assert 0 < len(by_then.enrollments) < len(landed.enrollments)
    with published.connect(settings, as_of=T) as connection:
        expected = compute(by_then, T, rules_of(settings))
        assert all_differences(expected, connection) == []


@pytest.mark.slow
def test_random_worlds_as_of_the_past_equal_a_home_where_the_rest_never_landed(
    worlds_home, tmp_path
):
    settings, deliveries = worlds_home
    fresh = load_settings(home=tmp_path / "fresh", _env_file=None)
    land_worlds(fresh, deliveries, dropped_by(deliveries, settings))
    refresh(fresh, as_of=T)
    assert_same_tables(readers_tables(fresh), readers_tables(settings, as_of=T))


COURSE = {"course_id": "knots", "title": "Knots"}
LESSONS = [
    {"course_id": "knots", "lesson_id": name, "position": place, "title": name.title()}
    for place, name in enumerate(["bowline", "bend"], 1)
]


def enrollment(learner, day):
    return {"learner_id": learner, "course_id": "knots", "enrolled_at": f"2025-02-{day:02}"}


def completion(number, learner, lesson, time):
    return {
        "event_id": f"e{number}",
        "event_type": "lesson_completed",
        "learner_id": learner,
        "course_id": "knots",
        "lesson_id": lesson,
        "occurred_at": f"2025-02-{time}Z",
    }


@pytest.fixture
def knots(settings, deliver) -> Settings:
    """Ada enrolls on the 1st and completes on the 3rd and 9th; Bea and Cleo enroll later."""
    deliver("courses", "courses.jsonl", [COURSE])
    deliver("lessons", "lessons.jsonl", LESSONS)
    learners = [enrollment("ada", 1), enrollment("bea", 5), enrollment("cleo", 6)]
    deliver("enrollments", "enrollments.jsonl", learners)
    events = [
        completion(1, "ada", "bowline", "03T12:00:00"),
        completion(2, "ada", "bend", "09T12:00:00"),
        completion(3, "bea", "bowline", "05T12:00:00"),
        completion(4, "bea", "bend", "05T12:00:00.000001"),
    ]
    deliver("events", "events.jsonl", events)
    return settings


def test_it_tells_what_had_happened_and_changes_neither_the_snapshot_nor_the_next_refresh(knots):
    refresh(knots, as_of=at("2025-07-01"))
    before, newest = readers_tables(knots), published.latest_refresh(knots)
    warehouse = knots.warehouse_file.read_bytes()
    (made,) = make_snapshots(knots, [at("2025-02-05T12:00:00")])

    def rows(query):
        with published.connect(knots, as_of="2025-02-05T13:00:00+01:00") as connection:
            return connection.execute(query).fetchall()

    assert rows(
        "select learner_id, progress_percentage, is_completed from progress.course_progress"
        " order by learner_id"
    ) == [("ada", 50.0, False), ("bea", 50.0, False)]
    completed_at = "select completed_at from progress.lesson_completions order by 1"
    assert rows(completed_at) == [(at("2025-02-03T12"),), (made.as_of,)]
    assert rows(
        "select refresh_id, as_of, published_at, events, new_events, last_event_at"
        " from marts.refreshes"
    ) == [(made.refresh_id, made.as_of, made.published_at, 2, 2, made.as_of)]
    assert published.latest_refresh(knots) == newest
    assert knots.warehouse_file.read_bytes() == warehouse
    assert not (knots.home / ".beside").exists()
    again = refresh(knots, as_of=at("2025-07-01"))
    assert not again.refresh.full
    assert again.warnings == []
    assert_same_tables(before, readers_tables(knots))
    assert len(rows(completed_at)) == 2


def test_made_again_it_holds_what_landed_since_and_open_readers_keep_the_one_they_have(
    knots, deliver
):
    day = "2025-02-05"
    land(knots)
    make_snapshots(knots, [instant_of(day, knots)])
    query = "select count(*) from progress.lesson_completions"
    with published.connect(knots, as_of=day) as reader:
        deliver("events", "late.jsonl", [completion(5, "ada", "bend", "05T23:59:59.999999")])
        land(knots)
        (made,) = make_snapshots(knots, [instant_of(day, knots)])
        assert reader.execute(query).fetchall() == [(3,)]
        assert len(published.read_table("lesson_completions", knots, as_of=date(2025, 2, 5))) == 4
    assert len(list(made.snapshot.parent.iterdir())) == 2
    assert erase(knots, "ada").removed["snapshots as of the past"] == 1
    assert not knots.as_of.exists()


def test_a_failing_test_leaves_the_one_that_was_there(knots, monkeypatch):
    land(knots)
    day = date(2025, 2, 5)
    make_snapshots(knots, [instant_of(day, knots)])
    before = published.read_table("refreshes", knots, as_of=day)
    shown = beside._RAW_TABLES
    lost = shown.replace("'raw'", "'raw' and table_name <> 'erased_lines'")
    monkeypatch.setattr(beside, "_RAW_TABLES", lost)
    with pytest.raises(ModelsFailed, match="every_line_is_accounted_for"):
        make_snapshots(knots, [instant_of(day, knots)])
    assert published.read_table("refreshes", knots, as_of=day).equals(before)
    assert not (knots.home / ".beside").exists()


def test_the_future_is_not_known(settings):
    with pytest.raises(UnknownFuture, match="9999-12-31T00:00:00Z lies ahead"):
        make_snapshots(settings, [at("2025-02-05"), datetime(9999, 12, 31)])
    assert not settings.published.exists()


def test_readers_are_told_which_there_are(settings):
    with pytest.raises(NoSnapshotAsOf, match=r"snapshot --as-of 2025-06-30T23:59:59.999999Z"):
        published.connect(settings, as_of="2025-06-30")
    for name in ("20250701T000000Z", "20250630T235959999999Z", "notes"):
        (settings.as_of / name).mkdir(parents=True)
        (settings.as_of / name / "learner_progress.duckdb").touch()
    assert known(settings) == [at("2025-06-30T23:59:59.999999"), at("2025-07-01")]
    with pytest.raises(NoSnapshotAsOf, match=r"one as of .*, 2025-07-01T00:00:00Z"):
        published.connect(settings, as_of="2025-06-29")


@pytest.mark.parametrize(
    ("zone", "day", "ends_at"),
    [
        ("UTC", "2025-03-30", "2025-03-30T23:59:59.999999"),
        ("Europe/Vienna", "2025-03-30", "2025-03-30T21:59:59.999999"),
        ("Europe/Vienna", "2025-03-29", "2025-03-29T22:59:59.999999"),
    ],
)
def test_a_day_is_its_last_microsecond_in_the_reporting_zone(settings, zone, day, ends_at):
    there = load_settings(home=settings.home, timezone=zone, _env_file=None)
    assert instant_of(day, there) == at(ends_at)
    assert instant_of(date.fromisoformat(day), there) == at(ends_at)
