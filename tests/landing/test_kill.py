"""Killed at random moments or out of disk, a refresh loses nothing, and the next one completes.

`KILLS=50 pytest tests/landing/test_kill.py` kills more often; `SEED` chooses other moments.
"""

import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
import zstandard
from story import csv_lines, event, json_lines

from orchestration import published
from orchestration.settings import load_settings
from tests.conftest import assert_same_tables, readers_tables
from tests.traces import places_that_hold

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "1"))
COMMAND = str(Path(sys.executable).parent / "learner-progress")
AS_OF = ["--as-of", "2025-07-01T00:00:00Z"]
LEFTOVERS = (".landing.part", ".candidate", ".emptied.part", ".warehouse", "erasing", "writer.json")
RAW = ["events", "courses", "lessons", "enrollments", "landed_files", "rejected_lines"]

pytestmark = pytest.mark.slow


def files_of(number):
    """What is delivered before a kill: events of every format, sound, repeated and bad."""
    start = number * 40
    rows = [
        event(
            event_id=f"e{start + place}",
            learner_id=f"learner-{place % 7}",
            lesson_id=f"lesson-{place % 3}",
            event_type=("lesson_viewed", "lesson_completed")[place % 2],
            occurred_at=f"2025-03-{1 + place % 28:02}T10:00:00Z",
        )
        for place in range(-3, 40)
    ]
    rows.append(event(event_id="bad", event_type="seen"))
    if number % 3 == 0:
        return {f"events/{number:03}.csv.gz": gzip.compress(csv_lines(*rows).encode())}
    return {f"events/{number:03}.jsonl": json_lines(*rows).encode()}


def catalogue():
    lessons = [
        {"course_id": "algebra", "lesson_id": f"lesson-{n}", "position": n, "title": f"Lesson {n}"}
        for n in range(3)
    ]
    enrolled = [
        {"learner_id": f"learner-{n}", "course_id": "algebra", "enrolled_at": "2025-01-01"}
        for n in range(7)
    ]
    return {
        "courses/a.jsonl": json_lines({"course_id": "algebra", "title": "Algebra"}).encode(),
        "lessons/a.jsonl": json_lines(*lessons).encode(),
        "enrollments/a.jsonl": json_lines(*enrolled).encode(),
    }


def deliver(home, files):
    for path, content in files.items():
        file = home / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".tmp").write_bytes(content)
        file.with_suffix(".tmp").rename(file)


