"""Which files land, in which order, under which number, and what becomes of the others."""

import errno
import gzip
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import NOW
from story import csv_lines, event, json_lines

from orchestration.landing import (
    LandingFailed,
    Limits,
    PathNotFound,
    UnknownSource,
    archive,
    rejected_counts,
    rejected_lines,
    waiting,
)
from orchestration.landing.deliveries import OpenFile

COURSES = "course_id,title\nc,T\n"


def test_sources_land_in_order_and_files_by_the_bytes_of_their_names(room):
    for name in ("b", "a", "Z", "é", "a10", "a9"):
        room.deliver(f"events/{name}.jsonl", json_lines(event(event_id=name)))
    room.deliver("courses/z.csv", COURSES)
    landed = room.land()
    assert [file.file[:-6] for file in landed[1:]] == ["Z", "a", "a10", "a9", "b", "é"]
    assert [file.batch_id for file in landed] == [1, 2, 3, 4, 5, 6, 7]


def test_a_landed_file_leaves_the_inbox_for_the_archive(room):
    landed = room.land_one("events/a.jsonl.gz", gzip.compress(json_lines(event()).encode()))
    assert waiting(room.settings) == []
    kept = room.settings.archive / "000000001__events__a.jsonl.gz.zst"
    assert list(room.settings.archive.iterdir()) == [kept]
    with archive.Content(kept, "", 0).open() as stream:
        assert stream.read(1000) == json_lines(event()).encode()
    (entry,) = room.rows("select source, file, bytes, lines, recorded_at from raw.landed_files")
    assert entry == ("events", landed.file, len(json_lines(event())), 1, NOW)


def test_landing_times_rise_though_the_clock_stands_or_goes_back(room):
    for name in "ab":
        room.deliver(f"events/{name}.jsonl", json_lines(event(event_id=name)))
    room.land()
    room.land_one(
        "events/c.jsonl", json_lines(event(event_id="c")), now=lambda: datetime(2025, 12, 1)
    )
    times = [
        time for (time,) in room.rows("select distinct recorded_at from raw.events order by 1")
    ]
    assert times == [NOW + timedelta(microseconds=n) for n in range(3)]


def test_unfinished_names_are_ignored_silently(room):
    for name in (".a.jsonl", "_a.jsonl", "a.jsonl.tmp", "a.jsonl.part"):
        room.deliver(f"events/{name}", json_lines(event()))
    assert (room.land(), waiting(room.settings)) == ([], [])


def test_what_is_no_plain_file_is_left_alone(room, tmp_path):
    inbox = room.deliver("events/good.jsonl", json_lines(event())).parent
    (inbox / "folder.jsonl").mkdir()
    os.mkfifo(inbox / "pipe.jsonl")
    outside = tmp_path / "secret.jsonl"
    outside.write_text(json_lines(event(event_id="secret")))
    (inbox / "link.jsonl").symlink_to(outside)
    (inbox / "loop.jsonl").symlink_to(inbox / "loop.jsonl")
    (inbox / "broken.jsonl").symlink_to(inbox / "nowhere.jsonl")
    room.deliver("events/a.xlsx", "?")
    room.deliver("events/a.parquet.gz", "?")
    room.deliver(f"events/{'n' * 240}.jsonl", json_lines(event()))
    os.chdir(inbox)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jsonl")
        assert waiting(room.settings) == [inbox / "good.jsonl"]
        landed = {file.file: file for file in room.land()}
    assert landed.pop("good.jsonl").status == "landed"
    assert len(landed) == 9
    assert {file.status for file in landed.values()} == {"left_alone"}
    assert all(file.reason for file in landed.values())
    assert room.rows("select count(*) from raw.events") == [(1,)]


def test_a_link_within_the_inbox_is_taken(room):
    file = room.deliver("events/_kept.jsonl", json_lines(event()))
    (file.parent / "link.jsonl").symlink_to(file)
    assert [landed.status for landed in room.land()] == ["landed"]
    assert file.exists()


