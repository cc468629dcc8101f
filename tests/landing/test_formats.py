"""How files are written: every wire format, packed and plain, sound and broken."""

import gzip
import io
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from story import csv_lines, event, json_lines

from orchestration.landing import formats, rejected_lines
from orchestration.landing.formats import chunks

GOOD = json_lines(event())
HEADER = "event_id,event_type,learner_id,course_id,lesson_id,occurred_at\n"
YEAR_10000 = 253_402_300_800
ROW = "e{0},lesson_viewed,ada,algebra,sets,2025-03-01T10:00:00Z\n"


def parquet(**columns):
    sound = {name: pa.array([value]) for name, value in event().items()}
    file = io.BytesIO()
    pq.write_table(pa.table({**sound, **columns}), file)
    return file.getvalue()


PLAIN = {
    "jsonl": json_lines(event(), event(event_id="e2")).encode(),
    "ndjson": json_lines(event(), event(event_id="e2")).encode(),
    "csv": csv_lines(event(), event(event_id="e2")).encode(),
}
PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


@pytest.mark.parametrize("ending", PLAIN)
@pytest.mark.parametrize("packing", PACKED)
def test_every_format_lands_packed_and_plain(room, ending, packing):
    landed = room.land_one(f"events/a.{ending}{packing}", PACKED[packing](PLAIN[ending]))
    assert (landed.status, landed.accepted) == ("landed", 2)


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_packed_parts_one_after_the_other_are_one_file(room, packing):
    pack = PACKED[packing]
    parts = pack(json_lines(event()).encode()) + pack(json_lines(event(event_id="e2")).encode())
    assert room.land_one(f"events/a.jsonl{packing}", parts).accepted == 2


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize(
    "harm", [lambda b: b[:-5], lambda b: b + b"junk", lambda b: b"", bytes.lower]
)
def test_a_damaged_packed_file_is_set_aside_whole(room, packing, harm):
    damaged = harm(PACKED[packing](GOOD.encode()))
    landed = room.land_one(f"events/a.jsonl{packing}", damaged)
    assert (landed.status, landed.batch_id) == ("set_aside", None)
    assert room.rows("select count(*) from raw.events") == [(0,)]


BROKEN_JSON = [
    ("invalid_json", b'{"event_id": "e1"'),
    ("invalid_json", b'{"a": 1}{"b": 2}'),
    ("invalid_json", b'{"a": 1, "a": 1}'),
    ("invalid_json", b'{"deep": {"a": 1, "\\u0061": 1}}'),
    ("invalid_json", b'{"a": NaN}'),
    ("invalid_json", b'{"a": -Infinity}'),
    ("invalid_json", b'{"a": 01}'),
    ("invalid_json", b'{"a": "\x01"}'),
    ("invalid_json", b"\x00"),
    ("invalid_json", b"[" * 100_000),
    ("invalid_json", b"e1,lesson_viewed"),
    ("not_an_object", b'["e1"]'),
    ("not_an_object", b"7"),
    ("invalid_utf8", b'{"event_id": "\xff"}'),
]


def test_a_broken_json_line_is_kept_verbatim_and_stops_nothing(room):
    lines = [GOOD.encode()]
    for number, (_, line) in enumerate(BROKEN_JSON):
        lines += [line + b"\r\n", json_lines(event(event_id=f"good {number}")).encode()]
    landed = room.land_one("events/a.jsonl", b"".join(lines))
    assert (landed.accepted, landed.rejected) == (len(BROKEN_JSON) + 1, len(BROKEN_JSON))
    assert room.reasons() == [(2 * n + 2, reason) for n, (reason, _) in enumerate(BROKEN_JSON)]
    texts = room.rows("select text from raw.rejected_lines order by line")
    assert texts == [(line,) for _, line in BROKEN_JSON]


