"""Dagster's sensors and checks: a failed run, its recovery, and freshness between refreshes."""

from datetime import timedelta

import dagster as dg
import duckdb
import pytest

from orchestration.alerts import targets
from orchestration.defs.alerts import alert_on_failure, alert_on_recovery
from orchestration.defs.freshness import freshness_checks, freshness_policy, freshness_sensor
from orchestration.freshness import CHECKS
from orchestration.models import ModelsFailed
from orchestration.settings import load_settings
from orchestration.warehouse import WarehouseUnreadable, utc_now
from tests.orchestration.alerts.conftest import publish

FAILED = ModelsFailed("1 of the models and tests failed: test nobody_is_called_ada (Got 1 result)")


@pytest.fixture
def configured(told, sink, monkeypatch):
    """The settings in the environment, as Dagster reads them."""
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(told.home))
    monkeypatch.setenv("LEARNER_PROGRESS_ALERT_WEBHOOK", sink.url)
    monkeypatch.setenv("LEARNER_PROGRESS_UI_URL", told.ui_url)
    return told


def run_job(instance, error=None, name="refresh", tags=None):
    """A run of a job that does nothing, or fails; then the sensor that hears of it."""

    @dg.op
    def step():
        if error:
            raise error

    @dg.job(name=name)
    def job():
        step()

    result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    run = instance.get_run_by_id(result.run_id)
    sensor = alert_on_failure if error else alert_on_recovery
    event = result.get_run_failure_event() if error else result.get_run_success_event()
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name, dagster_event=event, dagster_instance=instance, dagster_run=run
    )
    sensor(context.for_run_failure() if error else context)
    return run.run_id


def test_three_failed_runs_are_one_message_and_the_next_good_one_is_a_recovery(configured, sink):
    publish(configured)
    with dg.instance_for_test() as instance:
        run_job(instance)
        run_ids = [run_job(instance, FAILED) for _ in range(3)]
        assert sink.events == [("failure", "refresh")]
        run_job(instance)
        run_job(instance)
    assert sink.events == [("failure", "refresh"), ("recovery", "refresh")]
    failure, recovery = sink.bodies
    assert failure["failed"] == ["test nobody_is_called_ada"]
    assert failure["run_url"] == f"https://dagster.example.org/runs/{run_ids[0]}"
    assert "failed 3 times" in recovery["text"]


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (KeyError("ada"), "It stopped with KeyError."),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device."),
    ],
)
def test_a_run_tells_of_its_error_without_quoting_rows(configured, sink, error, what):
    with dg.instance_for_test() as instance:
        run_job(instance, error)
    assert sink.bodies[0]["what"] == what


def test_exhausted_retries_tell_of_the_fault_itself(configured, sink):
    retry = dg.RetryRequested(max_retries=0)
    retry.__cause__ = OSError(28, "No space left on device")
    with dg.instance_for_test() as instance:
        run_job(instance, retry)
    assert sink.bodies[0]["what"] == "[Errno 28] No space left on device."


def test_the_project_s_own_sentence_is_told_before_the_engine_s(configured, sink):
    sentence = "warehouse.duckdb can't be opened (x); close the program that has it open."
    own = WarehouseUnreadable(sentence)
    own.__cause__ = duckdb.IOException("IO Error: x")
    with dg.instance_for_test() as instance:
        run_job(instance, own)
    assert sink.bodies[0]["what"] == sentence


def test_a_job_that_somebody_started_is_watched_by_them(configured, sink):
    with dg.instance_for_test() as instance:
        run_job(instance, FAILED, name="other")
        assert sink.asked == 0
        run_job(instance, FAILED, name="other", tags={"dagster/schedule_name": "nightly"})
    assert sink.events == [("failure", "other")]


def test_a_receiver_that_is_not_there_harms_no_sensor(configured, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_ALERT_WEBHOOK", "http://127.0.0.1:9/x")
    with dg.instance_for_test() as instance:
        run_job(instance, FAILED)


def evaluate(instance, cursor=None):
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return freshness_sensor(context)


def test_what_goes_stale_between_refreshes_turns_red_and_is_told_once(configured, sink):
    publish(configured)
    with dg.instance_for_test() as instance:
        first = evaluate(instance)
        assert {event.check_name for event in first.asset_events} == set(CHECKS)
        assert all(event.passed for event in first.asset_events)
        assert isinstance(evaluate(instance, first.cursor), dg.SkipReason)
        publish(configured, utc_now() - timedelta(hours=27))
        second = evaluate(instance, first.cursor)
        (event,) = second.asset_events
        assert (event.check_name, event.passed) == ("snapshot_age", False)
        assert event.severity == dg.AssetCheckSeverity.WARN
        skipped = evaluate(instance, second.cursor)
        assert "27.0 hours ago" in skipped.skip_message
        publish(configured)
        third = evaluate(instance, second.cursor)
        assert [event.passed for event in third.asset_events] == [True]
    assert sink.events == [("stale", "snapshot_age"), ("fresh", "snapshot_age")]


def test_a_freshness_check_that_is_red_fails_no_run(configured, sink):
    publish(configured, utc_now() - timedelta(hours=27))

    @dg.asset(key=["published", "learner_progress"])
    def snapshot():
        pass

    with dg.instance_for_test() as instance:
        result = dg.materialize([snapshot, freshness_checks], instance=instance)
    passed = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert passed == {name: name != "snapshot_age" for name in CHECKS}
    assert result.success
    assert sink.asked == 0


def test_the_snapshot_has_the_policy_of_the_setting(monkeypatch):
    from orchestration.definitions import defs

    graph = defs.resolve_asset_graph()
    node = graph.get(dg.AssetKey(["published", "learner_progress"]))
    assert node.freshness_policy_or_from_metadata.fail_window.to_timedelta() == timedelta(hours=26)
    monkeypatch.setenv("LEARNER_PROGRESS_MAX_SNAPSHOT_AGE_HOURS", "")
    assert freshness_policy() is None


def test_the_sensors_are_on_where_somebody_is_to_be_told():
    on = dg.DefaultSensorStatus.RUNNING if targets(load_settings()) else None
    for sensor in (alert_on_failure, alert_on_recovery):
        assert sensor.default_status == (on or dg.DefaultSensorStatus.STOPPED)
    assert freshness_sensor.default_status == dg.DefaultSensorStatus.RUNNING
