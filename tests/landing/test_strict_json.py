"""JSON that is sound, but of a size or shape at which a reader could give up or never end."""

import pytest
from story import event, json_lines

from orchestration.landing.formats import strict_json
from orchestration.landing.formats.strict_json import MAX_LEVELS, parsed


def nested(levels):
    """An event with a column of so many brackets, in an object that is a level by itself."""
    brackets = "[" * (levels - 1) + "]" * (levels - 1)
    return json_lines(event()).replace("}\n", f', "unknown": {brackets}}}\n')


def test_how_deep_a_line_may_be_nested_depends_on_nobody(room):
    def asked_from(depth):
        return asked_from(depth - 1) if depth else room.land()

    room.deliver("events/a.jsonl", nested(MAX_LEVELS))
    room.deliver("events/b.jsonl", nested(MAX_LEVELS + 1) + nested(100_000))
    first, second = asked_from(150)
    assert (first.accepted, second.accepted) == (1, 0)
    assert room.reasons() == [(1, "invalid_json"), (2, "invalid_json")]


@pytest.mark.parametrize("text", ["[[", '\\"[[', "\\\\", '"'])
def test_brackets_in_a_text_are_no_levels(text):
    value = {"a": text * MAX_LEVELS, "b": [text]}
    line = json_lines(value)
    assert parsed(line) == value


def test_many_brackets_side_by_side_are_no_levels():
    assert parsed("[" + ",".join(["[]"] * 2 * MAX_LEVELS) + "]") == [[]] * 2 * MAX_LEVELS


def test_a_key_twice_among_many_is_found_in_one_pass():
    seen = []

    class Key(str):
        __slots__ = ()

        def __eq__(self, other):
            seen.append(other)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    pairs = [(Key(f"k{number}"), 1) for number in range(1000)] + [(Key("k999"), 1)]
    with pytest.raises(ValueError, match='"k999" is there twice'):
        strict_json._without_repeats(pairs)
    assert len(seen) < 10 * len(pairs)
