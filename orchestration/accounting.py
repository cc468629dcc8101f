"""Whether the ledger of landed files adds up: every line, every batch, every archived file."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.settings import Settings

_UNBALANCED = """
select batch_id
from raw.landed_files
where lines <> accepted + duplicates + rejected + ignored
order by batch_id
"""

_GAPS = """
select batch_id
from (select batch_id, lag(batch_id, 1, 0) over (order by batch_id) as before from raw.landed_files)
where batch_id <> before + 1
order by batch_id
"""

_REPLAYED = "select batch_id from raw.landed_files where file <> 'replay' order by batch_id"

_SHARES = """
select batch_id, source || '/' || file as file, rejected, lines, rejected / lines as share
from raw.landed_files
where batch_id in (select unnest($batches)) and lines > 0
order by share desc
"""


@dataclass(frozen=True)
class Finding:
    """One law of landing: its name, whether it holds, in a sentence, and the figures behind it."""

    name: str
    is_kept: bool
    message: str
    figures: dict[str, int | float]

    @property
    def is_grave(self) -> bool:
        """Whether something was lost where the law is broken."""
        return self.name in GRAVE


GRAVE = frozenset({"lines_add_up", "batches_are_consecutive"})

"""The laws whose breach says that something was lost; the others ask for a look."""

LAWS = {
    "lines_add_up": "Of each batch, lines = accepted + duplicates + rejected + ignored.",
    "batches_are_consecutive": "Batches are numbered from 1 without a gap.",
    "archive_is_present": "Every landed file lies in the archive.",
    "rejected_lines_are_few": "No file of this landing has more rejected lines than the limit.",
}


def findings(
    connection: duckdb.DuckDBPyConnection, settings: Settings, batches: Sequence[int]
) -> list[Finding]:
    """Hold the ledger against its laws; `batches` are those that have just landed."""
    return [
        _law("lines_add_up", _numbers(connection, _UNBALANCED), "Lines don't add up in batches"),
        _law("batches_are_consecutive", _numbers(connection, _GAPS), "Batches are missing before"),
        _archive(connection, settings),
        _rejected(connection, settings, batches),
    ]


def _law(name: str, wrong: list[int], message: str) -> Finding:
    if not wrong:
        return Finding(name, True, LAWS[name], {"wrong_batches": 0})
    some = ", ".join(str(batch) for batch in wrong[:10]) + (", …" if len(wrong) > 10 else "")
    return Finding(name, False, f"{message} {some}.", {"wrong_batches": len(wrong)})


def _archive(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Finding:
    """Archived files may have been moved away to save room, so this asks for a look only."""
    present = {path.name.partition("__")[0] for path in settings.archive.glob("*.zst")}
    landed = _numbers(connection, _REPLAYED)
    missing = [batch for batch in landed if f"{batch:09}" not in present]
    message = "These can't be landed again, for their archived files are not there: batches"
    return _law("archive_is_present", missing, message)


def _rejected(
    connection: duckdb.DuckDBPyConnection, settings: Settings, batches: Sequence[int]
) -> Finding:
    worst = connection.execute(_SHARES, {"batches": list(batches)}).fetchone()
    name, limit = "rejected_lines_are_few", settings.rejected_limit
    if worst is None:
        return Finding(name, True, "Nothing landed.", {"greatest_share": 0.0})
    _, file, rejected, lines, share = worst
    message = (
        f"{file} has the greatest share: {rejected:,} of {lines:,} lines were rejected"
        f" ({share:.2%}; the limit is {limit:.2%})."
    )
    return Finding(name, share <= limit, message, {"greatest_share": share})


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    return [row[0] for row in connection.execute(query).fetchall()]
