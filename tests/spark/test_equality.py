"""What the cluster builds is what DuckDB builds, row for row, whatever happens to a worker."""

import os
import signal
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import academy, parts, published, synthetic
from orchestration.erasing import erase
from orchestration.models import ModelsFailed
from orchestration.refresh import refresh
from orchestration.settings import Settings, load_settings
from orchestration.spark import cluster as clusters
from orchestration.spark.processes import processes
from tests.conftest import assert_same_tables, readers_tables

pytestmark = pytest.mark.slow

AS_OF = datetime(2026, 1, 1)
SHAPE = """
select schema_name, table_name, column_name, data_type, is_nullable, comment
from duckdb_columns() where database_name = 'learner_progress' and not internal
union all
select schema_name, table_name, '', '', true, comment
from duckdb_tables() where database_name = 'learner_progress'
union all
select schema_name, table_name, constraint_type, constraint_column_names::text, true, ''
from duckdb_constraints() where database_name = 'learner_progress'
order by all
"""
TYPES = """
select schema_name, table_name, column_name, data_type, comment
from duckdb_columns() where database_name = 'learner_progress' and not internal
order by schema_name, table_name, column_index
"""


@dataclass(frozen=True)
class Homes:
    """Two homes into which the same files land."""

    duckdb: Settings
    spark: Settings

    def refresh(self, *paths: Path, progress=None, full_refresh=False) -> None:
        """Refresh both, and see that they publish the same."""
        refresh(self.duckdb, as_of=AS_OF, paths=paths)
        result = refresh(
            self.spark, as_of=AS_OF, paths=paths, progress=progress, full_refresh=full_refresh
        )
        assert result.refresh.engine == "spark"
        assert_same_tables(readers_tables(self.duckdb), readers_tables(self.spark))


@pytest.fixture
def homes(cluster: Settings, tmp_path: Path) -> Homes:
    prefix = f"{tmp_path.name.lower().replace('-', '_')}_"
    return Homes(
        load_settings(home=tmp_path / "duckdb", _env_file=None),
        load_settings(
            home=tmp_path / "spark",
            engine="spark",
            spark_port=cluster.spark_port,
            spark_prefix=prefix,
            spark_warehouse=f"file://{tmp_path}/shared",
            _env_file=None,
        ),
    )


def shared_by(settings: Settings) -> Path:
    return Path(settings.spark_folder.removeprefix("file://"))


def shape(settings: Settings) -> list[tuple[object, ...]]:
    with published.connect(settings) as connection:
        return connection.execute(SHAPE).fetchall()


def types(settings: Settings) -> list[tuple[object, ...]]:
    """What readers see of columns where views stand for tables: all but that none may be NULL."""
    with published.connect(settings) as connection:
        return connection.execute(TYPES).fetchall()


def learners_in(folder: Path) -> set[str]:
    files = [str(path) for path in folder.rglob("*.parquet")]
    with_learners = [
        file
        for file in files
        if "learner_id"
        in duckdb.execute("select name from parquet_schema(?)", [file]).df()["name"].tolist()
    ]
    assert with_learners
    query = "select distinct learner_id from read_parquet($files, union_by_name = true)"
    return {learner for (learner,) in duckdb.execute(query, {"files": with_learners}).fetchall()}


def days_of_activity(settings: Settings) -> dict[str, set[str]]:
    """The files of each partition of the one table to which a refresh on the cluster adds."""
    folder = shared_by(settings) / "marts" / "activity_days"
    return {
        day.name: {file.name for file in day.glob("*.parquet")}
        for day in folder.glob("activity_date=*")
    }


def test_the_academy_is_the_same_and_an_erased_learner_is_gone_from_the_cluster(homes, tmp_path):
    homes.refresh(academy.ACADEMY)
    assert shape(homes.spark) == shape(homes.duckdb)
    learner = "lina.c-005"
    shared = shared_by(homes.spark)
    other = homes.spark.model_copy(update={"home": tmp_path / "other", "spark_warehouse": ""})
    with pytest.raises(ModelsFailed, match="SPARK_PREFIX"):
        refresh(other, as_of=AS_OF)
    assert learner in learners_in(shared)
    # What is published next is of Parquet, copied from the shared folder, as from a store.
    in_parts = homes.spark.model_copy(update={"snapshot": "parquet"})
    for home in (homes.duckdb, in_parts):
        assert erase.erase(home, learner).removed
    assert learner not in learners_in(shared)
    assert learner not in learners_in(in_parts.published)
    assert_same_tables(readers_tables(homes.duckdb), readers_tables(in_parts))
    assert types(in_parts) == types(homes.duckdb)
    assert types(in_parts) != []


def test_two_million_events_in_three_batches_are_the_same_though_a_worker_is_killed(
    homes, cluster, tmp_path
):
    # Published as Parquet, so that readers have the files that the next build there replaces.
    place = {
        "snapshot": "parquet",
        "keep_snapshots": 1,
        "spark_warehouse": str(shared_by(homes.spark)),
    }
    homes = replace(homes, spark=homes.spark.model_copy(update=place))
    world = tmp_path / "world"
    synthetic.generate(learners=40_000, courses=40, events=2_000_000, seed=7, out=world, files=3)
    first, second, third = sorted((world / "events").iterdir())
    catalogue = [world / source for source in ("courses", "lessons", "enrollments", "deadlines")]
    homes.refresh(*catalogue, first)
    tasks = clusters.tasks_by_worker(cluster)
    assert len(tasks) == 2
    assert min(tasks.values()) > 0
    before = days_of_activity(homes.spark)
    first_seen = readers_tables(homes.spark)["lesson_progress"]
    reader = published.connect(homes.spark)
    held = parts.folder_of(homes.spark.snapshot_file.resolve())
    assert any(path.stat().st_nlink == 2 for path in parts.files_in(held))

    def kill(name: str, done: int, total: int) -> None:
        if name == "learner_lessons" and "worker_2" in processes(cluster):
            os.kill(processes(cluster)["worker_2"], signal.SIGKILL)

    homes.refresh(second, progress=kill)
    assert "worker_2" not in processes(cluster)
    after = days_of_activity(homes.spark)
    assert {"stands", "renewed"} == {
        "stands" if after[day] == files else "renewed" for day, files in before.items()
    }
    homes.refresh(third, full_refresh=True)
    ((rows,),) = reader.execute("select count(*) from progress.lesson_progress").fetchall()
    assert rows == len(first_seen)
    assert {path.stat().st_nlink for path in parts.files_in(held)} == {1}
