"""Lines written alike are read at once, and come out as the exact reader has them."""

import io
import json
import re
import unicodedata
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import csv_lines, event, json_lines

from orchestration.landing import checked
from orchestration.landing.formats import chunks, comma_separated, jsonl
from orchestration.landing.formats.chunks import Unreadable, as_texts, as_views
from orchestration.landing.formats.views import Block
from orchestration.landing.instants import FORM
from orchestration.landing.sources import SOURCES

PLAIN = st.sampled_from(
    ["", "a", " a", "a ", "{}", "a,b", "x" * 12, "y" * 13, "z" * 256, "a\u00a0"]
)
TEXTS = st.one_of(
    PLAIN,
    PLAIN,
    st.sampled_from(["é", "\x7f", "\\", "/", '"', "\t", "\n", "\u2028", "😀", "\ufeff", "a\r"]),
    st.text(max_size=15).filter(lambda text: not re.search("[\ud800-\udfff]", text)),
)
INTEGERS = st.sampled_from([0, 1, -7, 10**30, None])
NUMBERS = st.sampled_from([0, -0.0, 1, 1.5, 1e300, True, False, None])
OTHERS = st.sampled_from([[], [1], [1, 2], ["a"], {"a": "b"}, {"a": {"event_id": "x"}}, [[{}]]])
NESTED = st.fixed_dictionaries({"event_id": PLAIN, "course_id": INTEGERS})
KINDS = st.sampled_from([PLAIN, PLAIN, PLAIN, TEXTS, INTEGERS, NUMBERS, NESTED, OTHERS])
KEYS = ["event_id", "learner_id", "course_id", "note", "more", "é"]
FIELDS = st.sampled_from(
    ["", "a", " a", "b ", "é", "x" * 12, "y" * 13, "\x7f", "\0", "a\rb", "z" * 256]
)
LINE_ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r\r\n", b"\n\n", b" \n"])
HARM = st.sampled_from(
    [
        *(b'"', b"\\", b"{", b"}", b"[1]", b":", b",", b" ", b"\t", b"\r", b"\0", b"\x7f", b"\xff"),
        *(b"0", b"-", b"a", b"NaN", b"null", b'"event_id":1,', b',"a":"b"', b'","', b"\xc3\xa9"),
        b"\xed\xa0\x80",
    ]
)


@st.composite
def written_alike(draw):
    """Lines as an exporter writes them: the same keys in the same order, of the same kinds."""
    keys = draw(st.permutations(KEYS))[: draw(st.integers(1, 4))]
    row = st.fixed_dictionaries({key: draw(KINDS) for key in keys})
    style = {
        "ensure_ascii": draw(st.booleans()),
        "separators": draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " :\t")])),
    }
    return [json.dumps(one, **style).encode() for one in draw(st.lists(row, max_size=12))]


def harmed(data, lines):
    """Lines, most of them whole, the others with something put in or cut out anywhere."""
    for line in lines:
        what = data.draw(st.sampled_from([*["whole"] * 5, "put in", "put over", "cut out"]))
        place = data.draw(st.integers(0, len(line))) if what != "whole" else 0
        put_in = data.draw(HARM) if what.startswith("put") else b""
        cut = {"put over": len(put_in), "cut out": 1}.get(what, 0)
        yield line[:place] + put_in + line[place + cut :]


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


@pytest.mark.parametrize("fraction", ["", ".", ".1", ".123456", ".1234567"])
def test_an_instant_taken_for_usual_has_the_form_of_instants(fraction):
    usual = f"2025-03-01T10:00:00{fraction}Z"
    texts = [f"{usual[:11]}{hour:02}{usual[13:]}" for hour in range(100)]
    for place in range(len(usual)):
        texts += [usual[:place] + put + usual[place + 1 :] for put in "0123456789/:.-TZ +\0\x7f"]
    starts = np.arange(len(texts)) * len(usual)
    block = Block(1, "".join(texts).encode())
    is_usual = np.broadcast_to(block.are_usual(starts, starts + len(usual)), len(texts))
    taken = {text for text, is_so in zip(texts, is_usual, strict=True) if is_so}
    assert taken == {text for text in taken if re.fullmatch(FORM, text, re.ASCII)}


def test_the_usual_instants_are_taken_for_usual():
    for text in ("2025-03-01T10:00:00Z", "2025-12-31T23:59:59.999Z", "2025-03-01T00:00:00.123456Z"):
        starts = np.array([0])
        assert Block(1, text.encode()).are_usual(starts, starts + len(text)).all()


@pytest.fixture(scope="module")
def limits():
    """The limits that rule when lines are read at once, to be set anew in each example."""
    with pytest.MonkeyPatch.context() as patch:
        yield lambda **values: [
            patch.setattr(jsonl if name in vars(jsonl) else chunks, name, value)
            for name, value in values.items()
        ]


@settings(deadline=None, max_examples=300)
@given(
    files=st.lists(written_alike(), min_size=1, max_size=2),
    line_end=LINE_ENDS,
    end=st.sampled_from([b"", b"x", b'{"a":1}']),
    block=st.sampled_from([64, 1000, 1 << 20]),
    data=st.data(),
)
def test_json_lines_read_at_once_are_those_read_one_by_one(
    limits, files, line_end, end, block, data
):
    content = b"".join(line + line_end for lines in files for line in harmed(data, lines)) + end
    limits(SMALL_BLOCK_BYTES=1 << 30, BLOCK_BYTES=1 << 20)
    expected = rows_of(jsonl.read, content, "events")
    limits(SMALL_BLOCK_BYTES=0, FEW_LINES=1, MAX_ATTEMPTS=30, MAX_LAYOUTS=30, BLOCK_BYTES=block)
    assert rows_of(jsonl.read, content, "events") == expected


@settings(deadline=None, max_examples=300)
@given(
    header=st.permutations(["course_id", "title", "note"]),
    fields=st.lists(st.lists(FIELDS, min_size=3, max_size=3), max_size=25),
    line_end=LINE_ENDS,
    end=st.sampled_from([b"", b"\n", b",,\n", b"\r\n"]),
    block=st.sampled_from([16, 64, 1000]),
    data=st.data(),
)
def test_csv_read_at_once_is_csv_read_line_by_line(
    limits, header, fields, line_end, end, block, data
):
    lines = harmed(data, (",".join(row).encode() for row in fields))
    content = line_end.join([",".join(header).encode(), *lines]) + end
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


def test_long_lines_are_judged_before_there_are_many(room, monkeypatch):
    gathered = []
    concat_tables = checked.pa.concat_tables

    def concatenated(tables):
        gathered.append(sum(len(table) for table in tables))
        return concat_tables(tables)

    monkeypatch.setattr(chunks, "BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr(checked, "GATHERED_BYTES", 4 << 20)
    monkeypatch.setattr(checked.pa, "concat_tables", concatenated)
    lines = (event(event_id=f"e{number}", note="x" * (1 << 20)) for number in range(20))
    assert room.land_one("events/a.jsonl", json_lines(*lines)).accepted == 20
    assert sum(gathered) == 20
    assert max(gathered) <= 5