def test_rejected_bytes_are_shown_with_a_replacement_character(room):
    room.land_one("events/a.jsonl", GOOD.encode() + b"\xff\n")
    assert rejected_lines(room.connection)[0]["text"] == "\ufffd"


def test_blank_lines_are_no_lines_but_are_numbered(room):
    landed = room.land_one("events/a.jsonl", "\ufeff\n  \n" + GOOD.replace("\n", "\r\n") + "\t\nx")
    assert (landed.lines, landed.accepted) == (2, 1)
    assert room.reasons() == [(5, "invalid_json")]


def test_an_empty_json_file_lands_without_lines(room):
    landed = room.land_one("events/a.jsonl", "")
    assert (landed.status, landed.lines, landed.batch_id) == ("landed", 0, 1)


def test_a_huge_integer_setting_of_python_is_not_touched(room):
    room.land_one("events/a.jsonl", json_lines(event(unknown=1)).replace("1}", "1" * 9999 + "}"))
    assert room.rows("select count(*) from raw.events") == [(1,)]
    assert sys.get_int_max_str_digits() == 4300


def test_a_ten_megabyte_line_lands_and_one_over_sixteen_is_rejected_whole(room):
    ten, seventeen = ("x" * (size << 20) for size in (10, 17))
    lines = json_lines(
        event(unknown=ten), event(event_id="e2", unknown=seventeen), event(event_id="e3")
    )
    landed = room.land_one("events/a.jsonl", lines)
    assert (landed.accepted, landed.rejected) == (2, 1)
    assert room.reasons() == [(2, "line_too_long")]
    assert room.rows("select octet_length(text) > 17000000 from raw.rejected_lines") == [(True,)]


def test_a_line_too_long_to_keep_sets_the_file_aside(room, monkeypatch):
    monkeypatch.setattr(chunks, "MAX_KEPT_BYTES", 1000)
    assert room.land_one("events/a.jsonl", GOOD + "x" * 1001).status == "set_aside"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_file_that_is_not_utf8_from_its_first_line_is_set_aside(room, encoding, ending):
    text = "é" + (GOOD if ending == "jsonl" else HEADER + ROW)
    landed = room.land_one(f"events/a.{ending}", text.encode(encoding))
    assert (landed.status, "UTF-8" in landed.reason) == ("set_aside", True)


def test_csv_columns_come_in_any_order_beside_unknown_ones(room):
    text = 'title,note,course_id\n"Sets, ""and"" more\r\nof them",x,algebra\r\n'
    room.land_one("courses/a.csv", text)
    assert room.rows("select course_id, title, line from raw.courses") == [
        ("algebra", 'Sets, "and" more\r\nof them', 2)
    ]


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("wrong_number_of_fields", "c2"),
        ("wrong_number_of_fields", "c2,T,"),
        ("wrong_number_of_fields", '"c2","T","x"'),
        ("invalid_csv", 'c2,T"x'),
        ("invalid_csv", 'c2,"T"x'),
        ("invalid_csv", 'c2, "T"'),
        ("invalid_csv", 'c2,=HYPERLINK("x")'),
        ("invalid_csv", 'c2,"never closed'),
        ("invalid_csv", '"'),
    ],
)
def test_a_broken_csv_line_swallows_no_other(room, reason, line):
    for number, after in enumerate(["", "c3,T\nc4,T\n", 'c3,"T"\nc4,"a\nb"\n']):
        room.deliver(f"courses/{number}.csv", f"course_id,title\nc1,{number}\n{line}\n{after}")
    assert [(landed.lines, landed.rejected) for landed in room.land()] == [(2, 1), (4, 1), (4, 1)]
    assert room.reasons() == [(3, reason)] * 3
    assert {text for (text,) in room.rows("select text from raw.rejected_lines")} == {line.encode()}


def test_two_stray_quotes_swallow_no_line_between_them(room):
    room.land_one("courses/a.csv", 'course_id,title\nc1,"open\nc2,T\nc3,x",T\nc4,T\n')
    assert room.rows("select course_id from raw.courses order by line") == [("c2",), ("c4",)]
    assert room.reasons() == [(2, "invalid_csv"), (4, "invalid_csv")]


