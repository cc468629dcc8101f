"""What went wrong: whether it may pass by itself, and how to tell of it without learners' data."""

import builtins
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from orchestration.settings import Settings

T = TypeVar("T")

_NODE = re.compile(r"(?:Error|Failure) in (model|test) (\w+)|(?:^|[:;] )(model|test) (\w+) \(")
_SETTLED = re.compile(r"Failure in test|test \w+ \(Got |not a valid DuckDB database")
_PASSING = re.compile(
    r"IO Error|No space left on device|Input/output error|Disk quota exceeded|Stale file handle"
    r"|Could not set lock"
)
_REMEDIES = {
    "Could not set lock": "close the program that has it open: readers open the published snapshot"
    " instead",
    "Permission denied": "see that this user may read and write there",
    "not a valid DuckDB": "the file is damaged: restore a backup",
}
_FOR_EVER = (FileExistsError, IsADirectoryError, NotADirectoryError)
_OUT_OF_RESOURCES = (duckdb.IOException, duckdb.OutOfMemoryException)


@dataclass(frozen=True)
class Fault:
    """What went wrong, in a sentence, and the failed `model <name>` and `test <name>` in it."""

    what: str
    nodes: tuple[str, ...] = ()


def may_pass(error: BaseException) -> bool:
    """Whether a fault may be gone at the next attempt: a full or missing disk, a lock, bad I/O.

    A failing dbt test, an invalid setting, too many rejected lines or a bug stay what they are.
    """
    chain = list(_chain(error))
    if any(_SETTLED.search(str(link)) for link in chain):
        return False
    return any(
        (isinstance(link, OSError) and not isinstance(link, _FOR_EVER))
        or isinstance(link, _OUT_OF_RESOURCES)
        or _PASSING.search(str(link))
        for link in chain
    )


def wait_before(attempt: int, settings: Settings) -> float:
    """Seconds to wait before an attempt: the setting before the first repetition, 1, then × 4."""
    return float(settings.retry_wait_seconds * 4 ** (attempt - 1))


def patiently(settings: Settings, attempt: Callable[[], T], *, tell: Callable[[str], object]) -> T:
    """Try again, with growing waits, while what goes wrong may pass; the last error is raised."""
    for repetition in range(1, settings.retries + 1):
        try:
            return attempt()
        except Exception as error:
            if not may_pass(error):
                raise
            wait = wait_before(repetition, settings)
            tell(f"{fault_of(error).what} Trying again in {wait:.0f} s.")
            time.sleep(wait)
    return attempt()


def remedy(reason: str, otherwise: str) -> str:
    """What to do about a database file, by what the engine says of it."""
    for sign, what in _REMEDIES.items():
        if sign in reason:
            return what
    return otherwise


def failed_nodes(text: str) -> list[str]:
    """The models and tests that dbt's messages name as failed: `test <name>`, `model <name>`."""
    found = (match.groups() for match in _NODE.finditer(text))
    nodes = [f"{kind or kind_} {name or name_}" for kind, name, kind_, name_ in found]
    return list(dict.fromkeys(nodes))


def fault_of(error: BaseException) -> Fault:
    """An error as a channel that others read may see it; see `fault_from`."""
    kind = type(error)
    return fault_from(f"{kind.__module__}.{kind.__qualname__}", str(error))


def fault_from(kind: str, text: str) -> Fault:
    """What went wrong, without values from rows.

    Models and tests are told by their names only, and of an error that this project doesn't know
    only the kind is told: messages of engines quote the values that they stumbled over.

    Args:
        kind: the error's class with its module.
        text: its message.
    """
    if nodes := failed_nodes(text):
        return Fault(f"{', '.join(nodes)} failed.", tuple(nodes))
    if not (kind.startswith("orchestration.") or _PASSING.search(text) or _is_of_files(kind)):
        return Fault(f"It stopped with {kind.rpartition('.')[2]}.")
    first = " ".join(text.splitlines()[:1]).strip()
    return Fault(first if first.endswith((".", "!")) else f"{first}.")


def _is_of_files(kind: str) -> bool:
    class_ = getattr(builtins, kind.removeprefix("builtins."), None)
    return isinstance(class_, type) and issubclass(class_, OSError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__
