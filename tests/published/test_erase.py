"""An erased learner is nowhere, and stays so, while all others keep what they had."""

import gzip
import json
import re
import sqlite3
from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import landed, printed, published, raw
from orchestration.erasing.erase import complete, erase
from orchestration.landing.erased import key_file
from orchestration.models import DBT_PROJECT
from orchestration.refresh import refresh
from orchestration.settings import load_settings
from tests.conftest import readers_tables
from tests.traces import contents, places_that_hold

AS_OF = datetime(2025, 7, 1)
ERASED = "learner-7f3e"
LONGER = "a.learner-7f3e"
OTHERS = ["bea", LONGER]
LESSONS = [
    {"course_id": "knots", "lesson_id": name, "position": place, "title": name.title()}
    for place, name in enumerate(["bowline", "bend"], 1)
]


def event(number, learner, kind="lesson_completed", lesson="bowline", **columns):
    return {
        "event_id": f"e{number}-{learner}",
        "event_type": kind,
        "learner_id": learner,
        "course_id": "knots",
        "lesson_id": lesson,
        "occurred_at": f"2025-02-{number:02}T12:00:00Z",
        **columns,
    }


def enrollment(learner):
    return {"learner_id": learner, "course_id": "knots", "enrolled_at": "2025-01-01"}


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv(*rows):
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "".join(",".join(map(str, line)) + "\n" for line in lines).encode()


def parquet(path, *rows):
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path.read_bytes()


def drop(settings, path, content):
    file = settings.landing / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


@pytest.fixture
def home(tmp_path):
    """A home that holds the learner in every place that can hold one."""
    settings = load_settings(home=tmp_path / "home", publish_parquet=True, _env_file=None)
    drop(settings, "courses/c.jsonl", jsonl({"course_id": "knots", "title": "Knots"}))
    drop(settings, "lessons/l.jsonl", jsonl(*LESSONS))
    everyone = [*OTHERS, ERASED]
    drop(settings, "enrollments/e.csv", csv(*map(enrollment, everyone)))
    due = {"course_id": "knots", "learner_id": ERASED, "due_at": "2025-03-01"}
    drop(settings, "deadlines/d.jsonl", jsonl(due))
    refresh(settings, as_of=AS_OF)
    views = [event(1, learner, "lesson_viewed") for learner in everyone]
    broken = [
        jsonl(event(2, ERASED))[:-20] + b"\n",
        jsonl(event(3, ERASED, "seen"), event(3, "bea", "seen")),
        jsonl(event(4, "bea", friend=ERASED), event(5, LONGER, friend=ERASED + "x")),
        jsonl(event(6, ERASED)).replace(b"7f3e", b"\\u0037f3e"),
        b"\xff\xfe" + ERASED.encode() + b"\n",
    ]
    drop(settings, "events/a.jsonl", jsonl(*views) + b"".join(broken))
    drop(settings, "events/b.csv.gz", gzip.compress(csv(*(event(7, who) for who in everyone))))
    rows = [event(8, who, mentor=ERASED if who == "bea" else "x") for who in everyone]
    drop(settings, "events/c.parquet", parquet(tmp_path / "c.parquet", *rows))
    packed = gzip.compress(jsonl(event(9, ERASED), event(9, "bea")))
    drop(settings, "events/d.jsonl.gz", packed[:-9])
    drop(
        settings,
        "events/e.csv",
        csv(
            {"learner_id": ERASED, "event_type": "seen"},
            {"learner_id": "bea", "event_type": "seen"},
        ),
    )
    refresh(settings, as_of=AS_OF)
    printed.write_page(settings, settings.report_file)
    (settings.home / "dagster" / "logs").mkdir(parents=True)
    (settings.home / "dagster" / "logs" / "run.err").write_text(f"Duplicate key {ERASED}, knots")
    with sqlite3.connect(settings.home / "dagster" / "runs.db") as history:
        history.execute("create table events (id integer primary key, event text)")
        history.executemany("insert into events (event) values (?)", [(f"key {ERASED}",), ("bea",)])
    history.close()
    return settings


def places(home):
    """An index keeps a longer id without the byte that tells it from others."""
    return places_that_hold(home, ERASED, (LONGER[1:], ERASED + "x"))


