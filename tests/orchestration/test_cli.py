"""The console script: what people and programs get from each command, and how it fails."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.academy import ACADEMY, STORY_ENDS_AT
from orchestration.cli import landing
from orchestration.refresh import refresh
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import writer_lock

COMMANDS = ["refresh", "land", "report", "status", "rejected", "replay", "erase", "sql"]
COMMANDS += ["generate", "demo", "snapshot", "reland", "reconcile"]
COMMANDS += ["health", "maintain", "backup", "restore"]


@pytest.fixture(scope="module")
def academy(tmp_path_factory):
    settings = load_settings(home=tmp_path_factory.mktemp("academy"), _env_file=None)
    refresh(settings, as_of=STORY_ENDS_AT, paths=[ACADEMY])
    return settings.home


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the console script in this process: exit code, standard output, standard error."""

    def call(home: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(home))
        monkeypatch.setattr(sys, "argv", ["learner-progress", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, tmp_path, command):
    code, out, _ = run(tmp_path, command, "--help")
    assert code == 0
    assert "--json" in out


def test_wrong_usage_exits_with_two(run, tmp_path):
    assert run(tmp_path, "report", "everything")[0] == 2
    assert run(tmp_path, "refresh", "--as-of", "yesterday")[0] == 2
    assert run(tmp_path, "refresh", "--as-of", "2025-07-01T00:00:00")[0] == 2
    assert run(tmp_path, "generate", "--learners", "0")[0] == 2


@pytest.mark.parametrize("command", [["report"], ["sql", "select 1"], ["report", "overdue"]])
def test_before_the_first_refresh_a_sentence_says_what_to_do(run, tmp_path, command):
    code, out, err = run(tmp_path, *command)
    assert code == 1
    assert out == ""
    assert "learner-progress refresh" in err
    assert "Traceback" not in err


def test_a_bad_setting_is_named_in_a_sentence(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNER_PROGRESS_TIMEZONE", "Middle-earth/Shire")
    code, _, err = run(tmp_path, "status")
    assert code == 1
    assert "LEARNER_PROGRESS_TIMEZONE" in err
    assert len(err.splitlines()) == 1


def test_an_empty_home_is_no_folder_rather_than_the_one_that_one_is_in(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("", "erase", "ada", "--yes")
    assert (code, err) == (
        1,
        "Error: LEARNER_PROGRESS_HOME is '': name a folder, or leave the setting out.\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_settings_that_are_not_utf_8_are_told_of_by_their_file(run, tmp_path, monkeypatch):
    file = tmp_path / ".env"
    file.write_text("LEARNER_PROGRESS_TIMEZONE=UTC # Büro", encoding="latin-1")
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    code, _, err = run(tmp_path / "home", "status")
    assert (code, err) == (1, f"Error: {file} is not UTF-8: save it as that.\n")


def test_a_damaged_snapshot_is_to_be_removed(run, tmp_path):
    assert run(tmp_path, "refresh")[0] == 0
    snapshot = load_settings(home=tmp_path, _env_file=None).snapshot_file.resolve()
    snapshot.write_bytes(b"x" * 5_000)
    for command in (["status"], ["refresh"], ["sql", "select 1"], ["report"]):
        code, _, err = run(tmp_path, *command)
        assert code == 1
        assert f"{snapshot} can't be read" in err
        assert "remove that file, and run `learner-progress refresh`" in err
    snapshot.unlink()
    assert run(tmp_path, "refresh")[0] == 0


def test_a_damaged_warehouse_asks_for_a_backup(run, tmp_path):
    (tmp_path / "warehouse.duckdb").write_bytes(b"x" * 5_000)
    code, _, err = run(tmp_path, "refresh")
    assert code == 1
    assert "warehouse.duckdb can't be opened" in err
    assert "the file is damaged: restore a backup." in err


@pytest.mark.parametrize("content", ["", "{bad", "[]"])
def test_a_damaged_note_beside_the_snapshot_is_written_anew_by_the_next_refresh(
    run, settings, deliver, content
):
    deliver("courses", "1.jsonl", [{"course_id": "knots", "title": "Knots"}])
    assert run(settings.home, "refresh")[0] == 0
    notes = [settings.published / name for name in ("gaps.json", "landed.json")]
    before = [note.read_text() for note in notes]
    for note in notes:
        note.write_text(content)
    assert run(settings.home, "status")[0] == 0
    deliver("courses", "empty.jsonl", [])
    assert run(settings.home, "refresh")[0] == 0
    assert [note.read_text() for note in notes] == before


def test_a_home_that_cannot_be_written_is_named_in_a_sentence(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(tmp_path / "file" / "home", "refresh")
    assert code == 1
    assert str(tmp_path / "file") in err


def test_a_busy_warehouse_is_left_at_once_where_asked(run, tmp_path):
    with writer_lock(load_settings(home=tmp_path, _env_file=None)):
        program = "import sys; from orchestration.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", program, "refresh", "--no-wait"],
            capture_output=True,
            text=True,
            check=False,
            env={"LEARNER_PROGRESS_HOME": str(tmp_path), "PATH": ""},
        )
    assert done.returncode == 1
    assert "is being written by process" in done.stderr


def test_the_program_leaves_at_once_and_all_that_it_printed_arrives(tmp_path):
    program = tmp_path / "learner-progress"
    program.write_text(
        "import atexit\n"
        "from orchestration.cli.group import leave_at_once\n"
        "atexit.register(print, 'cleared up')\n"
        "print('printed')\n"
        "leave_at_once()\n"
        "print('stayed')\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert (done.stdout, done.stderr) == ("printed\ncleared up\n", "")


@pytest.mark.parametrize("question", ["completion", "drop-off", "time-to-complete", "overdue"])
def test_a_report_is_the_same_rows_in_every_format(run, academy, question):
    rows = json.loads(run(academy, "report", question, "--json")[1])
    assert rows
    text = run(academy, "report", question, "--format", "csv")[1]
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(lines) == len(rows)
    assert list(lines[0]) == list(rows[0])
    table = run(academy, "report", question)[1]
    assert str(rows[0]["course_id"]) in table


def test_a_report_can_be_about_one_course_and_short(run, academy):
    rows = json.loads(
        run(academy, "report", "drop-off", "--course", "bread", "--limit", "2", "--json")[1]
    )
    assert [row["drop_off_rank"] for row in rows] == [1, 2]
    assert {row["course_id"] for row in rows} == {"bread"}


def test_all_answers_as_json_are_one_object(run, academy):
    answers = json.loads(run(academy, "report", "--format", "json", "--limit", "1")[1])
    assert list(answers) == ["completion", "drop-off", "time-to-complete", "overdue"]


def test_instants_in_json_are_utc_with_z(run, academy):
    row = json.loads(run(academy, "report", "overdue", "--limit", "1", "--json")[1])[0]
    assert row["due_at"].endswith("Z")


def test_status_says_what_makes_reports_empty(run, academy):
    state = json.loads(run(academy, "status", "--json")[1])
    assert state["events"] == 29_085
    assert state["new_duplicates"] == 939
    assert state["new_rejected_lines"] == 17
    assert state["unknown_courses"] == 1
    assert state["unknown_lessons"] == 4
    assert state["learners_without_enrollment"] == 16
    assert state["inbox_files"] == 0
    assert "Events of unknown courses" in run(academy, "report")[2]
    assert "To do" in run(academy, "status")[1]


def test_rejected_lines_come_with_file_line_and_reason(run, academy):
    rows = json.loads(run(academy, "rejected", "--json")[1])
    assert len(rows) == 17
    assert list(rows[0]) == ["source", "file", "line", "reason", "detail", "text"]
    some = json.loads(run(academy, "rejected", "--reason", "event_id_conflict", "--json")[1])
    assert {row["reason"] for row in some} == {"event_id_conflict"}
    assert "event_id_conflict" in run(academy, "rejected")[1]


def test_a_table_of_rejected_lines_is_no_longer_than_a_person_reads(run, tmp_path, monkeypatch):
    monkeypatch.setattr(landing, "FIRST_LINES", 3)
    file = tmp_path / "events" / "bad.jsonl"
    file.parent.mkdir()
    file.write_text("?\n" * 5 + "[]\n" * 4)
    run(tmp_path, "land", str(file))
    assert "and 6 more" in run(tmp_path, "rejected")[1]
    assert "and 1 more" in run(tmp_path, "rejected", "--reason", "not_an_object")[1]
    assert "more" not in run(tmp_path, "rejected", "--limit", "9")[1]
    assert len(run(tmp_path, "rejected", "--format", "csv")[1].splitlines()) == 10


def test_a_reason_that_no_line_has_is_not_taken_for_no_rejected_line(run, academy):
    _, out, _ = run(academy, "rejected", "--reason", "nonsense")
    assert out.startswith("No rejected line has the reason nonsense; there are ")
    assert "invalid_instant" in out


def test_a_warning_is_one_line_whatever_a_file_is_called(run, tmp_path):
    inbox = tmp_path / "landing" / "events"
    inbox.mkdir(parents=True)
    (inbox / "a\nb\x1b[31m.jsonl").write_text("bad\n")
    (warning,) = run(tmp_path, "land")[2].splitlines()
    assert warning.startswith("Warning: events/a\\nb\\x1b[31m.jsonl: 1 of 1 lines")


def test_sql_reads_the_snapshot_and_nothing_else(run, academy):
    rows = json.loads(run(academy, "sql", "select count(*) as n from marts.refreshes", "--json")[1])
    assert rows == [{"n": 1}]
    for query in ("select * from read_csv('/etc/passwd')", "drop table marts.refreshes", "selec"):
        code, _, err = run(academy, "sql", query)
        assert code == 1
        assert "Traceback" not in err


def test_land_prints_the_account_of_every_file(run, academy, tmp_path):
    result = json.loads(run(tmp_path, "land", str(ACADEMY / "courses"), "--json")[1])
    file = result["files"][0]
    assert {"source", "file", "batch_id", "status", "reason"} <= file.keys()
    assert result["totals"]["lines"] == sum(
        result["totals"][part] for part in ("accepted", "duplicates", "rejected", "ignored")
    )
    again = json.loads(run(tmp_path, "land", str(ACADEMY / "courses"), "--json")[1])
    assert {file["status"] for file in again["files"]} == {"already_landed"}


def test_generated_files_can_be_landed(run, tmp_path):
    out = tmp_path / "world"
    arguments = ["--learners", "20", "--courses", "2", "--events", "500", "--out", str(out)]
    made = json.loads(run(tmp_path / "home", "generate", *arguments, "--json")[1])
    assert made["rows"]["events"] == 500
    landed = json.loads(run(tmp_path / "home", "land", str(out), "--json")[1])
    assert landed["totals"]["rejected"] == 0
    assert landed["totals"]["lines"] == sum(made["rows"].values())


def test_the_demo_leaves_a_home_with_other_data_alone(run, tmp_path):
    inbox = tmp_path / "landing" / "courses"
    inbox.mkdir(parents=True)
    (inbox / "own.jsonl").write_text('{"course_id": "knots", "title": "Knots"}\n')
    run(tmp_path, "land")
    code, _, err = run(tmp_path, "demo")
    assert code == 1
    assert "LEARNER_PROGRESS_HOME" in err
