"""Compares two tables cell by cell and says in words where they differ."""

import math
from datetime import date, datetime
from typing import Any

import duckdb
import pandas as pd

TOLERANCE = 1e-9
# Landing time: compared when both tables have it, left out when one can't know it.
OPTIONAL_COLUMNS = {"recorded_at"}

KEYS: dict[str, list[str]] = {
    "lesson_progress": ["learner_id", "course_id", "lesson_id"],
    "lesson_completions": ["learner_id", "course_id", "lesson_id"],
    "course_progress": ["learner_id", "course_id"],
    "course_completion": ["course_id"],
    "lesson_drop_off": ["course_id", "lesson_id"],
    "time_to_complete": ["course_id"],
    "completion_curve": ["course_id", "day"],
    "overdue_learners": ["learner_id", "course_id"],
    "enrollment_cohorts": ["course_id", "cohort_month"],
    "daily_activity": ["course_id", "activity_date"],
}


def read_table(connection: duckdb.DuckDBPyConnection, table: str) -> pd.DataFrame:
    """Read a table as plain Python values: NULL is None, and differs from NaN."""
    result = connection.execute(f"select * from {table}")
    columns = [column[0] for column in result.description]
    return pd.DataFrame(result.fetchall(), columns=columns, dtype=object)


def differences(expected: pd.DataFrame, actual: pd.DataFrame, key: list[str]) -> list[str]:
    """List what differs between two tables, in the order of the keys; nothing when equal.

    Text, integers, booleans, instants and NULL must be the same, an integer is no double, and
    two doubles may lie 1e-9 apart. Rows may come in any order, columns may not; a key
    twice is a difference.
    """
    found = _column_differences(list(expected.columns), list(actual.columns))
    if found:
        return found
    columns = [column for column in expected.columns if column in actual.columns]
    expected_rows = _rows_by_key(expected[columns], key, "expected", found)
    actual_rows = _rows_by_key(actual[columns], key, "actual", found)
    for identity in sorted({*expected_rows, *actual_rows}, key=repr):
        where = ", ".join(f"{name}={value!r}" for name, value in zip(key, identity, strict=True))
        if identity not in actual_rows:
            found.append(f"missing row: {where}: expected {expected_rows[identity]}")
        elif identity not in expected_rows:
            found.append(f"extra row: {where}: actual {actual_rows[identity]}")
        else:
            pairs = zip(columns, expected_rows[identity], actual_rows[identity], strict=True)
            found += [
                f"{where}: {column} should be {one!r}, is {other!r}"
                for column, one, other in pairs
                if not same(one, other)
            ]
    return found


def _column_differences(expected: list[str], actual: list[str]) -> list[str]:
    optional = OPTIONAL_COLUMNS - ({*expected} & {*actual})
    one = [column for column in expected if column not in optional]
    other = [column for column in actual if column not in optional]
    return [] if one == other else [f"columns should be {one}, are {other}"]


def _rows_by_key(
    table: pd.DataFrame, key: list[str], side: str, found: list[str]
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    cells = [[plain(value) for value in _cells(table[column])] for column in table.columns]
    places = [list(table.columns).index(name) for name in key]
    rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in zip(*cells, strict=True):
        identity = tuple(row[place] for place in places)
        if identity in rows:
            found.append(f"key twice in the {side} table: {identity}")
        rows[identity] = row
    return rows


def _cells(column: pd.Series) -> list[Any]:
    """The values of a column; a missing one of a typed column is None, as NULL is."""
    if column.dtype == object:
        return column.tolist()
    return [None if missing else v for v, missing in zip(column, column.isna(), strict=True)]


def plain(value: Any) -> Any:
    """The plain Python value of a cell; a date is its first instant."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value.item() if hasattr(value, "item") else value


def same(one: Any, other: Any) -> bool:
    """Whether two plain cells are of one type and equal; only doubles have a tolerance."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=0.0, abs_tol=TOLERANCE)
    return bool(one == other)
