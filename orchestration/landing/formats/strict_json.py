"""JSON read strictly: a key twice, NaN and Infinity are no JSON; integers become their digits."""

import json
from typing import Any


def parsed(text: str) -> Any:
    """Read one whole JSON value; integers of any size are read as decimal text.

    Raises:
        ValueError, RecursionError: it is none; `cause_of` says why.
    """
    return _DECODER.decode(text)


def cause_of(error: Exception) -> str:
    """Say in a few words why a text is no JSON value."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def has_lone_surrogate(value: str) -> bool:
    """Whether a text holds half of a surrogate pair, which is no character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {json.dumps(twice)[:100]} is there twice")
    return found


def _integer(digits: str) -> str:
    return "0" if digits == "-0" else digits


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_repeats, parse_int=_integer, parse_constant=_refused
)
