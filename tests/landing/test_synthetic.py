"""The synthetic source files: exact in size, the same for the same arguments, and believable."""

import hashlib
from pathlib import Path

import pytest

from orchestration import raw
from orchestration.landing import land
from orchestration.settings import load_settings
from orchestration.synthetic import FolderNotEmpty, InvalidWorld, generate
from orchestration.warehouse import open_warehouse


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 learners, 40 courses, 107,500 event lines (43 an enrollment) in four files."""
    out = tmp_path_factory.mktemp("world")
    generate(learners=1000, courses=40, events=107_500, seed=7, out=out, files=4)
    return out


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        generate(learners=300, courses=12, events=9000, seed=seed, out=tmp_path / name, files=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one") != digests(tmp_path / "other")


def test_a_known_world_keeps_its_bytes_over_versions_of_the_engine(tmp_path: Path) -> None:
    generate(learners=50, courses=5, events=2000, seed=1, out=tmp_path)
    together = hashlib.sha256(repr(sorted(digests(tmp_path).items())).encode()).hexdigest()
    assert together == "26d2c0477a96c0ba111b4d17d980b5b424b3344975fd011ad12d5e13c4cd0f10"


@pytest.mark.parametrize(
    ("learners", "courses", "events"),
    [(1, 1, 0), (1, 1, 1), (1, 1, 5), (1, 1, 4000), (3, 2, 10), (200, 6, 1500), (20, 300, 90)],
)
def test_the_number_of_event_lines_is_exact(
    tmp_path: Path, learners: int, courses: int, events: int
) -> None:
    written = generate(learners=learners, courses=courses, events=events, seed=3, out=tmp_path)
    lines = [
        line for file in (tmp_path / "events").iterdir() for line in file.read_text().splitlines()
    ]
    assert len(lines) == written["events"] == events
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "courses", "deadlines", "enrollments", "events", "lessons"
    ]  # fmt: skip


def test_every_line_is_accepted_or_a_repeat(world: Path, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        landed = land(connection, settings, paths=[world])
    events = [file for file in landed if file.source == "events"]
    assert {file.status for file in landed} == {"landed"}
    assert sum(file.lines for file in events) == 107_500
    assert sum(file.duplicates for file in events) == 3225
    assert sum(file.rejected + file.ignored for file in landed) == 0


def test_files_are_dated_and_their_names_sort_in_landing_order(world: Path) -> None:
    names = sorted(file.name for file in (world / "events").iterdir())
    assert [name[:12] for name in names] == [f"events_000{n}_" for n in range(1, 5)]
    assert names == sorted(names, key=lambda name: name[12:])


def test_progress_tells_each_file_and_ends_at_all_lines(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    generate(
        learners=30, courses=3, events=900, seed=1, out=tmp_path, files=3,
        progress=lambda what, done, total: told.append((what, done, total)),
    )  # fmt: skip
    assert [(done, total) for _, done, total in told] == [(300, 900), (600, 900), (900, 900)]


def test_a_size_out_of_range_and_a_folder_in_use_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidWorld, match="learners is 0; give a number from 1"):
        generate(learners=0, courses=1, events=1, seed=1, out=tmp_path)
    (tmp_path / "events").mkdir()
    with pytest.raises(FolderNotEmpty, match="events exists already"):
        generate(learners=1, courses=1, events=1, seed=1, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["events"]
