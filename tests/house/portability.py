"""Finds SQL that another engine reads otherwise, or not at all: each fault with what to write."""

import re
from typing import Any

from jinja2 import Environment

FAULTS = {
    r"\bcount_if\s*\(": "count(*) filter (where …)",
    r"\b(arg_min|arg_max|argmin|argmax|any_value|first|last)\s*\(": "min(record_of(…)) filter (…)",
    r"\b(quantile\w*|percentile|approx_\w+)\s*\(": "percentile_cont(p) within group (order by …)",
    r"\b(date_?diff|date_?sub|epoch\w*|unix_\w+|timestampdiff)\s*\(": "microseconds_between(…)",
    r"\b(at\s+time\s+zone|from_utc_timestamp|to_utc_timestamp|timezone)\b": "local_date(…)",
    r"->>?|\b(get_json_object|json_\w+|from_json)\s*\(": "no JSON after landing",
    r"\b(hash|sha\d*|sha256|xxhash64|md5_\w+)\s*\(": "text_number(…)",
    r"\b(concat|concat_ws|format|printf|strftime|strptime|date_format)\s*\(": "coalesce(…) || …",
    r"\b(unnest|explode|generate_series|flatten|list_\w+|array_\w+)\s*\(": "a join",
    r"\b(struct_pack|named_struct)\s*\(": "record_of(…)",
    r"\b(pivot|unpivot|asof|positional|sample|tablesample)\b": "a join and a group by",
    r"\bunion\s+(all\s+)?by\s+name\b": "union all with the columns in one order",
    r"\*\s*(exclude|except|replace|rename)\b": "the columns by their names",
    r"\bqualify\b.*\bover\s+\w": "qualify row_number() over (…)",
    r"\b(hugeint|ubigint|uinteger|int128|blob)\b": "bigint, or an engine's macro",
    r'"': "plain names, and text in single quotes",
    r"\\": "text without a backslash",
    r"//": "integer_quotient(…)",
    r"\b(now\(\)|current_(?:date|time\w*)|localtime\w*|today\(\))": "as_of()",
}

DIVISION = r"/(?!\s*(?:nullif\b|\d))"
"""Division by what may be 0: an error there, infinity here. Macros guard their own."""

_COMMENTS = re.compile(r"--[^\n]*|\{#.*?#\}", re.DOTALL)
_STATEMENTS = re.compile(r"\{%.*?%\}", re.DOTALL)
_VALUES = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def plain_sql(text: str) -> str:
    """A model's SQL in small letters, without comments; what Jinja puts there is a word."""
    text = _VALUES.sub("engine_value", _STATEMENTS.sub(" ", _COMMENTS.sub(" ", text)))
    return re.sub(r"\s+", " ", text).lower()


def faults(text: str) -> list[str]:
    """What in a model's text isn't portable, with what to write instead."""
    sql = plain_sql(text)
    found = []
    for pattern, instead in FAULTS.items():
        if match := re.search(pattern, sql):
            found.append(f"{match[0]!r}: write {instead}")
    return found


def division_faults(text: str) -> list[str]:
    """Where a model divides by itself."""
    found = re.findall(DIVISION, plain_sql(text))
    return ["a division: write rate, percentage, days, or … / nullif(…, 0)" for _ in found]


def on_spark(config: dict[str, Any]) -> dict[str, Any]:
    """A model's config as the engine spark has it."""
    environment = Environment(autoescape=False)
    target = {"type": "spark"}

    def rendered(value: Any) -> Any:
        return environment.from_string(value).render(target=target) if "{{" in str(value) else value

    return {name: rendered(value) for name, value in config.items()}


def incremental_faults(config: dict[str, Any]) -> list[str]:
    """What keeps a model from adding to a plain Parquet table, which knows no keys."""
    config = on_spark(config)
    if config.get("materialized") != "incremental":
        return []
    found = []
    if not config.get("partition_by"):
        found.append("an incremental model needs partition_by: without it, all is replaced")
    if config.get("incremental_strategy") != "insert_overwrite":
        found.append("an incremental model's strategy is insert_overwrite")
    return found