def test_a_record_over_many_lines_is_numbered_where_it_begins(room):
    text = 'course_id,title\n\nc1,"a\n\nb"\n,T\n'
    assert room.land_one("courses/a.csv", text).lines == 2
    assert room.rows("select line, title from raw.courses") == [(3, "a\n\nb")]
    assert room.reasons() == [(6, "missing_value")]


def test_many_open_quotes_cost_no_more_than_their_lines(room):
    text = "course_id,title\n" + "".join(f'c{n},"open\n,,\n' for n in range(5_000))
    landed = room.land_one("courses/a.csv", text)
    assert landed.lines == landed.rejected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "c1,T\nc2,T\n",
        "course_id;title\nc1;T\n",
        "course_id\nc1\n",
        "course_id,title,title\nc1,T,T\n",
        'course_id,"title\nc1,T\n',
        "Course_ID,Title\nc1,T\n",
    ],
)
def test_csv_without_a_sound_header_is_set_aside(room, text):
    landed = room.land_one("courses/a.csv", text)
    assert landed.status == "set_aside"
    assert room.rows("select count(*) from raw.landed_files") == [(0,)]


@pytest.mark.parametrize(
    ("column", "values", "stored"),
    [
        ("learner_id", pa.array(["ada"]).dictionary_encode(), "ada"),
        ("learner_id", pa.array(["ada"], pa.large_string()), "ada"),
        ("learner_id", pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        ("learner_id", pa.array([Decimal(10**37)], pa.decimal128(38, 0)), "1" + "0" * 37),
        ("occurred_at", pa.array([datetime(2025, 1, 1, tzinfo=UTC)]), datetime(2025, 1, 1)),
        (
            "occurred_at",
            pa.array([1735689600123456789], pa.timestamp("ns", "Europe/Vienna")),
            datetime(2025, 1, 1, 0, 0, 0, 123456),
        ),
    ],
)
def test_parquet_types_become_what_they_mean(room, column, values, stored):
    room.land_one("events/a.parquet", parquet(**{column: values}))
    assert room.rows(f"select {column}, line from raw.events") == [(stored, 1)]


@pytest.mark.parametrize(
    ("reason", "day"),
    [
        ("instant_too_late", pa.array([2**31 - 1], pa.date32())),
        ("instant_too_late", pa.array([YEAR_10000 * 1000], pa.date64())),
        ("instant_too_early", pa.array([-(2**31)], pa.date32())),
    ],
)
def test_a_parquet_date_beyond_the_calendar_is_too_late_or_too_early(room, reason, day):
    file = io.BytesIO()
    pq.write_table(pa.table({"course_id": ["c"], "due_at": day}), file)
    room.land_one("deadlines/a.parquet", file.getvalue())
    assert room.reasons() == [(1, reason)]


def test_a_parquet_date_is_a_day(room):
    days = pa.table({"course_id": ["c"], "due_at": pa.array([date(2025, 1, 1)])})
    file = io.BytesIO()
    pq.write_table(days, file)
    room.land_one("deadlines/a.parquet", file.getvalue())
    assert room.rows("select due_at from raw.deadlines") == [
        (datetime(2025, 1, 1, 23, 59, 59, 999999),)
    ]


@pytest.mark.parametrize(
    ("reason", "columns"),
    [
        ("instant_without_zone", {"occurred_at": pa.array([datetime(2025, 1, 1)])}),
        ("instant_too_late", {"occurred_at": pa.array([2**60], pa.timestamp("us", "UTC"))}),
        ("instant_too_late", {"occurred_at": pa.array([2**63 - 1], pa.timestamp("ms", "UTC"))}),
        ("instant_too_late", {"occurred_at": pa.array([YEAR_10000], pa.timestamp("s", "UTC"))}),
        ("instant_too_early", {"occurred_at": pa.array([-(2**62)], pa.timestamp("us", "UTC"))}),
        ("instant_too_early", {"occurred_at": pa.array([-(10**11)], pa.timestamp("s", "UTC"))}),
        ("instant_without_zone", {"occurred_at": pa.array([2**62], pa.timestamp("us"))}),
        ("missing_value", {"learner_id": pa.nulls(1)}),
        ("missing_value", {"learner_id": pa.array([None], pa.int64())}),
        ("invalid_utf8", {"learner_id": pa.array([b"\xff"]).view(pa.string())}),
    ],
)
def test_a_bad_parquet_row_is_rejected_as_json(room, reason, columns):
    room.land_one("events/a.parquet", parquet(**columns))
    assert room.reasons() == [(1, reason)]
    assert rejected_lines(room.connection)[0]["text"].startswith('{"event_id":"e1",')


@pytest.mark.parametrize(
    "columns",
    [
        {"learner_id": pa.array([1.5])},
        {"learner_id": pa.array([True])},
        {"learner_id": pa.array([b"x"])},
        {"learner_id": pa.array([["x"]])},
        {"learner_id": pa.array([{"id": "x"}])},
        {"learner_id": pa.array([datetime(2025, 1, 1, tzinfo=UTC)])},
        {"learner_id": pa.array([Decimal("1.5")])},
        {"occurred_at": pa.array([1735689600])},
    ],
)
def test_a_parquet_column_of_a_wrong_type_sets_the_file_aside(room, columns):
    assert room.land_one("events/a.parquet", parquet(**columns)).status == "set_aside"


def test_damaged_parquet_is_set_aside(room):
    whole = parquet()
    for number, damaged in enumerate([b"", b"PAR1", whole[:-20], GOOD.encode()]):
        room.deliver(f"events/{number}.parquet", damaged)
    lacking = io.BytesIO()
    pq.write_table(pa.table({"event_id": ["e1"]}), lacking)
    room.deliver("events/z.parquet", lacking.getvalue())
    assert {landed.status for landed in room.land()} == {"set_aside"}


@pytest.mark.parametrize("is_dictionary", [True, False])
def test_a_parquet_file_that_unfolds_too_far_is_set_aside(room, monkeypatch, is_dictionary):
    monkeypatch.setattr(formats.parquet, "FREE_BYTES", 10_000)
    titles = pa.array(["x" * 10_000]).take(pa.array([0] * 1000))
    rows = pa.table({"course_id": list(map(str, range(1000))), "title": titles})
    if is_dictionary:
        rows = rows.set_column(1, "title", titles.dictionary_encode())
    file = io.BytesIO()
    pq.write_table(rows, file)
    landed = room.land_one("courses/a.parquet", file.getvalue())
    assert (landed.status, "unfolds" in landed.reason) == ("set_aside", True)


def test_parquet_rows_are_read_in_steps_and_keep_their_order(room, monkeypatch):
    monkeypatch.setattr(formats.parquet, "STEP_ROWS", 3)
    monkeypatch.setattr(formats.parquet, "CHUNK_ROWS", 7)
    file = io.BytesIO()
    ids = pa.array([f"c{n}" for n in range(20)])
    columns = {"course_id": ids.dictionary_encode(), "title": ids}
    pq.write_table(pa.table(columns), file, row_group_size=4)
    room.land_one("courses/a.parquet", file.getvalue())
    numbers = room.rows("select line, course_id, title from raw.courses order by line")
    assert numbers == [(n + 1, f"c{n}", f"c{n}") for n in range(20)]


def test_rows_beyond_one_chunk_keep_their_line_numbers(room, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    room.land_one("events/a.csv", HEADER + "".join(ROW.format(n) for n in range(5)))
    assert room.rows("select list(line order by line) from raw.events") == [([2, 3, 4, 5, 6],)]