def without_erased(tables):
    return {
        name: frame[frame["learner_id"] != ERASED].reset_index(drop=True)
        for name, frame in tables.items()
        if "learner_id" in frame
    }


def test_an_erased_learner_is_nowhere_and_comes_back_with_nothing(home, tmp_path):
    archived = {path.name: list(contents(path))[1] for path in home.archive.iterdir()}
    before = readers_tables(home)
    everywhere = places(home.home)
    assert {place.split("/")[0] for place in everywhere} >= {
        "archive",
        "set_aside",
        "published",
        "dagster",
        "warehouse.duckdb",
    }
    assert "published/report.html" in everywhere
    reader = published.connect(home)
    erasure = erase(home, ERASED)
    assert places(home.home) == []
    assert len(reader.execute("from progress.course_progress").fetchall()) == 3
    reader.close()

    after = readers_tables(home)
    for name, frame in without_erased(before).items():
        pd.testing.assert_frame_equal(
            frame, after[name], check_exact=True, check_dtype=False, obj=name
        )
    assert after["course_completion"]["enrolled_learners"].tolist() == [2]
    assert [path.name for path in home.published.glob("learner_progress__*")] == [
        home.snapshot_file.resolve().name
    ]
    assert home.report_file.read_text(encoding="utf-8") == printed.page(home)
    assert key_file(home).stat().st_mode & 0o777 == 0o600
    assert erasure.removed["rows of raw.events"] == 4
    assert erasure.removed["rows of raw.rejected_lines"] == 3
    assert erasure.removed["files set aside"] == 2

    for name, content in archived.items():
        source, file = name.removesuffix(".zst").split("__")[1:]
        drop(
            home, f"{source}/{file}", content if not file.endswith("gz") else gzip.compress(content)
        )
    new = [event(20, ERASED), event(21, "bea", lesson="bend"), event(22, ERASED, "seen")]
    drop(home, "events/z.jsonl", jsonl(*new) + jsonl(event(23, ERASED))[:-9])
    drop(home, "events/z.csv", csv(event(24, ERASED), event(24, LONGER)))
    drop(home, "events/z.parquet", parquet(tmp_path / "z.parquet", event(25, ERASED)))
    result = refresh(home, as_of=AS_OF)
    status = {file.file: file.status for file in result.landed.files}
    assert {name for name, state in status.items() if state == "landed"} == {
        "z.jsonl",
        "z.csv",
        "z.parquet",
    }
    ignored = {file.file: (file.lines, file.accepted, file.ignored) for file in result.landed.files}
    assert ignored["z.jsonl"] == (4, 1, 3)
    assert ignored["z.csv"] == (2, 1, 1)
    assert ignored["z.parquet"] == (1, 0, 1)
    assert places(home.home) == []


@pytest.fixture
def landed_home(tmp_path):
    """A home in which files have landed and nothing was published yet."""
    settings = load_settings(home=tmp_path / "landed", _env_file=None)
    drop(
        settings, "events/a.jsonl", jsonl(event(1, ERASED), event(1, "bea"), event(2, ERASED, "x"))
    )
    drop(settings, "events/b.csv", csv(event(3, ERASED), event(3, "bea")))
    drop(settings, "events/c.csv", csv({"learner_id": ERASED}))
    landed.land(settings)
    return settings


def unaccounted(settings):
    test = (DBT_PROJECT / "tests" / "every_line_is_accounted_for.sql").read_text(encoding="utf-8")
    test = re.sub(r'\{\{ source\("(\w+)", "(\w+)"\) \}\}', r"\1.\2", test)
    with raw.opened(settings) as connection:
        return connection.execute(test).fetchall()


STEPS = [
    "rewrite_warehouse",
    "forget_in_copy",
    "forget_set_aside",
    "forget_names",
    "forget_elsewhere",
]


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_that_was_cut_short_is_completed_by_the_next(landed_home, monkeypatch, step):
    def cut_short(*_):
        raise KeyboardInterrupt

    drop(landed_home, "../other.log", ERASED.encode())
    with monkeypatch.context() as patched:
        patched.setattr(f"orchestration.erasing.erase.{step}", cut_short)
        with pytest.raises(KeyboardInterrupt):
            erase(landed_home, ERASED)
    erase(landed_home, ERASED)
    assert places(landed_home.home) == []
    assert unaccounted(landed_home) == []
    assert erase(landed_home, ERASED).removed == dict.fromkeys(
        ["archived lines", "files set aside", "names of files", "other files"], 0
    )


