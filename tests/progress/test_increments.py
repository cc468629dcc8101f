"""Refresh after refresh adds to what stands, and always gives what a full one gives.

Random worlds, many side by side, are landed delivery by delivery, while as_of moves on or back.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from itertools import accumulate, pairwise

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from orchestration.builds import Standing
from orchestration.settings import load_settings
from tests.independent import KEYS, Landed, compute, differences, read_table
from tests.independent.deliveries import Deliveries, merged, naive_landing, prefixed
from tests.independent.worlds import as_ofs, worlds
from tests.progress.compiled import add, built, compiled_increments, compiled_models
from tests.progress.test_laws import all_differences, room_of, rules_of

WORLDS = 6


@pytest.fixture(
    scope="module",
    params=[{}, {"timezone": "Europe/Vienna", "infer_enrollments": True, "grace_days": 3}],
    ids=["defaults", "other settings"],
)
def compiled(request, tmp_path_factory):
    settings = load_settings(home=tmp_path_factory.mktemp("adds"), _env_file=None, **request.param)
    return settings, compiled_models(settings), compiled_increments(settings)


@st.composite
def side_by_side(draw: st.DrawFn) -> Deliveries:
    """Many worlds in one, so that one refresh tries them all."""
    return merged([prefixed(draw(worlds()), f"world {n} ") for n in range(WORLDS)])


@dataclass(frozen=True)
class Step:
    """What has landed by a refresh in all, what of it is new, and the instant to speak of."""

    landed: Landed
    new: Landed
    as_of: datetime
    batch_id: int


def steps_of(deliveries: Deliveries, as_of: list[datetime], zone) -> list[Step]:
    """One refresh for each delivery, then one more for each instant that is left."""
    states = [naive_landing(part, zone) for part in accumulate([[d] for d in deliveries])]
    states += [states[-1]] * max(len(as_of) - len(states), 0)
    last = [max((row.batch_id for row in rows_of(landed)), default=0) for landed in states]
    return [
        Step(landed, later_than(landed, before), at, batch_id)
        for landed, before, at, batch_id in zip(
            states, [0, *last], as_of * len(states), last, strict=False
        )
    ]


def rows_of(landed: Landed) -> list:
    return [row for table in fields(landed) for row in getattr(landed, table.name)]


def later_than(landed: Landed, batch_id: int) -> Landed:
    return Landed(
        *(
            [row for row in getattr(landed, table.name) if row.batch_id > batch_id]
            for table in fields(landed)
        )
    )


@st.composite
def moving(draw: st.DrawFn) -> list[datetime]:
    """The as_of of each refresh: as often the last one as another, later or earlier."""
    instants = [draw(as_ofs())]
    for moved in draw(st.lists(st.none() | as_ofs(), min_size=1, max_size=4)):
        instants.append(moved or instants[-1])
    return instants


@given(deliveries=side_by_side(), as_of=moving())
@hypothesis.settings(max_examples=8, suppress_health_check=list(HealthCheck), deadline=None)
def test_after_every_refresh_that_adds_the_tables_are_those_of_a_full_one(
    compiled, deliveries, as_of
):
    settings, full, increments = compiled
    first, *later = steps_of(deliveries, as_of, settings.zone)
    with built(full, first.landed, first.as_of) as connection:
        for before, step in pairwise([first, *later]):
            earliest = min((event.occurred_at for event in step.new.events), default=None)
            standing = Standing(before.batch_id, before.as_of, earliest)
            add(connection, increments, step.new, step.as_of, standing)
            expected = compute(step.landed, step.as_of, rules_of(settings))
            assert all_differences(expected, connection) == []
        with built(full, step.landed, step.as_of) as anew:
            for table, key in KEYS.items():
                name = f"{room_of(table)}.{table}"
                assert differences(read_table(anew, name), read_table(connection, name), key) == []
