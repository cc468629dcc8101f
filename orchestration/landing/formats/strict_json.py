"""JSON read strictly: a key twice, NaN and Infinity are no JSON; integers become their digits."""

import json
from collections import Counter
from typing import Any

import numpy as np

MAX_LEVELS = 500
"""Far from where Python gives up, which depends on who asks."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[]{}", bytes([1, 255, 1, 255]))


def parsed(text: str) -> Any:
    """Read one whole JSON value; integers of any size are read as decimal text.

    Raises:
        ValueError: it is none, or nested more than `MAX_LEVELS` deep; `cause_of` says why.
    """
    if text.count("[") + text.count("{") > MAX_LEVELS and _is_too_deep(text):
        raise ValueError(f"nested more than {MAX_LEVELS} levels deep")
    return _DECODER.decode(text)


def cause_of(error: ValueError) -> str:
    """Say in a few words why a text is no JSON value."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return str(error)


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
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {json.dumps(twice)[:100]} is there twice")
    return found


def _is_too_deep(text: str) -> bool:
    """Follow the brackets outside of strings; right as far as the text is JSON."""
    without_escapes = text.encode().replace(rb"\\", b"").replace(rb"\"", b"")
    outside = b"".join(without_escapes.split(b'"')[::2])
    steps = np.frombuffer(outside.translate(_STEPS, _NO_BRACKETS), np.int8)
    return bool(np.cumsum(steps, dtype=np.int64).max(initial=0) > MAX_LEVELS)


def _integer(digits: str) -> str:
    return "0" if digits == "-0" else digits


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_repeats, parse_int=_integer, parse_constant=_refused
)
