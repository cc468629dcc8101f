"""What is fresh: by the snapshot's age, what landed, what happened, rejected lines and volume."""

import json
from datetime import datetime, timedelta

import pytest

from orchestration import freshness, status
from orchestration.freshness import findings
from orchestration.settings import load_settings
from tests.orchestration.alerts.conftest import publish

NOW = datetime(2025, 7, 3, 12)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def judged(settings, check, now=NOW):
    (finding,) = [one for one in findings(settings, now=now) if one.check == check]
    return finding


def test_without_a_snapshot_there_is_one_finding_which_is_not_well(settings):
    (finding,) = findings(settings)
    assert (finding.check, finding.ok, finding.value) == ("snapshot_age", False, None)
    assert "learner-progress refresh" in finding.message


@pytest.mark.parametrize(("hours", "ok"), [(1, True), (26, True), (26.1, False), (500, False)])
def test_a_snapshot_may_be_so_old(settings, hours, ok):
    publish(settings, NOW - hours * HOUR)
    finding = judged(settings, "snapshot_age")
    assert (finding.ok, finding.value, finding.limit) == (ok, hours, 26)
    assert f"{hours:.1f} hours ago" in finding.message
    assert ("LEARNER_PROGRESS_MAX_SNAPSHOT_AGE_HOURS" in finding.message) == (not ok)


def test_an_event_may_lie_a_little_ahead_of_the_clock(settings):
    publish(settings, NOW - HOUR, last_event_at=NOW + HOUR / 2)
    finding = judged(settings, "event_gap")
    assert finding.ok
    assert finding.message == "The latest event happened 0.5 hours ahead of the clock."


def test_events_must_land_though_refreshes_go_on(settings):
    landed = [(NOW - 80 * HOUR, 7), (NOW - 75 * HOUR, 3), (NOW - 2 * HOUR, 0)]
    publish(settings, NOW - HOUR, landed=landed)
    finding = judged(settings, "landing_gap")
    assert (finding.ok, finding.value) == (False, 75)
    assert judged(settings, "snapshot_age").ok


def test_where_no_event_ever_landed_waiting_began_with_the_first_refresh(settings):
    publish(settings, NOW - HOUR, landed=[(NOW - 73 * HOUR, 0), (NOW - HOUR, 0)])
    finding = judged(settings, "landing_gap")
    assert (finding.ok, finding.value) == (False, 73)


@pytest.mark.parametrize(("hours", "ok"), [(71, True), (73, False)])
def test_landed_events_must_be_young_too(settings, hours, ok):
    publish(settings, NOW - HOUR, last_event_at=NOW - hours * HOUR)
    assert judged(settings, "event_gap").ok == ok
    assert judged(settings, "landing_gap").ok


WEEKS = [(NOW - DAY - week * WEEK, 100 + week) for week in range(1, 6)]


@pytest.mark.parametrize(
    ("events", "ok"), [(100, True), (35, True), (34, False), (307, True), (308, False), (0, False)]
)
def test_yesterday_is_held_to_the_median_of_its_weekday(settings, events, ok):
    publish(settings, NOW - HOUR, landed=[*WEEKS, (NOW - DAY, events)])
    finding = judged(settings, "volume")
    assert (finding.ok, finding.value) == (ok, events)
    if not ok:
        assert "usual on that weekday are 102: outside 34 to 308" in finding.message


def test_one_odd_week_does_not_move_what_is_usual(settings):
    odd = [(at, 9_000_000 if number == 0 else n) for number, (at, n) in enumerate(WEEKS)]
    publish(settings, NOW - HOUR, landed=[*odd, (NOW - DAY, 100)])
    assert judged(settings, "volume").ok


def test_other_days_and_several_refreshes_of_a_day_are_reckoned_rightly(settings):
    others = [(NOW - DAY - week * WEEK - 2 * DAY, 5_000) for week in range(5)]
    halves = [(NOW - DAY, 50), (NOW - DAY + HOUR, 50), (NOW, 7)]
    publish(settings, NOW + HOUR, landed=[*WEEKS, *others, *halves])
    finding = judged(settings, "volume")
    assert (finding.ok, finding.value) == (True, 100)


