"""What is nearly an erased learner's, or lies where one doesn't look, is forgotten as well."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import landed, raw
from orchestration.erasing.erase import NoHome, erase
from orchestration.settings import load_settings
from tests.traces import places_that_hold

ERASED = "learner-7f3e"
OTHERS = ("bea", f"a.{ERASED} ")
IDS = [ERASED, f"{ERASED} ", f"\u2003{ERASED}", f"{ERASED}\t", f"{'x' * 250} {ERASED}", *OTHERS]


def event(number, learner):
    return {
        "event_id": f"e{number}",
        "event_type": "lesson_viewed",
        "learner_id": learner,
        "course_id": "knots",
        "lesson_id": "bowline",
        "occurred_at": "2025-02-01T12:00:00Z",
    }


@pytest.fixture
def settings(tmp_path):
    return load_settings(home=tmp_path / "home", _env_file=None)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_an_id_with_blanks_or_control_characters_around_it_is_the_learners(settings, ending):
    rows = [event(number, learner) for number, learner in enumerate(IDS)]
    file = settings.landing / "events" / f"a.{ending}"
    file.parent.mkdir(parents=True)
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    elif ending == "csv":
        lines = [rows[0].keys(), *(row.values() for row in rows)]
        file.write_text("".join(",".join(line) + "\n" for line in lines))
    else:
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    landed.land(settings)
    erase(settings, ERASED)
    assert places_that_hold(settings.home, ERASED, OTHERS) == []
    with raw.opened(settings) as connection:
        kept = connection.execute("select learner_id from raw.events order by line").fetchall()
        rejected = connection.execute("select count(*) from raw.rejected_lines").fetchall()
    assert kept == [("bea",)]
    assert rejected == [(1,)]


def test_a_page_saved_among_the_snapshots_goes(settings):
    file = settings.landing / "events" / "a.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(event(1, ERASED)))
    landed.land(settings)
    settings.published.mkdir()
    saved, other = settings.published / "june.html", settings.published / "may.html"
    saved.write_text(f"<td>{ERASED}</td>")
    other.write_text("<td>bea</td>")
    assert erase(settings, ERASED).removed["other files"] == 1
    assert (saved.exists(), other.exists()) == (False, True)


def test_in_a_folder_of_somebody_elses_nothing_is_erased(tmp_path):
    (tmp_path / "app.py").write_text(f"# asked for by {ERASED}")
    with pytest.raises(NoHome, match="holds no warehouse; nothing was erased"):
        erase(load_settings(home=tmp_path, _env_file=None), ERASED)
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]


def test_a_learner_can_be_erased_before_anything_has_landed(settings):
    assert erase(settings, ERASED).headline().startswith("Nothing was found under this id")
