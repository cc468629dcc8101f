"""The benchmark stays alive: at a tiny size, without looking at any time."""

import json
from pathlib import Path

import pytest

from bench import document, run
from bench.goals import goals
from bench.totals import differing
from orchestration.settings import PROJECT_ROOT


def cost(seconds: float, processor: float = 1.0) -> list[dict[str, float]]:
    """Three measurements around these."""
    shares = (0.5, 1.0, 4.0)
    return [{"seconds": seconds * n, "processor": processor * n, "peak": 1500.0} for n in shares]


RESULTS = {
    "machine": {
        "date": "2026-01-01",
        "processor": "p",
        "cores": 2,
        "memory_gb": 8,
        "system": "s",
        "versions": {"duckdb": "2"},
    },
    "full": {
        "1000": {"refresh": cost(30.0), "bare": cost(10.0)},
        "9000": {"refresh": cost(90.0), "bare": cost(50.0)},
    },
    "peers": {
        "9000": {"refresh": cost(90.0), "polars": cost(100.0)},
        "1000": {"refresh": cost(30.0), "polars": cost(10.0), "pandas": cost(40.0)},
    },
    "refreshes": {
        "10 on 1000": cost(5.0),
        "10 on 9000": cost(9.0),
        "100 on 1000": cost(10.0),
        "100 on 9000": cost(14.0),
    },
    "fixed": {"nothing new": cost(4.0)},
    "academy": {"new events": cost(5.0), "nothing new": cost(4.0), "--help": cost(0.2)},
    "bytes": {"9000": {"all": 40.0, "event_id": 16.0}},
}


def test_a_goal_holds_the_ratio_of_medians_to_its_limit():
    found = {goal.what: goal for goal in goals(RESULTS)}
    slow = found["full refresh against the bare script, 1,000 events"]
    assert (slow.measured, slow.is_met) == (3.0, False)
    fast = found["full refresh against the bare script, 9,000 events"]
    assert (fast.measured, fast.is_met) == (1.8, True)
    assert found["refresh of 100 new events on 9,000 against on 1,000"].measured == 1.4
    work = found["work of a refresh of 10, without the fixed cost, on 9,000 against 1,000"]
    assert work.measured == 5.0


def test_a_peer_is_held_against_in_the_largest_world_that_it_was_asked_for():
    measured = {goal.what: goal.measured for goal in goals(RESULTS) if " against p" in goal.what}
    assert measured == {
        "full refresh against polars, 9,000 events": 0.9,
        "full refresh against pandas, 1,000 events": 0.75,
    }


def test_the_document_says_of_every_goal_whether_it_is_met(tmp_path):
    page = document.write(RESULTS, tmp_path).read_text(encoding="utf-8")
    assert (
        "| full refresh against the bare script, 1,000 events | ≤ 2 × | 3 × | **missed** |" in page
    )
    assert "| full refresh against the bare script, 9,000 events | ≤ 2 × | 1.8 × | met |" in page
    for goal in goals(RESULTS):
        assert goal.what in page
    for plot in (tmp_path / "images").iterdir():
        assert f"images/{plot.name}" in page


def test_totals_that_differ_are_named():
    ours = {"views": "3", "medians": "2.5", "curve": "1.0"}
    assert differing(ours, {"views": "3", "medians": "2.5000001"}) == []
    assert differing(ours, {"views": "4", "medians": "2.5"}) == ["views: 3 and 4"]
    assert differing(ours, {"curve": "1.1"}) == ["curve: 1.0 and 1.1"]


def test_the_document_that_is_kept_names_every_plot_that_is_there():
    page = (PROJECT_ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    plots = sorted(path.name for path in (PROJECT_ROOT / "docs" / "images").glob("benchmark_*.svg"))
    assert plots
    assert [plot for plot in plots if f"images/{plot}" not in page] == []


@pytest.mark.slow
def test_a_tiny_benchmark_runs_through_and_finds_every_table_equal(tmp_path: Path):
    steps = ["land", "full", "reads", "refreshes", "reconcile"]
    sizes = ["--events", "1000", "--new", "50", "--rounds", "1", "--in-a-row", "1"]
    places = ["--folder", str(tmp_path / "bench"), "--out", str(tmp_path)]
    run.main([*sizes, *places, "--steps", *steps])
    results = json.loads((tmp_path / "bench" / "results.json").read_text(encoding="utf-8"))
    assert set(results) >= {"full", "refreshes", "growth", "reconcile", "reads", "bytes"}
    assert [refresh["lines"] for refresh in results["growth"]["1000"]] == [5, 50]
    assert (tmp_path / "benchmarks.md").exists()