@pytest.mark.parametrize(
    "weeks",
    [WEEKS[:3], [(at, 19) for at, _ in WEEKS], []],
    ids=["too_few_weeks", "too_few_events", "no_history"],
)
def test_with_too_little_before_the_volume_is_not_judged(settings, weeks):
    publish(settings, NOW - HOUR, landed=[*weeks, (NOW - DAY, 1)])
    assert judged(settings, "volume").ok
    assert "too little came before" in judged(settings, "volume").message


def test_days_are_those_of_the_reporting_time_zone(settings):
    landed = [(at.replace(hour=23), events) for at, events in WEEKS]
    landed += [((NOW - DAY).replace(hour=23), 1), ((NOW - 2 * DAY).replace(hour=23), 100)]
    vienna = load_settings(home=settings.home, timezone="Europe/Vienna", _env_file=None)
    publish(settings, NOW - HOUR, landed=landed)
    assert not judged(settings, "volume").ok
    assert judged(vienna, "volume").value == 100


@pytest.mark.parametrize("check", ["snapshot_age", "landing_gap", "event_gap"])
def test_an_empty_limit_switches_a_check_off(settings, monkeypatch, check):
    monkeypatch.setenv(f"LEARNER_PROGRESS_MAX_{check.upper()}_HOURS", "")
    monkeypatch.setenv("LEARNER_PROGRESS_VOLUME_FACTOR", "")
    publish(settings, NOW - 900 * HOUR)
    off = load_settings(home=settings.home, _env_file=None)
    kinds = {finding.check for finding in findings(off, now=NOW)}
    assert kinds == freshness.CHECKS.keys() - {check, "volume"}


def test_the_last_landing_with_files_counts_for_rejected_lines(settings, deliver):
    from orchestration.landed import land
    from orchestration.ledger import record
    from orchestration.warehouse import open_warehouse, utc_now

    publish(settings, NOW - HOUR)
    assert judged(settings, "rejected_share").value is None
    files = (["{"] * 1 + ["ok"] * 3, [], ["ok"] * 3)
    shares = []
    for number, lines in enumerate(files):
        if lines:
            rows = [
                {"course_id": f"c{number}{place}", "title": "A" if line == "ok" else ""}
                for place, line in enumerate(lines)
            ]
            deliver("courses", f"{number}.jsonl", rows)
            deliver("courses", f"{number}_good.jsonl", [{"course_id": f"g{number}", "title": "A"}])
        land(settings)
        with open_warehouse(settings) as connection:
            record(
                connection,
                settings,
                refresh_id=f"R{number}",
                as_of=utc_now(),
                started_at=utc_now(),
                engine="duckdb",
            )
            freshness.save_landed(connection, settings)
        shares.append(judged(settings, "rejected_share"))
    assert [(one.ok, one.value) for one in shares] == [(False, 0.25), (False, 0.25), (True, 0)]
    assert "1 of 4 lines of a file were rejected (courses), more than 5.00%" in shares[0].message
    assert "REJECTED_LIMIT" in shares[0].message


def test_status_has_a_line_a_finding_and_opens_no_warehouse(settings):
    publish(settings)
    state = status.status(settings)
    assert [set(one) for one in state["freshness"]] == [
        {"check", "ok", "value", "limit", "message"}
    ] * 5
    assert json.dumps(state["freshness"])
    lines = status.as_lines(state)
    assert any(line.startswith("Fresh         The snapshot was published 0.1 h") for line in lines)
    assert not settings.warehouse_file.exists()
    publish(settings, datetime(2025, 1, 1))
    lines = status.as_lines(status.status(settings))
    assert any(line.startswith("Not fresh     The snapshot was") for line in lines)
