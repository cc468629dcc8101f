"""A snapshot of Parquet is to readers what the file of DuckDB is: the same tables, as safe."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration import (
    built,
    parquet,
    parting,
    parts,
    printed,
    published,
    report,
    snapshots,
    status,
)
from orchestration.erasing.erase import erase
from orchestration.operations.backup import backup
from orchestration.operations.maintenance import maintain
from orchestration.operations.restore import restore
from orchestration.refresh import refresh
from orchestration.service.snapshot import OpenSnapshot
from orchestration.settings import InvalidSetting, Settings, load_settings
from orchestration.spark import gathering
from orchestration.time_travel.reconciliation import reconcile
from tests.conftest import assert_same_tables, readers_tables
from tests.stand_in import stand_in
from tests.traces import places_that_hold

AS_OF = datetime(2025, 7, 1)
ERASED = "learner-7f3e"
SHAPE = """
select schema_name, table_name, column_name, data_type, comment
from duckdb_columns() where database_name = 'learner_progress' and not internal
union all
select schema_name, table_name, '', '', comment
from duckdb_tables() where database_name = 'learner_progress'
union all
select schema_name, view_name, '', '', comment
from duckdb_views() where database_name = 'learner_progress' and not internal
"""
KNOTS = {
    "courses": [{"course_id": "knots", "title": "Knots"}],
    "lessons": [
        {"course_id": "knots", "lesson_id": name, "position": place, "title": name.title()}
        for place, name in enumerate(["bowline", "bend"], 1)
    ],
    "enrollments": [
        {"course_id": "knots", "learner_id": name, "enrolled_at": "2025-01-01T00:00:00Z"}
        for name in ("ada", ERASED, "cem")
    ],
}


def land(settings: Settings, *learners: str, day: int = 1) -> None:
    """Drop into the inbox that these learners completed the first lesson, and the catalogue."""
    events = [
        {
            "event_type": "lesson_completed",
            "learner_id": learner,
            "course_id": "knots",
            "lesson_id": "bowline",
            "occurred_at": f"2025-02-{day:02}T23:30:00.000001Z",
        }
        for learner in learners
    ]
    for source, rows in {**KNOTS, "events": events}.items():
        folder = settings.landing / source
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{source}_{day}.jsonl").write_text(text)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        stand_in(patched)
        yield


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Settings:
    """A home whose snapshot is of Parquet; tests leave it as it is."""
    home = tmp_path_factory.mktemp("parts") / "it's home"
    place = load_settings(home=home, engine="spark", snapshot="parquet", _env_file=None)
    land(place, "ada", ERASED)
    refresh(place, as_of=AS_OF)
    return place


@pytest.fixture
def home(original, tmp_path) -> Settings:
    """A copy of that home, to be changed."""
    shutil.copytree(original.home, tmp_path / "home", symlinks=True)
    moved = original.model_copy(update={"home": tmp_path / "home", "keep_snapshots": 1})
    parting.follow(moved)
    return moved


def learners(settings: Settings) -> int:
    with published.connect(settings) as connection:
        return learners_of(connection)


def learners_of(connection: duckdb.DuckDBPyConnection) -> int:
    query = "select count(distinct learner_id) from progress.lesson_progress"
    ((count,),) = connection.execute(query).fetchall()
    return count


@pytest.mark.slow
def test_readers_see_the_same_tables_as_in_the_file_of_duckdb(original, settings):
    land(settings, "ada", ERASED)
    refresh(settings, as_of=AS_OF)
    assert_same_tables(readers_tables(settings), readers_tables(original))
    shapes = []
    for place in (settings, original):
        with published.connect(place) as connection:
            assert "UTC" in str(connection.execute("select current_setting('TimeZone')").fetchall())
            shapes.append(connection.execute(f"{SHAPE} order by all").fetchall())
            names = connection.execute("from progress.course_progress").description
            shapes[-1].append([name for name, *_ in names or ()])
    assert shapes[0] == shapes[1]
    assert published.row_counts(settings) == published.row_counts(original)


def test_instants_are_the_same_whatever_the_time_zone_of_a_reader(original):
    with duckdb.connect(str(original.snapshot_file), read_only=True) as connection:
        connection.execute("set TimeZone = 'Asia/Tokyo'")
        query = "select distinct completed_at from progress.lesson_completions"
        assert connection.execute(query).fetchall() == [(datetime(2025, 2, 1, 23, 30, 0, 1),)]


def test_every_reader_of_the_project_reads_it(original):
    state = status.status(original)
    assert (state["events"], state["engine"]) == (2, "spark")
    assert state["refresh_id"] == published.latest_refresh(original)["refresh_id"]
    assert report.answer(original, "completion").rows[0]["enrolled_learners"] == 3
    assert "Knots" in printed.page(original)
    opened = OpenSnapshot(original)
    query = "select lesson_id from progress.lesson_progress where learner_id = $learner_id"
    assert opened.rows(query, learner_id="ada") == [{"lesson_id": "bowline"}]
    assert snapshots.size(original.snapshot_file.resolve()) > sum(
        path.stat().st_size for path in original.published.rglob("part-*.parquet")
    )


@pytest.mark.slow
def test_the_snapshot_is_what_a_rebuild_from_raw_gives(home):
    assert reconcile(home).is_equal


def test_the_files_of_the_cluster_are_taken_as_they_are(original):
    folder = parts.folder_of(original.snapshot_file.resolve())
    table = folder / "progress" / "course_progress.parquet"
    built = Path(original.spark_folder) / "progress" / "course_progress"
    assert {path.stat().st_ino for path in table.iterdir()} == {
        path.stat().st_ino for path in built.glob("*.parquet")
    }
    assert {path.stat().st_mode & 0o777 for path in parts.files_in(folder)} == {0o444}


@pytest.mark.parametrize(
    "statement",
    [
        "from read_text('/etc/passwd')",
        "from read_csv('http://127.0.0.1:1/a.csv')",
        "copy (select 1) to '{folder}/new.parquet'",
        "copy (select 1) to '{part}'",
        "attach '{folder}/new.duckdb'",
        "set enable_external_access = true",
        "set allowed_paths = ['/etc/passwd']",
        "delete from marts.refreshes",
        "drop view progress.course_progress",
    ],
)
def test_a_reader_can_neither_write_nor_reach_other_files(original, statement):
    folder = parts.folder_of(original.snapshot_file.resolve())
    before = {path: path.read_bytes() for path in parts.files_in(folder)}
    part = str(next(iter(before))).replace("'", "''")
    query = statement.format(folder=str(folder).replace("'", "''"), part=part)
    with published.connect(original) as reader, pytest.raises(duckdb.Error):
        reader.execute(query)
    with pytest.raises(published.QueryFailed):
        published.run_query(query, original)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{part}' (use_tmp_file false)",
        "explain analyze copy (select 1) to '{part}' (use_tmp_file false)",
        "prepare p as copy (select 1) to '{part}' (use_tmp_file false); execute p",
        "select 1; copy (select 1) to '{part}' (use_tmp_file false)",
    ],
)
def test_a_query_overwrites_no_part(original, statement):
    part = parts.files_in(parts.folder_of(original.snapshot_file.resolve()))[0]
    before = part.read_bytes()
    with pytest.raises(published.QueryFailed, match="Only queries"):
        published.run_query(statement.format(part=parts.literal(str(part))[1:-1]), original)
    assert part.read_bytes() == before


@pytest.mark.slow
def test_a_reader_sees_its_whole_refresh_for_as_long_as_it_is_connected(home):
    first = home.snapshot_file.resolve()
    reader = published.connect(home)
    for day in (2, 3):
        land(home, "ada", ERASED, "cem", day=day)
        refresh(home, as_of=AS_OF)
    assert learners(home) == 3
    assert learners_of(reader) == 2
    assert parts.folder_of(first).exists()
    reader.close()
    del reader
    assert len(snapshots.drop_old_snapshots(home)) == 1
    assert [path.name for path in home.published.glob("learner_progress__*.parquet")] == [
        parts.folder_of(home.snapshot_file.resolve()).name
    ]
    assert learners(home) == 3


def test_a_reader_that_comes_as_its_snapshot_is_dropped_takes_the_next(home):
    old = home.snapshot_file.resolve()
    new = old.with_name("learner_progress__20990101T000000000000Z.duckdb")
    shutil.copytree(parts.folder_of(old), parts.folder_of(new))
    shutil.copy(old, new)
    with duckdb.connect(str(new)) as connection:
        parting.lead(connection, parts.folder_of(new))
    with ThreadPoolExecutor(1) as beside:
        with parts.unread(old) as is_unread:
            assert is_unread
            coming = beside.submit(learners, home)
            assert wait([coming], timeout=0.5).not_done
            home.snapshot_file.unlink()
            home.snapshot_file.symlink_to(new.name)
            parting.drop(old)
        assert coming.result() == 2


def test_dagster_is_told_of_rows_as_ever(home):
    made = built.tables(home, home.snapshot_file.resolve())
    rows = {f"{schema}.{name}": table.rows for (schema, name), table in made.items()}
    assert published.row_counts(home).items() <= rows.items()


def test_the_engine_duckdb_is_refused_in_a_sentence(tmp_path):
    settings = load_settings(home=tmp_path, snapshot="parquet", _env_file=None)
    with pytest.raises(InvalidSetting, match="LEARNER_PROGRESS_ENGINE=spark"):
        refresh(settings)
    assert not settings.warehouse_file.exists()


@pytest.mark.slow
def test_the_engine_and_the_place_can_be_changed_at_any_time(home):
    for change in ({"engine": "duckdb", "snapshot": "duckdb"}, {}):
        land(home, "ada", ERASED, "cem", day=4 + len(change))
        chosen = home.model_copy(update=change)
        refresh(chosen, as_of=AS_OF)
        assert learners(home) == 3
        assert parts.folder_of(home.snapshot_file.resolve()).exists() == (not change)
        assert len([*home.published.glob("learner_progress__*.duckdb")]) == 1


@pytest.mark.slow
def test_null_where_none_may_be_is_not_published(home, monkeypatch):
    before = home.snapshot_file.resolve()
    gather = gathering.gather

    def spoiled(settings, candidate, *, as_of):
        file = Path(settings.spark_folder) / "marts/course_completion/part-00000.snappy.parquet"
        rows = f"select * replace (null::bigint as total_lessons) from read_parquet('{file}')"
        spoilt = file.with_name("spoilt.parquet")
        duckdb.execute(f"copy ({rows}) to '{spoilt}' (format parquet)")
        file.unlink()
        gather(settings, candidate, as_of=as_of)

    monkeypatch.setattr(gathering, "gather", spoiled)
    with pytest.raises(parting.NullFound, match="total_lessons"):
        refresh(home, as_of=AS_OF)
    assert home.snapshot_file.resolve() == before
    assert learners(home) == 2
    assert [*home.published.glob(".candidate*")] == []


@pytest.mark.slow
def test_a_publication_that_was_cut_short_is_gone_on_with_or_cleared(home, monkeypatch):
    def cut_short(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "flush", cut_short)
        with pytest.raises(KeyboardInterrupt):
            refresh(home, as_of=AS_OF)
    assert learners(home) == 2
    candidate = snapshots.candidate_file(home)
    assert not parts.folder_of(candidate).exists()
    with duckdb.connect(str(candidate)) as connection:
        rows = connection.execute("select max(refresh_id) from marts.refreshes").fetchall()
    snapshots.publish(home, candidate, rows[0][0])
    assert learners(home) == 2
    orphan = home.published / "learner_progress__20250101T000000000000Z.parquet"
    orphan.mkdir()
    maintain(home)
    assert not orphan.exists()
    assert learners(home) == 2


def test_a_home_that_was_moved_says_so_and_maintain_mends_it(home, tmp_path):
    home.home.rename(tmp_path / "elsewhere")
    moved = home.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(parts.SnapshotMoved, match="learner-progress maintain"):
        published.connect(moved)
    maintain(moved)
    assert learners(moved) == 2
    shutil.rmtree(parts.folder_of(moved.snapshot_file.resolve()))
    with pytest.raises(parts.PartsGone, match="learner-progress refresh"):
        published.connect(moved)
    assert published.latest_refresh(moved) is None


def test_a_snapshot_without_its_folder_is_not_read_through_another_one(home, tmp_path):
    alone = shutil.copy(home.snapshot_file.resolve(), tmp_path / "learner_progress__alone.duckdb")
    with pytest.raises(parts.PartsGone, match=r"learner_progress__alone\.parquet isn't there"):
        published.attached(Path(alone))


def test_a_backup_is_restored_into_another_home(home, tmp_path):
    before = readers_tables(home)
    backup(home, tmp_path / "backups")
    other = home.model_copy(update={"home": tmp_path / "other"})
    other.home.mkdir()
    restore(other, tmp_path / "backups")
    shutil.rmtree(home.home)
    assert_same_tables(before, readers_tables(other))


@pytest.mark.slow
def test_an_erased_learner_is_in_no_part(home):
    settings = home.model_copy(update={"publish_parquet": True, "keep_snapshots": 3})
    land(settings, "ada", ERASED, "cem", day=7)
    refresh(settings, as_of=AS_OF)
    reader = published.connect(settings)
    held = places_that_hold(settings.home, ERASED)
    assert any("published/learner_progress__" in place for place in held)
    assert any("spark/warehouse/progress" in place for place in held)
    assert erase(settings, ERASED).removed["older snapshots"] == 2
    del reader
    assert places_that_hold(settings.home, ERASED) == []
    assert learners(settings) == 2
    assert len([*settings.published.glob("learner_progress__*")]) == 2


@pytest.mark.slow
def test_tools_that_read_parquet_find_the_newest_parts_where_switched_on(home):
    settings = home.model_copy(update={"publish_parquet": True})
    for day in (8, 9):
        refresh(settings, as_of=AS_OF)
        land(settings, "cem", day=day)
        table = pq.read_table(settings.published / "parquet/progress/course_progress.parquet")
        assert table.num_rows == learners(settings) + (day == 8)
    refreshes = pq.read_table(settings.published / "parquet/marts/refreshes.parquet")
    assert refreshes["published_at"].null_count == 0
    chosen = {"engine": "duckdb", "snapshot": "duckdb"}
    refresh(settings.model_copy(update=chosen), as_of=AS_OF)
    assert not (settings.published / "parquet").is_symlink()
    parquet.publish_parquet(settings)
    assert (settings.published / "parquet/marts/course_completion.parquet").is_file()
