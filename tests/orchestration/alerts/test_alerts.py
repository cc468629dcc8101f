"""Who is told of what: once when something fails, once when it works again."""

import errno
import json
from datetime import datetime, timedelta

import pytest

from orchestration import alerts, published
from orchestration.alerts import delivery, memory
from orchestration.faults import Fault, fault_of
from orchestration.freshness import Finding
from orchestration.models import ModelsFailed
from orchestration.refresh import InvalidInstant
from orchestration.settings import InvalidSetting, load_settings
from orchestration.warehouse import WarehouseBusy, utc_now
from tests.orchestration.alerts.conftest import SECRET, publish

T0 = datetime(2025, 7, 1, 6, 0)
HOUR = timedelta(hours=1)
FAULT = Fault("test nobody_is_called_ada failed.", ("test nobody_is_called_ada",))


def test_a_failure_says_what_since_when_what_readers_see_and_where_to_look(told, sink):
    publish(told)
    newest = published.latest_refresh(told)
    assert alerts.failed(told, "refresh", FAULT, at=T0, run_id="abc") == []
    (body,) = sink.bodies
    assert body["text"].splitlines()[:3] == [
        "learner-progress: refresh fails since 2025-07-01 06:00 UTC:"
        " test nobody_is_called_ada failed.",
        f"Readers keep refresh R0000, as of {newest['as_of']:%Y-%m-%d %H:%M} UTC,"
        " published 0.1 hours ago.",
        "Run: https://dagster.example.org/runs/abc",
    ]
    assert body["text"].splitlines()[3].endswith(f":{told.home}")
    assert body["event"] == "failure"
    assert body["failed"] == ["test nobody_is_called_ada"]
    assert body["since"] == "2025-07-01T06:00:00Z"
    assert body["snapshot"]["refresh_id"] == "R0000"
    assert 300 < body["snapshot"]["age_seconds"] < 600
    assert body["run_url"] == "https://dagster.example.org/runs/abc"


def test_three_failures_in_a_row_are_one_message_and_one_recovery(told, sink):
    for hour in range(3):
        alerts.failed(told, "refresh", FAULT, at=T0 + hour * HOUR)
    assert sink.events == [("failure", "refresh")]
    for hour in range(3, 6):
        alerts.worked(told, "refresh", at=T0 + hour * HOUR)
    assert sink.events == [("failure", "refresh"), ("recovery", "refresh")]
    text = sink.bodies[1]["text"]
    assert "works again since 2025-07-01 09:00 UTC" in text
    assert "failed 3 times since 2025-07-01 06:00 UTC" in text
    assert "Readers have no snapshot yet." in text
    assert sink.bodies[1]["until"] == "2025-07-01T09:00:00Z"


def test_a_success_without_a_failure_before_it_is_silent(told, sink):
    alerts.worked(told, "refresh", at=T0)
    assert sink.asked == 0


def test_a_second_outage_is_told_again(told, sink):
    for hour in (0, 2):
        alerts.failed(told, "refresh", FAULT, at=T0 + hour * HOUR)
        alerts.worked(told, "refresh", at=T0 + (hour + 1) * HOUR)
    assert [event for event, _ in sink.events] == ["failure", "recovery"] * 2


def test_a_failure_heard_of_after_a_later_success_is_no_outage(told, sink):
    alerts.worked(told, "refresh", at=T0 + HOUR)
    alerts.failed(told, "refresh", FAULT, at=T0)
    assert sink.asked == 0


def test_a_success_heard_of_after_a_later_failure_ends_no_outage(told, sink):
    alerts.failed(told, "refresh", FAULT, at=T0 + HOUR)
    alerts.worked(told, "refresh", at=T0)
    assert sink.events == [("failure", "refresh")]


def test_each_job_has_outages_of_its_own(told, sink):
    alerts.failed(told, "refresh", FAULT, at=T0)
    alerts.failed(told, "reconcile", FAULT, at=T0)
    alerts.worked(told, "refresh", at=T0 + HOUR)
    assert sink.events[1:] == [("failure", "reconcile"), ("recovery", "refresh")]


def test_what_is_stale_is_told_once_and_so_is_that_it_is_fresh_again(told, sink):
    stale = Finding("snapshot_age", False, 30.0, 26, "The snapshot is 30 hours old.")
    fresh = Finding("snapshot_age", True, 0.1, 26, "The snapshot is 0.1 hours old.")
    for finding in (fresh, stale, stale, fresh, fresh):
        alerts.judged(told, [finding], at=T0)
    assert sink.events == [("stale", "snapshot_age"), ("fresh", "snapshot_age")]
    assert "30 hours old" in sink.bodies[0]["text"]
    assert sink.bodies[0]["limit"] == 26


def test_a_check_that_is_switched_off_is_no_outage_any_more(told, sink):
    stale = Finding("volume", False, 1, 20, "Few.")
    age = Finding("snapshot_age", True, 0.1, 26, "Young.")
    alerts.judged(told, [age, stale])
    alerts.judged(told, [age])
    assert list(json.loads((told.home / "alerts.json").read_text())["outages"]) == []


def test_without_a_target_nothing_is_done(settings):
    settings.home.mkdir()
    alerts.failed(settings, "refresh", FAULT, at=T0)
    assert list(settings.home.iterdir()) == []