def test_what_waits_in_the_inbox_is_named_and_ignored_as_it_lands(landed_home):
    drop(landed_home, "events/z.jsonl", jsonl(event(9, ERASED), event(9, "bea")))
    (warning,) = erase(landed_home, ERASED).warnings
    assert "z.jsonl" in warning
    (file,) = landed.land(landed_home).files
    assert (file.accepted, file.ignored) == (1, 1)
    assert places(landed_home.home) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", ["erasing.erase.forget_in_copy", "refresh.build"])
def test_an_erasure_that_was_cut_short_is_completed_by_the_next_refresh(home, monkeypatch, step):
    def cut_short(*_, **__):
        raise KeyboardInterrupt

    before = readers_tables(home)
    with monkeypatch.context() as patched:
        patched.setattr(f"orchestration.{step}", cut_short)
        with pytest.raises(KeyboardInterrupt):
            erase(home, ERASED)
    asked = home.home / "erasing.json"
    assert asked.stat().st_mode & 0o777 == 0o600
    assert (ERASED in asked.read_text()) is (step != "refresh.build")
    assert len(readers_tables(home)["course_progress"]) == len(before["course_progress"])
    result = refresh(home, as_of=AS_OF)
    assert "A learner was erased: this one is full." in result.warnings
    assert places(home.home) == []
    assert not asked.exists()
    assert refresh(home, as_of=AS_OF).warnings == []
    after = readers_tables(home)
    for name, frame in without_erased(before).items():
        pd.testing.assert_frame_equal(frame, after[name], check_dtype=False, obj=name)


def test_an_id_of_digits_takes_nothing_of_others_with_it(landed_home):
    lesson = {"course_id": "knots", "lesson_id": "42", "position": 42, "title": "42"}
    drop(landed_home, "lessons/l.jsonl", jsonl(lesson))
    mine, other = event(5, 42, level=42), event(6, "bea", lesson="42", level=42)
    drop(landed_home, "events/n.jsonl", jsonl(mine, other) + b'{"learner_id": 42, "at"\n')
    landed.land(landed_home)
    removed = erase(landed_home, "42").removed
    assert (removed["rows of raw.events"], removed["rows of raw.rejected_lines"]) == (1, 1)
    assert removed["archived lines"] == 2
    assert unaccounted(landed_home) == []


def test_statements_of_an_erased_learner_are_forgotten_and_ignored(landed_home):
    def statement(number, name, verb="experienced"):
        return {
            "id": f"s{number}",
            "actor": {"mbox": f"mailto:{name}"},
            "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
            "object": {"id": "bowline"},
            "context": {"contextActivities": {"grouping": [{"id": "knots"}]}},
            "timestamp": "2025-03-01T10:00:00Z",
        }

    said = [statement(1, ERASED), statement(2, "bea"), statement(3, ERASED, "liked")]
    drop(landed_home, "xapi/a.json", json.dumps(said, indent=1).encode())
    drop(
        landed_home, "xapi/b.jsonl", jsonl(statement(4, ERASED, "registered"), statement(5, "bea"))
    )
    landed.land(landed_home)
    erase(landed_home, ERASED)
    assert places(landed_home.home) == []
    drop(landed_home, "xapi/c.json", json.dumps([statement(6, "bea"), *said]).encode())
    (file,) = landed.land(landed_home).files
    assert (file.accepted, file.duplicates, file.ignored) == (1, 1, 2)
    assert unaccounted(landed_home) == []
    assert places(landed_home.home) == []


