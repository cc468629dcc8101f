"""An outage from end to end: a dbt test fails in Dagster, people are told, and it is mended."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import published
from orchestration.models import DBT_PROJECT

TRUTH = "every_event_is_a_view_or_a_completion_of_its_learner"
CORRUPT = """
insert into raw.events
select * replace ('e2' as event_id, 'lesson_burnt' as event_type, hash('e2') as event_key)
from raw.events
"""
ROWS = {
    "courses": {"course_id": "knots", "title": "Knots"},
    "events": {
        "event_id": "e1",
        "event_type": "lesson_viewed",
        "learner_id": "ada",
        "course_id": "knots",
        "lesson_id": "bowline",
        "occurred_at": "2025-02-01T12:00:00Z",
    },
}


class Ticks:
    """The daemon's part: each sensor is evaluated with the cursor that it left."""

    def __init__(self, instance, sensors):
        self.instance, self.cursors = instance, dict.fromkeys(sensors)
        self.tick()

    def tick(self):
        for sensor, cursor in self.cursors.items():
            context = dg.build_sensor_context(instance=self.instance, cursor=cursor)
            self.cursors[sensor] = sensor.evaluate_tick(context).cursor or cursor


@pytest.mark.slow
def test_a_failing_dbt_test_is_told_once_and_readers_keep_the_snapshot(
    told, sink, deliver, monkeypatch
):
    dbt = str(Path(sys.executable).parent / "dbt")
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    subprocess.run([dbt, "parse", "--quiet", *folders], check=True)
    from orchestration.definitions import defs

    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(told.home))
    monkeypatch.setenv("LEARNER_PROGRESS_ALERT_WEBHOOK", sink.url)
    for source, row in ROWS.items():
        deliver(source, f"{source}.jsonl", [row])

    with dg.instance_for_test() as instance:

        def run():
            result = defs.resolve_job_def("refresh").execute_in_process(
                instance=instance, raise_on_error=False
            )
            daemon.tick()
            return result

        alert_sensors = [sensor for sensor in defs.sensors if sensor.name.startswith("alert_on")]
        daemon = Ticks(instance, alert_sensors)
        assert run().success
        assert sink.asked == 0
        newest = published.latest_refresh(told)

        with duckdb.connect(str(told.warehouse_file)) as connection:
            connection.execute(CORRUPT)
        failures = [run(), run()]
        assert not any(result.success for result in failures)
        assert published.latest_refresh(told) == newest
        for result in failures:
            names = [event.event_type_value for event in result.all_events]
            assert "STEP_UP_FOR_RETRY" not in names
            red = {one.check_name for one in result.get_asset_check_evaluations() if not one.passed}
            assert TRUTH in red
        (failure,) = sink.bodies
        assert failure["event"] == "failure"
        assert f"test {TRUTH}" in failure["failed"]
        assert TRUTH in failure["text"]
        assert failure["snapshot"]["refresh_id"] == newest["refresh_id"]
        assert failure["run_id"] == failures[0].run_id

        with duckdb.connect(str(told.warehouse_file)) as connection:
            connection.execute("delete from raw.events where event_id = 'e2'")
        assert run().success
    assert sink.events == [("failure", "refresh"), ("recovery", "refresh")]
    recovery = sink.bodies[1]
    assert "failed 2 times" in recovery["text"]
    assert recovery["snapshot"]["refresh_id"] > newest["refresh_id"]
    assert json.loads((told.home / "alerts.json").read_text())["outages"] == {}
