"""What the benchmark measures, each for one world or for several in turn."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import duckdb

from bench.costs import Cost, cost_of
from bench.totals import differing, published_totals, totals
from bench.worlds import PROGRAM, World
from orchestration import report
from orchestration.published import connect
from orchestration.service.queries import LEARNER_COURSES, LEARNER_LESSONS
from orchestration.service.snapshot import newest_snapshot
from orchestration.settings import PROJECT_ROOT

PEERS = PROJECT_ROOT / "bench" / ".venv" / "bin" / "python"
BASELINES = PROJECT_ROOT / "bench" / "baselines"

Costs = dict[str, list[Cost]]


class TablesDiffer(Exception):
    """Two ways gave different tables; the message names the totals that differ."""


def full_refresh(world: World, **settings: object) -> Cost:
    """Every model built and tested anew from what landed, and published; the whole command."""
    return cost_of([PROGRAM, "refresh", "--full-refresh"], home=world.settings.home, **settings)


def bare_script(world: World) -> Cost:
    """The readers' tables from the same raw tables, by DuckDB alone."""
    out = world.folder / "bare.duckdb"
    module = "bench.baselines.bare_duckdb"
    cost = cost_of([sys.executable, "-m", module, world.settings.warehouse_file, out, as_of(world)])
    out.unlink()
    check(world, json.loads(cost.said.splitlines()[-1]), "the bare script")
    return cost


def peer(name: str) -> Callable[[World], Cost]:
    """The readers' main tables from the same lines by another tool, deduped by its script."""

    def measured(world: World) -> Cost:
        out = world.folder / f"{name}_out"
        cost = cost_of([PEERS, BASELINES / f"{name}_script.py", world.parquet, out, as_of(world)])
        with duckdb.connect() as connection:
            for file in out.iterdir():
                connection.execute(f"create view {file.stem} as from '{file}'")
            check(world, totals(connection), name)
        return cost

    return measured


def as_of(world: World) -> str:
    """The instant that the published snapshot speaks about, as text in UTC."""
    with connect(world.settings) as connection:
        row = connection.execute("select max_by(as_of, refresh_id) from marts.refreshes").fetchone()
    assert row is not None
    return str(row[0])


def check(world: World, made: dict[str, str], by: str) -> None:
    """Hold totals against those of the published snapshot.

    Raises:
        TablesDiffer: naming them.
    """
    published = published_totals(str(world.settings.snapshot_file.resolve()))
    if difference := differing(published, made):
        raise TablesDiffer(f"{by} differs from the snapshot: {'; '.join(difference)}")


def in_turn(ways: dict[str, Callable[[], Cost]], rounds: int) -> Costs:
    """Measure each way in turn, round by round, after a round to warm up if there are several."""
    costs: Costs = {name: [] for name in ways}
    for number in range(rounds + (rounds > 1)):
        for name, way in ways.items():
            cost = way()
            said = f"{cost.seconds:8.2f} s {cost.processor:8.2f} s cpu {cost.peak:7.0f} MB"
            print(f"{said}  {name}", flush=True)
            if number or rounds == 1:
                costs[name].append(cost)
    return costs


def bytes_an_event(world: World) -> dict[str, float]:
    """Bytes of disk an event in `raw.events`, in all and by column."""
    with duckdb.connect(str(world.settings.warehouse_file), read_only=True) as connection:
        (events,) = connection.execute("select count(*) from raw.events").fetchall()[0]
        sizes = connection.execute("""
            select column_name, count(distinct block_id) * 262144
            from pragma_storage_info('raw.events')
            where persistent and block_id >= 0
            group by column_name
            order by 2 desc
        """).fetchall()
        (blocks,) = connection.execute("""
            select count(distinct block_id) * 262144
            from (
                select block_id from pragma_storage_info('raw.events') where persistent
                union
                select unnest(additional_block_ids) from pragma_storage_info('raw.events')
            )
            where block_id >= 0
        """).fetchall()[0]
    return {"all": blocks / events} | {name: size / events for name, size in sizes}


def reads(world: World, rounds: int = 15) -> dict[str, float]:
    """Median milliseconds of readers' queries, each on a connection of its own, opened anew.

    The rows become Python's objects, one by one, where it isn't said otherwise. An application has
    the snapshot open.
    """
    with connect(world.settings) as connection:
        learner = _value(connection, "select median(learner_id) from progress.course_progress")
        largest = _value(connection, "select mode(course_id) from progress.course_progress")
        middle = _value(connection, _MIDDLE_COURSE)
    queries = {
        "one learner's progress": f"from progress.course_progress where learner_id = '{learner}'",
        "one learner's lessons": f"""
            from progress.lesson_progress where learner_id = '{learner}' and course_id = (
                select min(course_id) from progress.course_progress where learner_id = '{learner}')
        """,
        "one course's learners": f"from progress.course_progress where course_id = '{middle}'",
        "the largest course's learners": (
            f"from progress.course_progress where course_id = '{largest}'"
        ),
    }
    for question in report.QUESTIONS.values():
        shown = ", ".join(question.shown)
        query = f"select {shown} from marts.{question.mart} order by {question.order} limit 15"
        queries[question.mart] = query
    for mart in ("completion_curve", "enrollment_cohorts", "daily_activity"):
        queries[mart] = f"from marts.{mart} where course_id = '{largest}'"
    queries["refreshes"] = "from marts.refreshes"
    taken = {name: _milliseconds(world, query, rounds) for name, query in queries.items()}
    taken["the largest course's learners, as an Arrow table"] = _milliseconds(
        world, queries["the largest course's learners"], rounds, _arrow
    )
    return taken | _application_reads(world, learner, largest, rounds)


_MIDDLE_COURSE = """
with sizes as (select course_id, count(*) as learners from progress.course_progress group by all)
select course_id from sizes order by learners, course_id
limit 1 offset (select count(*) // 2 from sizes)
"""
"""Of the courses in the order of their size, the one in the middle."""


def _value(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    return str(connection.execute(query).fetchall()[0][0])


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    connection.execute(query).fetchall()


def _arrow(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    connection.sql(query).to_arrow_table()


def _application_reads(world: World, learner: str, course: str, rounds: int) -> dict[str, float]:
    newest = newest_snapshot(world.settings)
    newest().wait()
    taken = {}
    for name, query, parameters in (
        ("progress", LEARNER_COURSES, {"learner_id": learner}),
        ("lessons", LEARNER_LESSONS, {"learner_id": learner, "course_id": course}),
    ):
        read = partial(newest().rows, query, **parameters)
        taken[f"one learner's {name}, in an application"] = _median(read, rounds)
    return taken


def _milliseconds(
    world: World,
    query: str,
    rounds: int,
    fetch: Callable[[duckdb.DuckDBPyConnection, str], None] = _rows,
) -> float:
    settings = world.settings

    def read() -> None:
        with connect(settings) as connection:
            fetch(connection, query)

    return _median(read, rounds)


def _median(read: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        read()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
