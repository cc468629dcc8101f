"""Lines written alike are read at once, and come out as the exact reader has them."""

import io
import json
import re
import unicodedata
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import csv_lines, event, json_lines

from orchestration.landing.formats import chunks, comma_separated, jsonl
from orchestration.landing.formats.chunks import Unreadable, as_texts, as_views
from orchestration.landing.sources import SOURCES

TEXTS = st.one_of(
    st.sampled_from(["", " a", "a ", "a" * 255, "a" * 256, "é", "\x7f", "a,b", "x" * 12, "y" * 13]),
    st.sampled_from(["}", '","', "\\", "/", '"', "\t", "\n", "\u2028", "null", "😀", "\ufeff"]),
    st.text(max_size=15).filter(lambda text: not re.search("[\ud800-\udfff]", text)),
)
NUMBERS = st.sampled_from([0, -0.0, 1, -7, 10**30, 1.5, 1e300, True, False, None])
OTHERS = st.sampled_from([[], [1, 2], ["a", "b"], {"a": "b"}, {"a": {"event_id": "x"}}, [[{}]]])
ROWS = st.fixed_dictionaries(
    {"learner_id": st.one_of(TEXTS, NUMBERS), "course_id": TEXTS, "note": TEXTS},
    optional={"event_id": st.one_of(TEXTS, NUMBERS), "more": st.one_of(TEXTS, NUMBERS, OTHERS)},
)
WRITTEN = st.builds(
    lambda row, ascii_only, separators: json.dumps(
        row, ensure_ascii=ascii_only, separators=separators
    ).encode(),
    ROWS,
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" , ", " :\t")]),
)
HARM = st.sampled_from(
    [*b'"\\{}[],: \t\r\0\x7f\xff0', b"NaN", b"01", b"-0", b"null", b'"a":1,', b"\xed\xa0\x80"]
).map(lambda harm: harm if isinstance(harm, bytes) else bytes([harm]))


@st.composite
def harmed(draw, lines):
    """A line, most often whole, else with something put in or cut out anywhere."""
    line = draw(lines)
    place = draw(st.integers(0, len(line)))
    what = draw(st.sampled_from(["whole", "whole", "put in", "cut out"]))
    if what == "put in":
        return line[:place] + draw(HARM) + line[place:]
    return line[:place] + line[place + 1 :] if what == "cut out" else line


LINE_ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r\r\n", b"\n\n", b" \n"])
ENDS = st.sampled_from([b"", b"x", b'{"a":1}'])


def rows_of(read, content, source):
    """What a reader makes of a file, or why it can't be read."""
    try:
        tables = list(read(io.BytesIO(content), SOURCES[source], None))
    except Unreadable as cause:
        return str(cause)
    for table in tables:
        as_views(table, SOURCES[source]).validate(full=True)
        assert not [row for row in as_views(table, SOURCES[source]).to_pylist() if lies(row)]
    return [row for table in tables for row in as_texts(table, SOURCES[source]).to_pylist()]


def lies(row):
    """Whether a row is said to be plain, and has an id that isn't surely sound."""
    ids = [row[name] or "x" for name in row if name.endswith("_id")]
    sound = all(
        len(text) <= 255
        and text == text.strip()
        and not any(unicodedata.category(char)[0] in "CZ" and char != " " for char in text)
        for text in ids
    )
    return row["is_plain"] and not sound


@pytest.fixture(scope="module")
def limits():
    """The limits that rule when lines are read at once, to be set anew in each example."""
    with pytest.MonkeyPatch.context() as patch:
        yield lambda **values: [
            patch.setattr(jsonl if name in vars(jsonl) else chunks, name, value)
            for name, value in values.items()
        ]


@settings(deadline=None, max_examples=400)
@given(
    lines=st.lists(st.tuples(harmed(WRITTEN), LINE_ENDS), max_size=25),
    alike=harmed(st.just(json_lines(event(note="a", n=1)).encode().rstrip())),
    times=st.integers(0, 5),
    end=ENDS,
    block=st.sampled_from([64, 1000, 1 << 20]),
)
def test_json_lines_read_at_once_are_those_read_one_by_one(limits, lines, alike, times, end, block):
    content = b"".join(part for line in lines for part in line) + times * (alike + b"\n") + end
    limits(SMALL_BLOCK_BYTES=1 << 30, BLOCK_BYTES=1 << 20)
    expected = rows_of(jsonl.read, content, "events")
    limits(SMALL_BLOCK_BYTES=0, FEW_LINES=1, MAX_ATTEMPTS=30, MAX_LAYOUTS=30, BLOCK_BYTES=block)
    assert rows_of(jsonl.read, content, "events") == expected


@settings(deadline=None, max_examples=400)
@given(
    header=st.permutations(["course_id", "title", "note"]),
    fields=st.lists(st.lists(TEXTS, min_size=2, max_size=4), max_size=25),
    line_end=LINE_ENDS,
    harm=st.sampled_from([b"", b"", b'"', b"\xff", b"\r", b"\n", b" "]),
    block=st.sampled_from([32, 300, 1 << 20]),
)
def test_csv_read_at_once_is_csv_read_line_by_line(limits, header, fields, line_end, harm, block):
    lines = [",".join(row).encode() for row in [header, *fields]]
    content = line_end.join([*lines[:5], lines[-1] + harm, *lines[5:]])
    limits(BLOCK_BYTES=1 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comma_separated, "plain_fields", lambda *_: None)
        expected = rows_of(comma_separated.read, content, "courses")
    limits(BLOCK_BYTES=block)
    assert rows_of(comma_separated.read, content, "courses") == expected


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_large_file_lands_as_its_lines_do(room, ending):
    wrong = [
        {"learner_id": " ada"},
        {"learner_id": "a\x01"},
        {"learner_id": "a\x7f"},
        {"lesson_id": "x" * 256},
        {"course_id": ""},
        {"occurred_at": "2025-02-30T10:00:00Z"},
        {"event_id": "body:1"},
    ]
    number = count()
    good = lambda: event(event_id=f"good {next(number)}", learner_id="ada")  # noqa: E731
    rows = [row for columns in wrong for row in [*(good() for _ in range(500)), event(**columns)]]
    written = json_lines(*rows) if ending == "jsonl" else csv_lines(*rows)
    landed = room.land_one(f"events/a.{ending}", written)
    assert (landed.lines, landed.accepted, landed.rejected) == (3507, 3500, 7)
    first = 501 if ending == "jsonl" else 502
    assert room.reasons() == [
        (first, "id_with_outer_blanks"),
        (first + 501, "id_with_control_characters"),
        (first + 1002, "id_with_control_characters"),
        (first + 1503, "id_too_long"),
        (first + 2004, "missing_value"),
        (first + 2505, "invalid_instant"),
        (first + 3006, "reserved_event_id"),
    ]
    texts = room.rows("select text from raw.rejected_lines order by line")
    assert texts == [(written.splitlines()[line - 1].encode(),) for line, _ in room.reasons()]
