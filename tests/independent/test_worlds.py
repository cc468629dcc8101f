"""Laws that random worlds keep, whatever computes the tables from them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
from hypothesis import given, settings

from . import KEYS, Rules, compute, differences
from .worlds import Deliveries, as_ofs, merged, naive_landing, prefixed, worlds

UTC = ZoneInfo("UTC")


def tables(deliveries: Deliveries, as_of: datetime) -> dict[str, pd.DataFrame]:
    return compute(naive_landing(deliveries, UTC), as_of, Rules(min_cohort=2))


@settings(max_examples=25, deadline=None)
@given(worlds(), worlds(), as_ofs())
def test_worlds_with_prefixes_share_a_build_and_keep_apart(
    one: Deliveries, other: Deliveries, as_of: datetime
) -> None:
    together = tables(merged([prefixed(one, "1-"), prefixed(other, "2-")]), as_of)
    for name, alone in tables(prefixed(other, "2-"), as_of).items():
        is_other = [course.startswith("2-") for course in together[name]["course_id"]]
        share = together[name].loc[pd.Series(is_other, dtype=bool)]
        # Batches are numbered through the whole build.
        figures = [column for column in alone.columns if column != "batch_id"]
        assert differences(alone[figures], share[figures], KEYS[name]) == []


@settings(max_examples=25, deadline=None)
@given(worlds(), as_ofs())
def test_events_delivered_again_change_nothing(world: Deliveries, as_of: datetime) -> None:
    files = [file for refresh in world for file in refresh if file[0] == "events"]
    again = [(source, f"again-{name}", rows[::-1]) for source, name, rows in files]
    once, twice = tables(world, as_of), tables([*world, again], as_of)
    assert all(differences(once[name], twice[name], KEYS[name]) == [] for name in KEYS)
