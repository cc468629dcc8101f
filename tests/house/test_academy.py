"""The demo's source files: made by the committed script, and rich enough to show every figure."""

import csv
import gzip
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import zstandard

from orchestration import raw
from orchestration.landing import LandedFile, land
from orchestration.settings import load_settings
from orchestration.warehouse import open_warehouse

ROOT = Path(__file__).parents[2]
ACADEMY = ROOT / "seeds" / "academy"
STORY_END = datetime(2025, 7, 1)
UNKNOWN = {"podcast-1", "podcast-2", "podcast-3", "spanish-welcome"}


def content(file: Path) -> Any:
    """What a file says, however a library's version compressed it."""
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    if file.suffix == ".zst":
        with file.open("rb") as stream:
            return zstandard.ZstdDecompressor().stream_reader(stream).read()
    return file.read_bytes()


def files_of(folder: Path) -> dict[str, Path]:
    return {
        str(file.relative_to(folder)): file for file in folder.glob("*/*") if file.name[0] != "."
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The academy, made twice."""
    folders = [tmp_path_factory.mktemp("academy") for _ in range(2)]
    for folder in folders:
        subprocess.run([sys.executable, ROOT / "seeds/make_academy.py", folder], check=True)
    return folders


@pytest.fixture(scope="module")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[LandedFile]]]:
    """The private warehouse after the academy landed, and what became of each file."""
    settings = load_settings(home=tmp_path_factory.mktemp("home"))
    with open_warehouse(settings) as connection:
        raw.create_tables(connection)
        yield connection, land(connection, settings, paths=[ACADEMY])


@pytest.fixture(scope="module")
def tables(warehouse: tuple[duckdb.DuckDBPyConnection, list[LandedFile]]) -> dict[str, Any]:
    """Every table that readers see, by the independent computation, at the story's end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tests"))
        from independent import Landed, Rules, compute
    return compute(Landed.from_warehouse(warehouse[0]), STORY_END, Rules())


def test_the_script_makes_what_is_committed(made: list[Path]) -> None:
    committed, new = files_of(ACADEMY), files_of(made[0])
    assert sorted(committed) == sorted(new)
    assert [name for name in new if content(committed[name]) != content(new[name])] == []


def test_the_script_makes_the_same_bytes_every_time(made: list[Path]) -> None:
    first, second = (files_of(folder) for folder in made)
    assert [name for name in first if first[name].read_bytes() != second[name].read_bytes()] == []


def test_it_is_small_enough_to_commit() -> None:
    assert sum(file.stat().st_size for file in files_of(ACADEMY).values()) < 2_000_000


def test_the_courses_have_six_to_fourteen_lessons_in_sections_with_titles_of_their_own() -> None:
    told = json.loads((ROOT / "seeds/academy_outline.json").read_text("utf-8"))
    sections = {course: list(each["sections"].values()) for course, each in told.items()}
    assert sections.pop("kitchen-garden") == []
    titles = [title for course in sections.values() for section in course for title in section]
    assert len(titles) == len(set(titles)) == 60
    assert all(6 <= sum(map(len, course)) <= 14 for course in sections.values())
    assert all(2 <= len(course) <= 4 for course in sections.values())


def test_every_line_lands_is_a_repeat_or_rejected_for_a_named_reason(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LandedFile]],
) -> None:
    connection, landed = warehouse
    events = [file for file in landed if file.source == "events"]
    reasons = connection.execute("select reason from raw.rejected_lines").fetchall()
    assert {file.status for file in landed} == {"landed"}
    assert sum(file.lines for file in events) == 30_000
    assert sum(file.duplicates for file in events) == 900
    assert Counter(reason for (reason,) in reasons) == {
        "invalid_json": 3,
        "missing_value": 3,
        "invalid_instant": 4,
        "event_id_conflict": 2,
        "instant_without_zone": 1,
        "instant_in_the_future": 1,
        "unknown_event_type": 1,
        "id_with_outer_blanks": 1,
        "wrong_type": 1,
    }


