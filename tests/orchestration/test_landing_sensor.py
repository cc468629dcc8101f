"""The landing sensor: a refresh soon after files arrived and rest, and never two for the same."""

import os

import dagster as dg
import pytest

from orchestration.defs import landing_sensor
from orchestration.settings import load_settings


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(tmp_path))
    monkeypatch.setenv("LEARNER_PROGRESS_LANDING_REST_SECONDS", "30")
    folder = load_settings().landing / "courses"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def look(instance):
    """Let the sensor look at a second; the run keys that it asks for, and what else it says."""
    cursors = [None]

    def at(second: float, *, forgetful: bool = False) -> tuple[list[str], str]:
        cursor = None if forgetful else cursors[-1]
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        result = landing_sensor.decide(context, second)
        cursors.append(result.cursor)
        keys = [request.run_key for request in result.run_requests or ()]
        return keys, result.skip_reason.skip_message if result.skip_reason else ""

    return at


def test_files_that_rest_start_one_refresh(inbox, look):
    assert look(0) == ([], "Nothing waits in the inbox.")
    (inbox / "a.jsonl").write_text("{}")
    assert look(100)[0] == []
    assert "at rest for 20 of 30 seconds" in look(120)[1]
    assert len(look(130)[0]) == 1
    assert look(140)[0] == []


def test_a_file_that_grows_is_waited_for(inbox, look):
    (inbox / "a.jsonl").write_text("{}")
    look(100)
    (inbox / "a.jsonl").write_text("{}\n{}")
    assert look(130)[0] == []
    assert len(look(160)[0]) == 1


def test_files_that_stay_start_no_other_refresh_but_new_ones_do(inbox, look):
    (inbox / "stays.jsonl").write_text("{}")
    look(100)
    assert len(look(130)[0]) == 1
    for second in range(200, 2_000, 100):
        keys, reason = look(second)
        assert keys == []
        assert "had their refresh" in reason
    (inbox / "new.jsonl").write_text("{}")
    look(2_000)
    assert len(look(2_030)[0]) == 1
    (inbox / "new.jsonl").unlink()
    assert look(2_100)[0] == []
    assert look(2_200)[0] == []


def test_the_same_waiting_files_have_the_same_run_key_also_for_a_sensor_that_forgot(inbox, look):
    (inbox / "a.jsonl").write_text("{}")
    look(100)
    first = look(130)[0]
    look(200, forgetful=True)
    assert look(230)[0] == first


def test_the_same_name_with_other_content_is_another_file(inbox, look):
    (inbox / "a.jsonl").write_text("{}")
    look(100)
    first = look(130)[0]
    (inbox / "a.jsonl").unlink()
    look(140)
    (inbox / "a.jsonl").write_text("[]")
    os.utime(inbox / "a.jsonl", ns=(1, 1))
    look(150)
    second = look(180)[0]
    assert len(second) == 1
    assert second != first


def test_what_a_landing_leaves_alone_starts_nothing(inbox, look):
    for name in ("readme.txt", "a.jsonl.part", "_b.jsonl", ".c.jsonl"):
        (inbox / name).write_text("{}")
    look(100)
    assert look(1_000) == ([], "Nothing waits in the inbox.")


def test_while_a_refresh_is_under_way_new_files_wait_for_its_end(inbox, look, instance):
    run = instance.create_run_for_job(_refresh_job(), status=dg.DagsterRunStatus.STARTED)
    (inbox / "a.jsonl").write_text("{}")
    look(100)
    keys, reason = look(200)
    assert keys == []
    assert "under way" in reason
    instance.report_run_canceled(run)
    assert len(look(210)[0]) == 1


def _refresh_job() -> dg.JobDefinition:
    @dg.job(name="refresh")
    def job() -> None: ...

    return job


def test_a_clock_that_was_set_back_delays_by_no_more_than_the_rest(inbox, look):
    (inbox / "a.jsonl").write_text("{}")
    look(1_000_000)
    assert look(100)[0] == []
    assert len(look(130)[0]) == 1


@pytest.mark.parametrize(("seconds", "status"), [("30", "RUNNING"), ("", "STOPPED")])
def test_the_sensor_is_on_by_default_where_the_setting_is_given(monkeypatch, seconds, status):
    monkeypatch.setenv("LEARNER_PROGRESS_LANDING_REST_SECONDS", seconds)
    assert landing_sensor.default_status(load_settings()).value == status
