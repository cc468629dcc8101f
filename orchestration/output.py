"""How rows look to people and programs: a table, CSV or JSON."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

Rows = list[dict[str, Any]]


def plain(value: Any) -> Any:
    """A value as JSON has it: instants as ISO 8601 with `Z`, dates as `YYYY-MM-DD`."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds" if value.microsecond else "seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def as_json(value: Any) -> str:
    """Any value, list or object as indented JSON text."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def as_csv(rows: Rows, columns: Sequence[str]) -> str:
    """Rows as RFC 4180 CSV with a header; NULL is an empty field, booleans are true and false."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return text.getvalue()


def as_table(rows: Rows, columns: Sequence[str], title: str | None = None, width: int = 220) -> str:
    """Rows as a table for people: numbers to the right, NULL as a dash, times to the second in UTC.

    It is as wide as the terminal, and wide where there is none; a table with a title has words
    at the head of its columns, each on a line, where others have the columns' names.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in columns:
        numeric = any(_is_number(row[column]) for row in rows)
        head = column.replace("_", "\n") if title else column
        table.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(_shown(row[column]))) for column in columns))
    width = shutil.get_terminal_size((220, 24)).columns if sys.stdout.isatty() else 220
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def as_text(rows: Rows, columns: Sequence[str], format_: str) -> str:
    """Rows in one of the formats `table`, `csv` and `json`."""
    if format_ == "json":
        return as_json(rows) + "\n"
    return as_csv(rows, columns) if format_ == "csv" else as_table(rows, columns) + "\n"


def rejected_text(rows: Rows, counts: Rows, format_: str, reason: str | None = None) -> str:
    """Rejected lines in one of the formats; the table begins with counts by reason and file.

    Where the rows are not all, of one reason if given, the table says how many more there are.
    """
    columns = ["source", "file", "line", "reason", "detail", "text"]
    if format_ != "table":
        return as_text(rows, columns, format_)
    if reason and not rows and counts:
        reasons = ", ".join(sorted({count["reason"] for count in counts}))
        return f"No rejected line has the reason {reason}; there are {reasons}.\n"
    if not counts:
        return "No line was rejected.\n"
    shown = [{**row, "text": shortened(row["text"])} for row in rows]
    summary = as_table(counts, ["reason", "source", "file", "lines"])
    there = sum(count["lines"] for count in counts if reason in (None, count["reason"]))
    more = there - len(rows)
    note = f"\n… and {more:,} more: see --reason, --limit and --format csv.\n" if more > 0 else ""
    return f"{summary}\n\n{as_table(shown, columns)}\n{note}"


def landing_table(landed: Any) -> str:
    """The files of a landing and their totals, as a table."""
    columns = ["source", "file", "status", "lines", "accepted", "duplicates", "rejected", "ignored"]
    summary = landed.summary()
    total = {"source": "", "file": "total", "status": "", **summary["totals"]}
    return as_table([*summary["files"], total], columns)


def shortened(text: str, length: int = 80) -> str:
    """A text for a table's cell: its beginning, and how much more there is."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on the terminal, nothing where standard error is piped.

    Yields:
        a function of what is being done, how much of it is done, and how much there is in all.
    """
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda what, done, total: bar.update(
            task, description=f"{description}: {what}", completed=done, total=total
        )


def _cell(value: Any) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if value.second == 0 else f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,}" if type(value) is int else _cell(value)


def printable(text: str) -> str:
    """Control characters would move the cursor; a person sees their escapes instead."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
