"""The laws of the warehouse, on random small worlds.

Each world holds repeats, conflicts, late and out-of-order events, catalogue edits, enrollment
changes and deadlines. `pytest --hypothesis-profile=thorough` tries many more of them.
"""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given

from orchestration import published
from orchestration.refresh import land, refresh
from orchestration.settings import Settings, load_settings
from tests.conftest import assert_same_tables, readers_tables
from tests.independent import KEYS, Rules, compute, differences, read_table
from tests.independent.deliveries import merged, naive_landing, prefixed, write_files
from tests.independent.worlds import as_ofs, worlds
from tests.progress.compiled import built, compiled_models

PROGRESS = {"lesson_progress", "lesson_completions", "course_progress"}
AS_OF = datetime(2024, 4, 15, 12)


def room_of(table: str) -> str:
    return "progress" if table in PROGRESS else "marts"


def rules_of(settings: Settings) -> Rules:
    return Rules(
        timezone=settings.timezone,
        grace_days=settings.grace_days,
        min_cohort=settings.min_cohort,
        infer_enrollments=settings.infer_enrollments,
    )


def all_differences(expected, connection) -> list[str]:
    found = []
    for table, key in KEYS.items():
        want = expected[table].drop(columns=["recorded_at"], errors="ignore")
        have = read_table(connection, f"{room_of(table)}.{table}")
        have = have.drop(columns=["recorded_at"], errors="ignore")
        found += [f"{table}: {difference}" for difference in differences(want, have, key)]
    return found


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"timezone": "Europe/Vienna", "infer_enrollments": True, "grace_days": 3, "min_cohort": 2},
    ],
    ids=["defaults", "other settings"],
)
def compiled(request, tmp_path_factory):
    settings = load_settings(home=tmp_path_factory.mktemp("laws"), _env_file=None, **request.param)
    return settings, compiled_models(settings)


@given(deliveries=worlds(), as_of=as_ofs())
@hypothesis.settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_every_table_equals_the_independent_computation(compiled, deliveries, as_of):
    settings, sql = compiled
    landed = naive_landing(deliveries, settings.zone)
    expected = compute(landed, as_of, rules_of(settings))
    with built(sql, landed, as_of) as connection:
        assert all_differences(expected, connection) == []


@given(deliveries=worlds(), as_of=as_ofs())
@hypothesis.settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
def test_rates_lie_between_nothing_and_all_and_counts_nest(compiled, deliveries, as_of):
    settings, sql = compiled
    with built(sql, naive_landing(deliveries, settings.zone), as_of) as connection:
        for table in ("course_completion", "lesson_drop_off", "enrollment_cohorts"):
            frame = read_table(connection, f"marts.{table}")
            for column in frame.columns[frame.columns.str.endswith("_rate")]:
                assert frame[column].dropna().between(0, 1).all(), column
        counts = read_table(connection, "marts.course_completion")
        nested = ["completed", "started", "enrolled", "ever_enrolled"]
        for inner, outer in pairwise(nested):
            assert (counts[f"{inner}_learners"] <= counts[f"{outer}_learners"]).all()
        lessons = read_table(connection, "marts.lesson_drop_off")
        for _, course in lessons.sort_values(["position", "lesson_id"]).groupby("course_id"):
            assert course["reached_learners"].is_monotonic_decreasing
        curve = read_table(connection, "marts.completion_curve").sort_values("day")
        for _, course in curve.groupby("course_id"):
            assert course["completed_share"].is_monotonic_increasing


def drawn_worlds(count: int) -> list:
    """Many worlds side by side, so that one build checks them all."""
    drawn = []

    @given(world=worlds())
    @hypothesis.seed(20250701)
    @hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def draw(world):
        drawn.append(prefixed(world, f"world {len(drawn)} "))

    draw()
    return merged(drawn)


@pytest.fixture(scope="module")
def deliveries():
    return drawn_worlds(40)


@pytest.fixture(scope="module")
def delivered(deliveries, tmp_path_factory):
    """A home in which each delivery was refreshed in turn; the completions after each."""
    settings = load_settings(home=tmp_path_factory.mktemp("delivered"), _env_file=None)
    states = []
    for delivery in deliveries:
        write_files(delivery, settings.landing)
        refresh(settings, as_of=AS_OF)
        states.append(readers_tables(settings))
    return settings, states


def test_many_worlds_landed_and_refreshed_equal_the_independent_computation(deliveries, delivered):
    settings, _ = delivered
    expected = compute(naive_landing(deliveries, ZoneInfo("UTC")), AS_OF, rules_of(settings))
    with published.connect(settings) as connection:
        assert all_differences(expected, connection) == []


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("lesson_completions", ["learner_id", "course_id", "lesson_id"]),
        ("course_progress", ["learner_id", "course_id"]),
    ],
)
def test_no_refresh_moves_or_removes_a_completion(delivered, table, key):
    _, states = delivered
    for before, after in pairwise(states):
        old = before[table].dropna(subset=["completed_at"]).set_index(key)["completed_at"]
        new = after[table].set_index(key)["completed_at"]
        assert (new.reindex(old.index) == old).all()


def test_one_refresh_of_all_files_gives_the_same_tables(deliveries, delivered, tmp_path):
    _, states = delivered
    together = load_settings(home=tmp_path, _env_file=None)
    for delivery in deliveries:
        write_files(delivery, together.landing)
        land(together)
    refresh(together, as_of=AS_OF)
    assert_same_tables(states[-1], readers_tables(together))


def test_redelivery_and_a_full_refresh_change_nothing(deliveries, delivered):
    settings, states = delivered
    for delivery in deliveries:
        write_files([file for file in delivery if file[0] == "events"], settings.landing)
    refresh(settings, as_of=AS_OF, full_refresh=True)
    assert_same_tables(states[-1], readers_tables(settings))
