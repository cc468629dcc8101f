"""Events that go straight into the raw room are those that the checked table would let in."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from story import event, json_lines

from orchestration.landing import checked, straight
from orchestration.landing.formats import chunks

IDS = st.sampled_from(["a", "b", "c", "d", "e", "f", "é", "", "body:x", " "])
LINES = st.builds(
    event,
    event_id=IDS,
    lesson_id=st.sampled_from(["one", "one", "one", "two", ""]),
    occurred_at=st.sampled_from(["2025-03-01T10:00:00Z"] * 4 + ["2025-03-01 11:00+01", "now"]),
)
FILES = st.lists(st.lists(LINES, min_size=1, max_size=12), min_size=1, max_size=3)
ROWS = "select * exclude recorded_at from raw.{} order by batch_id, line"
LAND_AND_TELL = """
import sys
from orchestration.landed import land
from orchestration.settings import load_settings
(landed,) = land(load_settings(home=sys.argv[1], _env_file=None)).files
print(landed.accepted, landed.duplicates, "pandas" in sys.modules)
"""
FOUND = "select columns(['lines', 'accepted', 'duplicates', 'rejected']) from raw.landed_files"


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=FILES, slot_bits=st.sampled_from([1, 20]), many=st.sampled_from([0.05, 1]))
def test_straight_or_not_the_same_lines_land(open_room, files, slot_bits, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checked, "GATHERED_ROWS", 3)
        patch.setattr(chunks, "CHUNK_ROWS", 3)
        patch.setattr(straight, "_FEW_SLOT_BITS", slot_bits)
        patch.setattr(straight, "MANY", many)
        found = landed(open_room(), files)
        patch.setattr(checked, "Straight", lambda *_: None)
        assert found == landed(open_room(), files)


def landed(room, files):
    """All that lands of files; their numbers keep equal contents apart."""
    for number, lines in enumerate(files):
        numbered = [{**line, "unknown": number} for line in lines]
        room.land_one(f"events/{number}.jsonl", json_lines(*numbered))
    return [room.rows(q) for q in (ROWS.format("events"), ROWS.format("rejected_lines"), FOUND)]


def test_only_what_may_be_a_repeat_or_is_rejected_waits_in_the_checked_table(room, monkeypatch):
    seen = []
    mark = straight.Straight.mark

    def counted(self, place):
        seen.append(room.rows("select line, reason from checked_events order by line"))
        mark(self, place)

    monkeypatch.setattr(straight.Straight, "mark", counted)
    room.land_one("events/a.jsonl", json_lines(event(), event(event_id="b"), event()))
    room.land_one("events/b.jsonl", json_lines(event(event_id="c"), event(event_type="seen")))
    assert seen == [[(3, None)], [(2, "unknown_event_type")]]


def test_plain_events_and_their_repeats_land_without_pandas_being_imported(tmp_path):
    inbox = tmp_path / "landing" / "events"
    inbox.mkdir(parents=True)
    (inbox / "a.jsonl").write_text(json_lines(event(), event(event_id="b"), event()))
    command = [sys.executable, "-c", LAND_AND_TELL, str(tmp_path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told == "2 1 False\n"
