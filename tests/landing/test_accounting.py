"""The law of the landing room: every line is counted once, and no bad line harms a good one."""

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from story import event, json_lines

NUMBERS = count()
GOOD = st.builds(
    lambda number: json_lines(event(event_id=f"good {number}")).encode().rstrip(),
    st.integers(0, 20),
)
NOISE = st.one_of(
    st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")),
    st.text(max_size=20).map(lambda t: t.replace("\n", "").encode("utf-8", "replace")),
    GOOD.map(lambda line: line[:-1]),
    GOOD.map(lambda line: line.replace(b"Z", b"")),
)


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=st.lists(st.one_of(GOOD, NOISE), max_size=30), end=st.sampled_from([b"\n", b"\r\n"]))
def test_every_line_is_counted_and_every_good_one_survives(room, lines, end):
    room.connection.execute("delete from raw.events")
    first = json_lines(event(event_id="first", unknown=next(NUMBERS))).encode().rstrip()
    landed = room.land_one("events/a.jsonl", end.join([first, *lines]) + end)
    written = [line for line in lines if line.strip()]
    good = {line for line in written if line.endswith(b'Z"}')}
    assert landed.lines == len(written) + 1
    assert landed.lines == landed.accepted + landed.duplicates + landed.rejected
    assert landed.accepted == len(good) + 1
    kept = room.rows(f"select text from raw.rejected_lines where batch_id = {landed.batch_id}")
    assert sorted(text for (text,) in kept) == sorted(
        line.removesuffix(b"\r") for line in written if not line.endswith(b'Z"}')
    )


FIELDS = st.text(alphabet='ab",\r\n é', max_size=8)


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(titles=st.lists(FIELDS, min_size=1, max_size=20))
def test_quoted_csv_fields_come_back_as_they_were_written(room, titles):
    room.connection.execute("delete from raw.courses")
    header = f"course_id,title,unknown_{next(NUMBERS)}\n"
    rows = [f'c{n},"{title.replace(chr(34), chr(34) * 2)}",\n' for n, title in enumerate(titles)]
    landed = room.land_one("courses/a.csv", header + "".join(rows))
    sound = {f"c{n}": title for n, title in enumerate(titles) if title.strip()}
    assert (landed.lines, landed.accepted) == (len(titles), len(sound))
    assert dict(room.rows("select course_id, title from raw.courses")) == sound