def test_an_unreadable_file_is_left_alone(room, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    room.deliver("events/a.jsonl", json_lines(event()))
    monkeypatch.setattr("orchestration.landing.deliveries.os.open", refused)
    (landed,) = room.land()
    assert (landed.status, "Permission denied" in landed.reason) == ("left_alone", True)


def test_a_name_that_is_no_utf8_is_shown_with_a_replacement_character(room):
    room.deliver("events/" + os.fsdecode(b"\xff.jsonl"), json_lines(event()))
    assert room.land()[0].file == "\ufffd.jsonl"
    assert [os.fsencode(path.name) for path in room.settings.archive.iterdir()] == [
        b"000000001__events__\xff.jsonl.zst"
    ]


def test_a_file_that_grows_while_it_is_read_is_left_alone(room, monkeypatch):
    file = room.deliver("events/a.jsonl", json_lines(event()))
    copy_in = archive.copy_in

    def copy_and_grow(*arguments):
        content = copy_in(*arguments)
        file.write_text(file.read_text() + json_lines(event(event_id="e2")))
        return content

    monkeypatch.setattr(archive, "copy_in", copy_and_grow)
    assert room.land()[0].status == "left_alone"
    monkeypatch.undo()
    assert [landed.accepted for landed in room.land()] == [2]


def test_a_broken_file_that_changes_meanwhile_is_not_set_aside(room, monkeypatch):
    room.deliver("events/a.jsonl.gz", gzip.compress(json_lines(event()).encode())[:-5])
    monkeypatch.setattr(OpenFile, "is_at_rest", lambda _: False)
    assert room.land()[0].status == "left_alone"
    assert len(waiting(room.settings)) == 1


def test_a_file_replaced_while_it_lands_stays_for_the_next_landing(room, monkeypatch):
    file = room.deliver("events/a.jsonl", json_lines(event()))
    is_at_rest = OpenFile.is_at_rest
    calls = []

    def replaced_at_last(opened):
        calls.append(1)
        if len(calls) == 2:
            other = file.with_suffix(".tmp")
            other.write_text(json_lines(event(event_id="e2")))
            other.replace(file)
        return is_at_rest(opened)

    monkeypatch.setattr(OpenFile, "is_at_rest", replaced_at_last)
    assert [room.land()[0].accepted, room.land()[0].accepted] == [1, 1]
    assert room.rows("select event_id from raw.events order by 1") == [("e1",), ("e2",)]


def test_events_are_known_by_content_under_whatever_name(room):
    room.land_one("events/a.jsonl", json_lines(event()))
    landed = room.land_one("events/b.jsonl.gz", gzip.compress(json_lines(event()).encode()))
    assert (landed.status, landed.lines, landed.reason) == ("already_landed", 0, None)
    assert room.land_one("events/a.jsonl", json_lines(event()), again=True).status == (
        "already_landed"
    )
    assert waiting(room.settings) == []
    assert room.rows("select count(*) from raw.landed_files") == [(1,)]


def test_content_that_came_under_a_wrong_ending_can_come_again(room):
    content = csv_lines(event())
    landed = room.land_one("events/a.jsonl", content)
    assert (landed.status, landed.rejected) == ("landed", 2)
    assert room.land_one("events/a.csv", content).accepted == 1
    statuses = [room.land_one(f"events/b.{end}", content).status for end in ("csv", "ndjson")]
    assert statuses == ["already_landed"] * 2


def test_an_empty_file_is_judged_by_its_format_whatever_landed_before(room):
    for name in ("a.jsonl", "b.ndjson", "c.csv", "d.parquet"):
        room.deliver(f"events/{name}", "")
    statuses = [landed.status for landed in room.land()]
    assert statuses == ["landed", "already_landed", "set_aside", "set_aside"]


def test_the_catalogue_is_known_by_name_and_content(room):
    back, forth = COURSES, COURSES.replace("T", "U")
    room.land_one("courses/monday.csv", back)
    assert room.land_one("courses/monday.csv", back).reason is None
    room.land_one("courses/tuesday.csv", forth)
    known = room.land_one("courses/monday.csv", back)
    assert (known.status, "--again" in known.reason) == ("already_landed", True)
    assert room.land_one("courses/wednesday.csv", back).accepted == 1
    room.land_one("courses/thursday.csv", forth)
    again = room.land_one("courses/monday.csv", back, again=True)
    assert (again.status, again.batch_id, again.accepted) == ("landed", 5, 1)


def test_a_file_set_aside_lies_beside_its_reason_and_takes_no_number(room):
    for _ in range(2):
        landed = room.land_one("courses/a.csv", "nothing\n")
    room.deliver("events/a.jsonl", json_lines(event()))
    assert (landed.status, room.land()[0].batch_id) == ("set_aside", 1)
    folder = room.settings.set_aside / "courses"
    assert {path.name for path in folder.iterdir()} == {
        "a.csv",
        "a.csv.reason.txt",
        "a.csv.2",
        "a.csv.2.reason.txt",
    }
    assert "lacks the column" in (folder / "a.csv.reason.txt").read_text()
    assert waiting(room.settings) == []


@pytest.mark.parametrize(
    "limits", [Limits(content=1000), Limits(ratio=2, free=1000)], ids=["size", "ratio"]
)
def test_a_bomb_is_set_aside(room, limits):
    bomb = gzip.compress(b" " * 1_000_000)
    landed = room.land_one("events/a.jsonl.gz", bomb, limits=limits)
    assert (landed.status, "limit" in landed.reason) == ("set_aside", True)
    assert list(room.settings.archive.iterdir()) == []


def test_a_bomb_is_known_by_its_beginning(room, monkeypatch):
    unfolded = []

    class Digest:
        def update(self, block):
            unfolded.append(len(block))

    monkeypatch.setattr(archive.hashlib, "sha256", Digest)
    bomb = gzip.compress(bytes(200 << 20), 1) + gzip.compress(os.urandom(1 << 20))
    landed = room.land_one("events/a.jsonl.gz", bomb, limits=Limits(ratio=100, free=1 << 20))
    assert landed.status == "set_aside"
    assert sum(unfolded) < 20 << 20


def test_given_paths_stay_where_they_are(room, tmp_path):
    folder = tmp_path / "given"
    for path, text in {
        "events/a.jsonl": json_lines(event()),
        "courses/a.csv": COURSES,
        "courses/bad.csv": "x",
        "notes/readme.txt": "?",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    landed = room.land(paths=[folder])
    assert [(file.source, file.status) for file in landed] == [
        ("courses", "landed"),
        ("courses", "set_aside"),
        ("events", "landed"),
    ]
    paths = [folder / "events/a.jsonl", folder / "courses"]
    again = room.land(paths=paths)
    assert [file.source for file in again] == ["courses", "courses", "events"]
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 4


def test_a_source_can_be_named(room, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text(COURSES)
    assert room.land(paths=[file], source="courses")[0].accepted == 1
    room.deliver("events/a.jsonl", json_lines(event()))
    assert room.land(source="courses") == []


def test_an_unknown_source_or_path_is_a_sentence_and_lands_nothing(room, tmp_path):
    (tmp_path / "a.csv").write_text(COURSES)
    for arguments in ({"paths": [tmp_path / "a.csv"]}, {"paths": [tmp_path]}, {"source": "x"}):
        with pytest.raises(UnknownSource, match="courses, lessons"):
            room.land(**arguments)
    with pytest.raises(PathNotFound, match="doesn't exist"):
        room.land(paths=[Path("nowhere.csv")])


@pytest.mark.parametrize("refusal", [errno.EACCES, errno.EROFS])
def test_an_inbox_that_lets_no_file_go_stops_no_other_file(room, monkeypatch, refusal):
    def guarded(function):
        def called(path, *arguments, **options):
            if Path(path).is_relative_to(room.settings.landing):
                raise OSError(refusal, os.strerror(refusal))
            return function(path, *arguments, **options)

        return called

    room.deliver("courses/a.csv", COURSES)
    room.deliver("courses/b.csv", "no header\n")
    room.deliver("events/a.jsonl", json_lines(event()))
    monkeypatch.setattr(os, "unlink", guarded(os.unlink))
    monkeypatch.setattr(os, "rename", guarded(os.rename))
    first, second = room.land(), room.land()
    assert [file.status for file in first] == ["landed", "left_alone", "landed"]
    assert [file.status for file in second] == ["already_landed", "left_alone", "already_landed"]
    assert all("mend the folder's rights" in file.reason for file in [*first, *second])
    monkeypatch.undo()
    known, aside = "already_landed", "set_aside"
    assert [file.status for file in room.land()] == [known, aside, known]
    assert waiting(room.settings) == []
    assert len(list((room.settings.set_aside / "courses").iterdir())) == 2


def test_a_file_that_takes_too_much_memory_is_left_alone_and_stops_no_other(room):
    long_lines = "".join(f"{number}{'x' * (12 << 20)}\n" for number in range(8))
    room.deliver("events/a.jsonl", long_lines)
    room.deliver("events/b.jsonl", json_lines(event()))
    room.connection.execute("set memory_limit = '80MB'")
    first, second = room.land()
    assert (first.status, "memory" in first.reason) == ("left_alone", True)
    assert (second.status, second.batch_id) == ("landed", 1)
    room.connection.execute("set memory_limit = '2GB'")
    assert [(file.rejected, file.batch_id) for file in room.land()] == [(8, 2)]


def test_a_full_disk_fails_with_a_sentence_and_keeps_the_inbox(room, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    file = room.deliver("events/a.jsonl", json_lines(event()))
    monkeypatch.setattr(archive, "keep", full)
    with pytest.raises(LandingFailed, match="No space left"):
        room.land()
    monkeypatch.undo()
    assert file.exists()
    assert room.rows("select count(*) from raw.events") == [(0,)]
    assert room.land()[0].accepted == 1


def test_progress_ends_at_the_size_of_the_content(room):
    seen = []
    lines = json_lines(event())
    room.land_one("events/a.jsonl", lines, progress=lambda *step: seen.append(step))
    assert seen[-1][1:] == (len(lines), len(lines))


def test_rejected_lines_are_listed_and_counted(room):
    room.land_one("events/a.jsonl", "?\n" + json_lines(event(learner_id="")) + "!\n")
    room.land_one("events/b.jsonl", "?\n")
    listed = rejected_lines(room.connection, reason="invalid_json", limit=2)
    assert [(line["file"], line["line"], line["text"]) for line in listed] == [
        ("a.jsonl", 1, "?"),
        ("a.jsonl", 3, "!"),
    ]
    counts = {(c["reason"], c["file"]): c["lines"] for c in rejected_counts(room.connection)}
    assert counts == {
        ("invalid_json", "a.jsonl"): 2,
        ("missing_value", "a.jsonl"): 1,
        ("invalid_json", "b.jsonl"): 1,
    }
