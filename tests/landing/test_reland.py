"""Re-landing: the archive lands once more in a fresh home, as it was, or without some batches."""

import gzip
import hashlib
from datetime import datetime, timedelta

import duckdb
import pytest
from story import csv_lines, event, json_lines

from orchestration import landing, raw
from orchestration.erasing.erase import erase
from orchestration.landing import LandingFailed
from orchestration.settings import load_settings
from orchestration.time_travel.reland import (
    ArchiveIncomplete,
    HomeNotEmpty,
    NothingLanded,
    UnknownBatch,
    reland,
)

NOW = datetime(2026, 1, 1, 12)
TABLES = ["courses", "lessons", "enrollments", "deadlines", "events", "landed_files"]
TABLES += ["rejected_lines", "replayed_lines", "voided_statements", "erased_learners"]


def tables(settings):
    """Every raw table, row by row."""
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as connection:
        return {
            table: sorted(connection.execute(f"select * from raw.{table}").fetchall(), key=repr)
            for table in TABLES
        }


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def lesson(name, **columns):
    return {"course_id": "algebra", "lesson_id": name, "position": 1, "title": "Sets", **columns}


LESSONS = ("lessons/l.jsonl", json_lines(lesson("sets"), lesson("maps")))
# The enrollment lacks its instant: no replay helps it.
CATALOGUE = [
    ("courses/c.csv", csv_lines({"course_id": "algebra", "title": "Algebra"})),
    LESSONS,
    ("enrollments/e.jsonl", json_lines({"learner_id": "ada", "course_id": "algebra"})),
]
FUTURE = event(event_id="e3", occurred_at="2026-01-02T12:00:00Z", event_type="lesson_completed")
EVENTS = ("events/a.jsonl", json_lines(event(), event(event_id="e2"), FUTURE, {"event_id": "e4"}))
POISON = (
    "lessons/poison.jsonl",
    json_lines(lesson("maps", removed_at="2025-01-01T00:00:00Z"), lesson("sets", title="Sots")),
)
MORE = [
    ("events/b é.csv.gz", gzip.compress(csv_lines(event(), event(event_id="e5")).encode())),
    ("lessons/m.jsonl", json_lines(lesson("rings", position=2))),
]


def deliver(settings, *files, day=0, again=False):
    """Land files one after another, an hour apart, days after the first."""
    with raw.opened(settings) as connection:
        for hour, (path, content) in enumerate(files):
            file = settings.landing / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            time = NOW + timedelta(days=day, hours=hour)
            landing.land(connection, settings, now=lambda time=time: time, again=again)


def replay(settings, day, reason=None):
    with raw.opened(settings) as connection:
        time = NOW + timedelta(days=day)
        landing.replay(connection, settings, now=lambda: time, reason=reason)


@pytest.fixture
def home(tmp_path):
    return load_settings(home=tmp_path / "home", _env_file=None)


@pytest.fixture
def into(tmp_path):
    return load_settings(home=tmp_path / "new", _env_file=None)


def test_all_of_it_is_what_it_was_times_and_replays_included(home, into):
    deliver(home, *CATALOGUE, EVENTS)
    deliver(home, MORE[0], POISON, day=1)
    replay(home, day=3)
    deliver(home, LESSONS, day=4, again=True)
    before = contents(home.archive)
    result = reland(home, into.home)
    assert result.warnings == []
    old, new = tables(home), tables(into)
    assert len(old["replayed_lines"]) == 1
    assert {row[1] for row in old["rejected_lines"]} == {"events", "enrollments"}
    assert {row[1] for row in old["landed_files"]} >= {"events", "lessons"}
    assert new == old
    assert contents(into.archive) == contents(home.archive) == before
    assert landing_again(into, EVENTS) == "already_landed"


def landing_again(settings, file):
    path, content = file
    target = settings.landing / path
    target.parent.mkdir(parents=True)
    target.write_bytes(content.encode())
    with raw.opened(settings) as connection:
        return landing.land(connection, settings)[0].status


def test_without_a_poisoned_batch_it_is_as_if_that_had_never_landed(home, into, tmp_path):
    deliver(home, *CATALOGUE, POISON, EVENTS)
    deliver(home, *MORE, day=5)
    replay(home, day=6, reason="instant_in_the_future")
    result = reland(home, into.home, without=[4])
    assert [batch.file for batch in result.without] == ["poison.jsonl"]
    never = load_settings(home=tmp_path / "never", _env_file=None)
    deliver(never, *CATALOGUE, ("_", ""), EVENTS)
    deliver(never, *MORE, day=5)
    replay(never, day=6, reason="instant_in_the_future")
    assert tables(into) == tables(never)
    assert contents(into.archive) == contents(never.archive)


def test_without_an_export_what_others_repeat_of_it_counts_as_theirs(home, into):
    deliver(home, *CATALOGUE, EVENTS, *MORE)
    replay(home, day=6)
    result = reland(home, into.home, without=[4])
    rows = tables(into)
    assert {row[0] for row in rows["events"]} == {"e1", "e5"}
    assert {row[1] for row in rows["rejected_lines"]} == {"enrollments"}
    assert rows["replayed_lines"] == []
    assert [row[0] for row in rows["landed_files"]] == [1, 2, 3, 4, 5, 6]
    assert "batch 5 (events/b é.csv.gz) came out otherwise" in result.warnings[0]


def test_an_erased_learner_stays_erased(home, into):
    deliver(home, *CATALOGUE, EVENTS)
    deliver(home, ("events/eve.jsonl", json_lines(event(event_id="e9", learner_id="eve-17"))))
    erase(home, "eve-17")
    reland(home, into.home)
    assert tables(into)["events"] == tables(home)["events"]
    deliver(into, ("events/eve2.jsonl", json_lines(event(event_id="e8", learner_id="eve-17"))))
    ignored = [row[9] for row in tables(into)["landed_files"] if row[2] == "eve2.jsonl"]
    assert ignored == [1]
    for path in into.home.rglob("*"):
        assert path.is_dir() or b"eve-17" not in path.read_bytes()


def test_what_cannot_be_done_is_refused_and_leaves_nothing(home, into, tmp_path):
    with pytest.raises(NothingLanded, match="Nothing has landed"):
        reland(home, into.home)
    deliver(home, *CATALOGUE, EVENTS)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(HomeNotEmpty, match="isn't empty"):
        reland(home, tmp_path / "used")
    with pytest.raises(HomeNotEmpty, match="outside"):
        reland(home, home.home / "new")
    with pytest.raises(UnknownBatch, match=r"no batch 7 .* batches 1 to 4"):
        reland(home, into.home, without=[7])
    (copy,) = home.archive.glob("000000004__*")
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LandingFailed, match=r"Batch 4 \(events/a.jsonl\)"):
        reland(home, into.home)
    copy.unlink()
    with pytest.raises(ArchiveIncomplete, match=r"1 batches \(4\)"):
        reland(home, into.home)
    assert {path.name for path in tmp_path.iterdir()} == {"home", "used"}
    into.home.mkdir()
    assert len(reland(home, into.home, without=[4]).batches) == 3


def test_a_file_that_today_cannot_be_read_names_the_way_out(home, into, monkeypatch):
    deliver(home, *CATALOGUE)
    fewer = {**landing.batch.READERS, ".csv": landing.batch.READERS[".parquet"]}
    monkeypatch.setattr(landing.batch, "READERS", fewer)
    with pytest.raises(LandingFailed, match=r"can't be read today: .* --without 1, or mend"):
        reland(home, into.home)
    assert not into.home.exists()
