"""What cron gets: `refresh --alert` and `status --alert`."""

import sys
from datetime import timedelta

import pytest

from orchestration import cli, refresh
from orchestration.models import ModelsFailed
from orchestration.warehouse import utc_now
from tests.orchestration.alerts.conftest import SECRET, publish


@pytest.fixture
def run(told, sink, monkeypatch, capsys):
    """Call the console script in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(told.home))
    monkeypatch.setenv("LEARNER_PROGRESS_ALERT_WEBHOOK", sink.url)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["learner-progress", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def failing(monkeypatch):
    def fail(*_, **__):
        raise ModelsFailed("1 of the models and tests failed: test a (Got 1 result)")

    monkeypatch.setattr(refresh, "refresh", fail)


@pytest.mark.usefixtures("failing")
def test_a_failing_refresh_tells_once_where_asked_and_exits_with_one(run, sink):
    assert run("refresh")[0] == 1
    assert sink.asked == 0
    for _ in range(2):
        code, _, err = run("refresh", "--alert")
        assert code == 1
        assert err == "Error: 1 of the models and tests failed: test a (Got 1 result)\n"
    assert sink.events == [("failure", "refresh")]


@pytest.mark.usefixtures("failing")
def test_a_receiver_that_refuses_is_a_warning_beside_the_error(run, sink):
    sink.statuses = [500] * 3
    code, _, err = run("refresh", "--alert")
    assert code == 1
    warning, error = err.splitlines()
    assert warning.startswith("Warning: The webhook at 127.0.0.1 didn't take the message")
    assert error.startswith("Error: 1 of the models")
    assert SECRET not in err


@pytest.mark.usefixtures("failing")
def test_without_anybody_to_tell_the_flag_says_so(run, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_ALERT_WEBHOOK", "")
    _, _, err = run("refresh", "--alert")
    assert err.startswith("Warning: Nobody is told: set LEARNER_PROGRESS_ALERT_WEBHOOK")


def test_status_tells_of_what_is_stale_where_asked(run, sink, told):
    publish(told, utc_now() - timedelta(hours=27))
    run("status")
    assert sink.asked == 0
    for _ in range(2):
        code, out, _ = run("status", "--alert")
        assert code == 0
        assert "Not fresh     The snapshot was published 27.0 hours ago" in out
    assert sink.events == [("stale", "snapshot_age")]