def test_events_lie_in_the_half_year_and_some_land_in_a_later_month(
    warehouse: tuple[duckdb.DuckDBPyConnection, list[LandedFile]],
) -> None:
    first, last, late, without_id = (
        warehouse[0]
        .execute(
            """
            select
                min(occurred_at), max(occurred_at),
                count(*) filter (strftime(occurred_at, '%Y-%m') < file[8:14]),
                count(*) filter (event_id like 'body:%')
            from raw.events
            join raw.landed_files on events.batch_id = landed_files.batch_id
            """
        )
        .fetchall()[0]
    )
    assert datetime(2025, 1, 6) <= first < datetime(2025, 1, 8)
    assert datetime(2025, 6, 30) <= last < STORY_END
    assert late > 100
    assert without_id > 100


def test_february_comes_as_csv_with_a_column_that_nobody_needs() -> None:
    text = content(ACADEMY / "events/events_2025-02.csv.gz").decode()
    header = next(csv.reader(io.StringIO(text)))
    assert header[:2] == ["occurred_at", "device"]


def test_every_column_of_every_table_shows_something(tables: dict[str, pd.DataFrame]) -> None:
    same = [
        f"{name}.{column}"
        for name, table in tables.items()
        for column in table
        if table[column].notna().sum() == 0 or table[column].nunique(dropna=False) < 2
    ]
    assert same == []


def test_courses_differ_in_completion_as_their_stories_say(
    tables: dict[str, pd.DataFrame],
) -> None:
    completion = tables["course_completion"].set_index("course_id")["completion_rate"].astype(float)
    order = ["first-aid", "bread", "data-protection", "bookkeeping", "spanish", "statistics"]
    assert list(completion.drop("kitchen-garden").sort_values(ascending=False).index) == order
    assert completion["first-aid"] > 0.8
    assert 0.1 < completion["statistics"] < 0.2


def test_one_hard_lesson_leads_the_drop_off_of_bookkeeping(tables: dict[str, pd.DataFrame]) -> None:
    lessons = tables["lesson_drop_off"].query("course_id == 'bookkeeping'")
    rates = lessons.set_index("lesson_id")["drop_off_rate"].astype(float)
    assert rates.idxmax() == "bookkeeping-07"
    assert rates["bookkeeping-07"] > 4 * rates.drop("bookkeeping-07").max()


def test_the_catalogues_changes_leave_their_traces(tables: dict[str, pd.DataFrame]) -> None:
    progress = tables["course_progress"]
    lessons = tables["lesson_completions"]
    register = set(lessons[lessons.lesson_id == "data-protection-05"].learner_id)
    finished = progress[progress.is_completed.astype(bool)]
    excused = set(finished[finished.course_id == "data-protection"].learner_id) - register
    assert progress[progress.has_new_lessons.astype(bool)].course_id.unique() == ["spanish"]
    assert len(excused) > 10
    assert (finished.unenrolled_at.notna() & (finished.unenrolled_at > finished.completed_at)).any()
    assert set(progress.enrollment_status) == {"active", "upcoming", "unenrolled", "none"}
    assert progress.query("enrollment_status == 'unenrolled'").unenrolled_at.mode()[0] == datetime(
        2025, 4, 24, 15
    )


def test_unknown_courses_and_lessons_and_reports_in_doubt_are_there(
    tables: dict[str, pd.DataFrame],
) -> None:
    lessons = tables["lesson_progress"]
    completions = tables["lesson_completions"]
    without_view = lessons[~lessons.is_viewed.astype(bool)]
    assert set(lessons[~lessons.is_in_course.astype(bool)].lesson_id) >= UNKNOWN
    assert "first-aid-06" in set(without_view.lesson_id)
    assert (completions.later_reports > 0).any()
    assert (completions.earliest_reported_at < completions.completed_at).any()
