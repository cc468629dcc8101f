"""The limit on rejected lines, and what the console script says of replays and erasures."""

import json
import sys

import pytest
from story import event, json_lines

from orchestration import cli, landed, published
from orchestration.landed import TooManyRejected
from orchestration.refresh import refresh
from orchestration.settings import InvalidSetting, load_settings
from orchestration.warehouse import open_warehouse


def deliver(settings, name, *rows):
    file = settings.landing / "events" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json_lines(*rows))


def mixed(bad, of):
    kinds = ["seen"] * bad + ["lesson_viewed"] * (of - bad)
    return [event(event_id=f"e{n}", event_type=kind) for n, kind in enumerate(kinds)]


def test_a_greater_share_of_rejected_lines_than_the_limit_warns(settings):
    deliver(settings, "a.jsonl", *mixed(1, 20))
    assert landed.land(settings).warnings == []
    deliver(settings, "b.jsonl", *mixed(2, 20))
    (warning,) = landed.land(settings).warnings
    assert "events/b.jsonl: 2 of 20 lines were rejected, more than 5.00%" in warning


def test_the_limit_is_a_setting(settings):
    lenient = load_settings(home=settings.home, rejected_limit=0.5, _env_file=None)
    deliver(settings, "a.jsonl", *mixed(2, 4))
    assert landed.land(lenient).warnings == []
    with pytest.raises(InvalidSetting, match="LEARNER_PROGRESS_REJECTED_LIMIT"):
        load_settings(home=settings.home, rejected_limit=5, _env_file=None)


def test_strict_publishes_nothing_and_what_landed_stays(settings):
    deliver(settings, "a.jsonl", *mixed(1, 2))
    with pytest.raises(TooManyRejected, match=r"events/a\.jsonl: 1 of 2"):
        refresh(settings, strict=True)
    assert published.latest_refresh(settings) is None
    with open_warehouse(settings) as connection:
        assert connection.execute("select count(*) from raw.events").fetchall() == [(1,)]


@pytest.fixture
def run(settings, monkeypatch, capsys):
    """Call the console script: exit code, standard output, standard error."""

    def call(*arguments):
        monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(settings.home))
        monkeypatch.setattr(sys, "argv", ["learner-progress", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code
        return code, *capsys.readouterr()

    return call


def test_strict_on_the_command_line_exits_with_one_and_a_sentence(settings, run):
    deliver(settings, "a.jsonl", *mixed(1, 2))
    code, _, err = run("refresh", "--strict")
    assert code == 1
    assert err.startswith("Error: Nothing was published, though what landed stays landed:")


def test_replay_tells_what_became_of_the_lines(settings, run, monkeypatch):
    deliver(settings, "a.jsonl", event(occurred_at="2999-01-01T00:00:00Z"))
    assert "no such rejected line" in run("replay")[1]
    run("land")
    file = json.loads(run("replay", "--json")[1])["files"][0]
    assert (file["file"], file["lines"], file["rejected"]) == ("replay", 1, 1)
    assert "no such rejected line" in run("replay", "--reason", "invalid_json")[1]
    monkeypatch.setenv("LEARNER_PROGRESS_MAX_FUTURE_MINUTES", "5256000")
    deliver(settings, "b.jsonl", event(event_id="e2", occurred_at="2028-01-01T00:00:00Z"))
    assert "replay" in run("replay")[1]


def test_erase_asks_first_and_tells_what_it_removed(settings, run, monkeypatch):
    deliver(settings, "a.jsonl", event(), event(event_id="e2", learner_id="bea"))
    run("land")
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    code, out, err = run("erase", "ada")
    assert (code, out) == (1, "")
    assert "Nothing was erased" in err
    code, out, _ = run("erase", "ada", "--yes", "--json")
    removed = json.loads(out)
    assert (code, removed["rows of raw.events"], removed["archived lines"]) == (0, 1, 1)
    assert "Nothing was found" in run("erase", "ada", "--yes")[1]
    assert run("erase", "", "--yes")[0] == 1