def start(home, *arguments, **options):
    environment = {**os.environ, "LEARNER_PROGRESS_HOME": str(home)}
    return subprocess.Popen(
        [COMMAND, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def completed(home):
    process = start(home, "refresh", *AS_OF)
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def end_state(home):
    """All that must not depend on what happened on the way."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        raw = {
            table: connection.execute(
                f"select * exclude (recorded_at) from raw.{table} order by all"
            ).fetchall()
            for table in RAW
        }
    unpack = zstandard.ZstdDecompressor().decompressobj
    archived = {
        path.name: unpack().decompress(path.read_bytes()) for path in (home / "archive").iterdir()
    }
    waiting = [path for path in (home / "landing").rglob("*") if path.is_file()]
    left = [path.name for path in home.rglob("*") if path.name.startswith(LEFTOVERS)]
    return raw, archived, waiting, left


def commands_killed(home, deliveries, longest):
    """The commands, one a delivery, until enough were killed; ``longest`` is what each takes.

    What a command takes differs from machine to machine and from run to run: it is taken from
    the last one that ended by itself, so that the next moment is likely to fall into its work.
    """
    chance = random.Random(SEED)
    commands = {"refresh": ["refresh", *AS_OF], "land": ["land"]}
    moments, delivered, killed = [], [], 0
    for number, files in enumerate(deliveries):
        delivered.append(files)
        deliver(home, files)
        name = "land" if number % 4 == 3 else "refresh"
        process = start(home, *commands[name])
        began = time.monotonic()
        moment = chance.uniform(0.3, longest[name])
        try:
            _, errors = process.communicate(timeout=moment)
            assert process.returncode == 0, errors
            longest[name] = max(0.6, time.monotonic() - began)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        moments.append((name, round(moment, 2), process.returncode))
        killed += process.returncode == -signal.SIGKILL
        if killed == KILLS:
            break
    print(f"killed {killed} of {len(moments)}: {moments}")
    assert killed == KILLS, moments
    return delivered


def test_killed_at_random_moments_the_end_is_that_of_an_undisturbed_run(tmp_path):
    timed, calm, killed = (tmp_path / name for name in ("timed", "calm", "killed"))
    deliveries = [{**catalogue(), **files_of(0)}, *map(files_of, range(1, 4 * KILLS))]
    deliver(timed, deliveries[0])
    began = time.monotonic()
    completed(timed)
    took = time.monotonic() - began
    for files in commands_killed(killed, deliveries, {"refresh": took, "land": took / 3}):
        deliver(calm, files)
    completed(killed)
    completed(calm)
    for expected, found in zip(end_state(calm), end_state(killed), strict=True):
        assert expected == found
    assert end_state(killed)[2:] == ([], [])
    assert_same_tables(*(readers_tables(load_settings(home=home)) for home in (calm, killed)))


LEAVER = "learner-3"


def leaver_everywhere(home):
    """A published home that holds the leaver in files of every kind, some of them bad."""
    deliver(home, {**catalogue(), **files_of(0), **files_of(1)})
    completed(home)
    told = {
        "actor": {"account": {"homePage": "https://x.test", "name": LEAVER}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/liked"},
        "object": {"id": "lesson-1"},
    }
    bad = event(learner_id=LEAVER, event_type="seen", event_id="of the leaver")
    deliver(
        home,
        {
            **files_of(2),
            "xapi/a.json": json.dumps([told, told]).encode(),
            f"events/{LEAVER}.jsonl": json_lines(bad).encode(),
            f"events/of-{LEAVER}.csv": LEAVER.encode(),
        },
    )
    completed(home)
    (home / "dagster").mkdir()
    (home / "dagster" / "run.log").write_text(f"a key of {LEAVER} twice")


def erased(home):
    process = start(home, "erase", LEAVER, "--yes")
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def test_an_erasure_killed_at_random_moments_is_completed_by_the_next_command(tmp_path):
    chance = random.Random(SEED)
    full, calm = tmp_path / "full", tmp_path / "calm"
    leaver_everywhere(full)
    assert len({place.split("/")[0] for place in places_that_hold(full, LEAVER)}) > 5
    shutil.copytree(full, calm, symlinks=True)
    began = time.monotonic()
    erased(calm)
    longest = time.monotonic() - began
    moments = []
    for number in range(max(2, KILLS // 4)):
        home = tmp_path / "killed"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(full, home, symlinks=True)
        process = start(home, "erase", LEAVER, "--yes")
        moment = chance.uniform(0.3, longest)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=moment)
        process.kill()
        process.communicate()
        is_asked = (home / "erasing.json").exists() or not places_that_hold(home, LEAVER)
        complete = completed if is_asked and number % 2 else erased
        moments.append((round(moment, 2), process.returncode, is_asked, complete.__name__))
        complete(home)
        assert places_that_hold(home, LEAVER) == [], moments
        for expected, found in zip(end_state(calm), end_state(home), strict=True):
            assert expected == found, moments
        assert end_state(home)[3] == [], moments
        assert_same_tables(*(readers_tables(load_settings(home=one)) for one in (calm, home)))
    print(f"of {longest:.1f} s: {moments}")


def one_sentence(process):
    """The error of a command that failed foreseeably."""
    _, errors = process.communicate()
    assert process.returncode == 1, errors
    lines = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, errors
    assert "Traceback" not in errors
    return lines[0]


@pytest.fixture(scope="module")
def published_home(tmp_path_factory):
    """A home with a snapshot, and with files in the inbox that need some room."""
    home = tmp_path_factory.mktemp("published") / "home"
    deliver(home, {**catalogue(), **files_of(0)})
    completed(home)
    deliver(home, {**files_of(1), **{f"events/x{n}.jsonl": large(n) for n in range(2)}})
    return home


def large(number):
    return json_lines(
        *(event(event_id=f"{number}-{n}-{random.Random(n).random()}") for n in range(8000))
    ).encode()


def check_nothing_is_lost(settings, before):
    assert published.latest_refresh(settings) == before
    waiting = {path.name for path in settings.landing.glob("events/*")}
    archived = {path.name.split("__")[2] for path in settings.archive.glob("*.zst")}
    names = {"001.jsonl", "x0.jsonl", "x1.jsonl"}
    assert {
        name for name in names if name not in waiting and f"{name}.zst" not in archived
    } == set()


@pytest.mark.parametrize("limit", [600_000, 2_500_000])
def test_a_disk_that_takes_no_more_fails_in_a_sentence_and_loses_nothing(
    tmp_path, published_home, limit
):
    shutil.copytree(published_home, tmp_path / "home", symlinks=True)
    settings = load_settings(home=tmp_path / "home", _env_file=None)
    before = published.latest_refresh(settings)
    full = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: E731
    print(one_sentence(start(settings.home, "refresh", *AS_OF, preexec_fn=full)))
    check_nothing_is_lost(settings, before)
    completed(settings.home)
    assert published.read_table("refreshes", settings)["events"].max() == 16_000 + 83


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.parametrize("room", [100_000, 1_500_000])
def test_a_full_disk_fails_in_a_sentence_and_loses_nothing(tmp_path, published_home, room):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(disk)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine mounts no disk")
    try:
        shutil.copytree(published_home, disk / "home", symlinks=True)
        settings = load_settings(home=disk / "home", _env_file=None)
        before = published.latest_refresh(settings)
        statistics = os.statvfs(disk)
        filler = disk / "filler"
        filler.write_bytes(bytes(max(0, statistics.f_bavail * statistics.f_frsize - room)))
        print(one_sentence(start(settings.home, "refresh", *AS_OF)))
        check_nothing_is_lost(settings, before)
        filler.unlink()
        completed(settings.home)
        assert published.read_table("refreshes", settings)["events"].max() == 16_000 + 83
    finally:
        subprocess.run(["umount", str(disk)], check=False)