def test_names_of_files_forget_the_learner_too(landed_home):
    drop(landed_home, f"events/{ERASED}_2025.csv", csv(event(7, "bea"), event(8, "bea", "x")))
    drop(landed_home, f"events/of-{ERASED}.jsonl.gz", b"no gzip")
    drop(landed_home, f"events/x{ERASED}.csv", csv(event(9, "bea")))
    landed.land(landed_home)
    assert erase(landed_home, ERASED).removed["names of files"] == 3
    left = [path.name for path in landed_home.home.rglob("*") if ERASED in path.name]
    assert left == [f"000000004__events__x{ERASED}.csv.zst"]
    noted = {path.name for path in landed_home.set_aside.rglob("*-*")}
    assert noted == {"of-erased.jsonl.gz", "of-erased.jsonl.gz.reason.txt"}
    with raw.opened(landed_home) as connection:
        query = "select file from raw.landed_files union all select file from raw.rejected_lines"
        files = [file for (file,) in connection.execute(query).fetchall()]
        assert sorted(file for file in files if "2025" in file) == ["erased_2025.csv"] * 2
        assert f"x{ERASED}.csv" in files


def test_rejected_lines_go_also_where_the_archive_no_longer_has_their_file(landed_home):
    (copy,) = landed_home.archive.glob("*__a.jsonl.zst")
    copy.unlink()
    assert erase(landed_home, ERASED).removed["rows of raw.rejected_lines"] == 1
    assert places(landed_home.home) == []


def test_databases_elsewhere_and_snapshots_as_of_the_past_go(landed_home):
    def database(path, learner, column="learner_id"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"create table t as select ? as {column}", [learner])
        return path

    as_of = landed_home.published / "as_of" / "20250101T000000Z" / "learner_progress.duckdb"
    database(as_of, ERASED)
    copy = database(landed_home.home / "copies" / "one.duckdb", ERASED, "whoever")
    other = database(landed_home.home / "copies" / "other.duckdb", "bea")
    number = database(landed_home.home / "copies" / "number.duckdb", "42")
    lesson = database(landed_home.home / "copies" / "lesson.duckdb", "42", "lesson_id")
    erase(landed_home, ERASED)
    assert not as_of.exists()
    assert not copy.exists()
    assert places(landed_home.home) == []
    erase(landed_home, "42")
    assert [path.exists() for path in (other, number, lesson)] == [True, False, True]


def test_deliveries_that_say_nothing_are_forgotten_and_ignored_by_their_user(landed_home):
    def delivery(number, kind, user):
        told = {"id": user, "name": "Ada"} if kind == "User.updated" else {"user": {"id": user}}
        return {"type": kind, "hook_event_id": number, "object": {**told, "percent": 42}}

    kinds = ["User.updated", "Comment.created"]
    sent = [delivery(1, kind, user) for kind in kinds for user in (42, 43)]
    drop(landed_home, "teachable/a.jsonl", jsonl(*sent))
    landed.land(landed_home)
    assert erase(landed_home, "42").removed["archived lines"] == 2
    drop(landed_home, "teachable/b.jsonl", jsonl(*sent, delivery(2, "Comment.created", 44)))
    (file,) = landed.land(landed_home).files
    assert (file.lines, file.ignored) == (5, 5)
    for copy in landed_home.archive.glob("*__teachable__*"):
        *_, text = contents(copy)
        kept = [json.loads(line) for line in text.splitlines() if line]
        users = {it["object"].get("user", it["object"])["id"] for it in kept}
        assert 43 in users
        assert 42 not in users


def test_a_voiding_of_the_learner_is_forgotten(landed_home):
    verb = "http://adlnet.gov/expapi/verbs/voided"
    void = [
        {
            "actor": {"account": {"homePage": "https://x.test", "name": name}},
            "verb": {"id": verb},
            "object": {"objectType": "StatementRef", "id": target},
        }
        for name, target in ((ERASED, "s1"), ("bea", f"urn:{ERASED}:2"), ("42", "s3"))
    ]
    drop(landed_home, "xapi/a.jsonl", jsonl(*void))
    landed.land(landed_home)
    erase(landed_home, ERASED)
    erase(landed_home, "42")
    assert places(landed_home.home) == []
    with raw.opened(landed_home) as connection:
        voided = connection.execute("select statement_id from raw.voided_statements").fetchall()
        assert voided == [("s1",), ("s3",)]
    (copy,) = landed_home.archive.glob("*__xapi__*")
    assert b'"42"' not in list(contents(copy))[-1]


def test_what_a_process_left_that_was_killed_as_it_asked_is_removed(landed_home):
    (landed_home.home / "erasing.part").write_text(f'["{ERASED}')
    assert not complete(landed_home)
    assert not (landed_home.home / "erasing.part").exists()