def test_a_message_that_could_not_be_delivered_arrives_later_in_order(told, sink, monkeypatch):
    sink.statuses = [500] * 6
    problems = alerts.failed(told, "refresh", FAULT, at=T0)
    assert "answered 500" in problems[0]
    alerts.worked(told, "refresh", at=T0 + HOUR)
    assert sink.bodies == []
    alerts.judged(told, [])
    assert sink.asked == 6, "it waits before the next attempt"
    later = utc_now() + HOUR
    monkeypatch.setattr(memory, "utc_now", lambda: later)
    alerts.judged(told, [])
    assert [event for event, _ in sink.events] == ["failure", "recovery"]
    alerts.judged(told, [])
    assert len(sink.bodies) == 2


def test_a_message_is_given_up_after_days(told, sink, monkeypatch):
    sink.statuses = [500] * 3
    alerts.failed(told, "refresh", FAULT, at=T0)
    later = utc_now() + memory.KEPT_FOR
    monkeypatch.setattr(memory, "utc_now", lambda: later)
    alerts.judged(told, [])
    assert sink.asked == 3


def test_a_letter_that_another_process_is_sending_is_left_to_it(told, sink, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(memory, "deliver_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            alerts.failed(told, "refresh", FAULT, at=T0)
    alerts.judged(told, [])
    assert sink.bodies == []
    later = utc_now() + timedelta(minutes=5)
    monkeypatch.setattr(memory, "utc_now", lambda: later)
    alerts.judged(told, [])
    assert sink.events == [("failure", "refresh")]


def test_a_home_that_is_not_there_does_not_silence_the_alert(told, sink):
    told.home.rmdir()
    alerts.failed(told, "refresh", FAULT, at=T0)
    assert sink.events == [("failure", "refresh")]
    assert not told.home.exists()


def test_a_full_disk_does_not_silence_the_alert(told, sink, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    alerts.failed(told, "refresh", FAULT, at=T0)
    assert sink.events == [("failure", "refresh")]


def test_what_is_remembered_may_be_broken(told, sink):
    (told.home / "alerts.json").write_text('{"outages": {"refresh"')
    alerts.failed(told, "refresh", FAULT, at=T0)
    assert sink.events == [("failure", "refresh")]


def test_secrets_are_in_no_repr_memory_log_or_problem(told, sink, caplog):
    caplog.set_level("DEBUG")
    sink.statuses = [500] * 3
    problems = alerts.failed(told, "refresh", FAULT, at=T0)
    kept = (told.home / "alerts.json").read_text()
    assert len(problems) == 1
    for text in (repr(told), str(told), kept, caplog.text, *problems, json.dumps(problems)):
        assert SECRET not in text


def test_a_secret_that_is_no_address_is_not_shown():
    with pytest.raises(InvalidSetting, match="LEARNER_PROGRESS_ALERT_WEBHOOK") as error:
        load_settings(alert_webhook=SECRET, _env_file=None)
    assert SECRET not in str(error.value)
    assert SECRET not in str(error.value.__cause__)


def test_a_mail_server_without_anybody_to_write_to_is_refused():
    with pytest.raises(InvalidSetting, match="LEARNER_PROGRESS_ALERT_TO"):
        load_settings(alert_smtp_host="mail.example.org", _env_file=None)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ModelsFailed("1 of the models and tests failed: test a (Got 1 result)"), "test a failed."),
        (
            ModelsFailed("2 … failed: model b (Constraint Error: key ada); test a (Got 2)"),
            "model b, test a failed.",
        ),
        (OSError(errno.ENOSPC, "No space left", "/x"), "[Errno 28] No space left: '/x'."),
        (ValueError("ada did it"), "It stopped with ValueError."),
    ],
)
def test_a_message_names_what_failed_but_quotes_no_rows(error, what):
    assert fault_of(error).what == what


def test_a_watched_refresh_tells_of_failure_and_recovery(told, sink):
    problems: list[str] = []
    with pytest.raises(ModelsFailed), alerts.watched(told, problems):
        raise ModelsFailed("1 of the models and tests failed: test a (Got 1 result)")
    publish(told)
    with alerts.watched(told, problems):
        pass
    assert sink.events == [("failure", "refresh"), ("recovery", "refresh")]
    assert problems == []


@pytest.mark.parametrize("error", [WarehouseBusy("busy"), InvalidInstant("no"), KeyboardInterrupt])
def test_what_is_no_outage_is_not_told(told, sink, error):
    with pytest.raises(BaseException), alerts.watched(told, []):  # noqa: B017, PT011
        raise error
    assert sink.asked == 0


def test_a_fault_of_the_telling_never_reaches_the_refresh(told, monkeypatch):
    monkeypatch.setattr(memory, "deliver_all", lambda *_: 1 / 0)
    problems: list[str] = []
    with pytest.raises(ModelsFailed), alerts.watched(told, problems):
        raise ModelsFailed("1 of the models and tests failed: test a (Got 1 result)")
    assert problems == ["The alert could not be made: It stopped with ZeroDivisionError."]


def test_targets_are_those_that_are_set(told):
    assert delivery.targets(told) == ["webhook"]
    mail = {"alert_smtp_host": "mail.example.org", "alert_to": "ops@example.org"}
    assert delivery.targets(load_settings(**mail, _env_file=None)) == ["email"]
    assert delivery.targets(load_settings(_env_file=None)) == []
