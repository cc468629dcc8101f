"""Facts about the macros in which engines differ: an expression, and what it is on every engine."""
# ruff: noqa: E501

NOTHING = "null"


def _at(text: str) -> str:
    return f"cast('{text}' as timestamp)"


def _between(start: str, end: str) -> str:
    return '{{ microseconds_between("' + start + '", "' + end + '") }}'


def _before(at: str, days: int) -> str:
    return '{{ days_before("' + at + f'", {days}) }}}}'


def _local(at: str) -> str:
    return '{{ local_date("' + at + '") }}'


def _date(text: str) -> str:
    return f"cast('{text}' as date)"


NO_INSTANT = "cast(null as timestamp)"

# The reporting time zone is Europe/Vienna, where clocks change on 2025-03-30 and 2025-10-26.
FACTS: list[tuple[str, str, str]] = [
    (
        "an hour in which clocks change is an hour",
        _between(_at("2025-03-30 00:30:00"), _at("2025-03-30 01:30:00")),
        "3600000000",
    ),
    (
        "from one month's end to the next month",
        _between(_at("2025-01-31 00:00:00"), _at("2025-03-01 00:00:00")),
        "2505600000000",
    ),
    (
        "back in time is negative",
        _between(_at("2025-01-01 00:00:01"), _at("2025-01-01 00:00:00.999999")),
        "-1",
    ),
    ("before 1970", _between(_at("1969-12-31 23:59:59.999999"), _at("1970-01-01 00:00:00")), "1"),
    ("from nothing", _between(NO_INSTANT, _at("2025-01-01 00:00:00")), NOTHING),
    ("to nothing", _between(_at("2025-01-01 00:00:00"), NO_INSTANT), NOTHING),
    (
        "days before a month's end",
        _before(_at("2025-03-31 10:00:00"), 31),
        _at("2025-02-28 10:00:00"),
    ),
    (
        "a day before clocks change",
        _before(_at("2025-03-30 12:00:00"), 1),
        _at("2025-03-29 12:00:00"),
    ),
    (
        "no days before",
        _before(_at("2024-02-29 00:00:00.000001"), 0),
        _at("2024-02-29 00:00:00.000001"),
    ),
    ("days before nothing", _before(NO_INSTANT, 1), NOTHING),
    (
        "the last instant of a winter's day",
        _local(_at("2025-03-29 22:59:59.999999")),
        _date("2025-03-29"),
    ),
    (
        "the first instant of the day on which summer begins",
        _local(_at("2025-03-29 23:00:00")),
        _date("2025-03-30"),
    ),
    (
        "the last instant of the day on which summer begins",
        _local(_at("2025-03-30 21:59:59.999999")),
        _date("2025-03-30"),
    ),
    (
        "the first instant of the day on which summer ends",
        _local(_at("2025-10-25 22:00:00")),
        _date("2025-10-26"),
    ),
    (
        "the last instant of the day on which summer ends",
        _local(_at("2025-10-26 22:59:59.999999")),
        _date("2025-10-26"),
    ),
    ("a month's end", _local(_at("2025-06-30 22:00:00")), _date("2025-07-01")),
    ("the date of nothing", _local(NO_INSTANT), NOTHING),
    ("a quotient is rounded down", '{{ integer_quotient("7", "2") }}', "3"),
    (
        "a quotient of large numbers",
        '{{ integer_quotient("cast(9000000000000000000 as decimal(38, 0)) * 1000000", "1000000") }}',
        "9000000000000000000",
    ),
    ("a quotient by 0", '{{ integer_quotient("7", "0") }}', NOTHING),
    ("a quotient of nothing", '{{ integer_quotient("cast(null as bigint)", "2") }}', NOTHING),
    ("half a millionth is rounded up", '{{ rate("1", "2000000") }}', "0.000001e0"),
    ("less than half a millionth is rounded down", '{{ rate("1", "2000001") }}', "0e0"),
    ("a rate of none", '{{ rate("0", "0") }}', NOTHING),
    ("half a hundredth of a per cent is rounded up", '{{ percentage("1", "20000") }}', "0.01e0"),
    ("days of microseconds", '{{ days("86400000000 * 3 + 4320000") }}', "3.0001e0"),
    (
        "a share without the noise of floating point",
        '{{ rounded_share("0.1e0 + 0.2e0") }}',
        "0.3e0",
    ),
    ("Wilson's lower bound of 1 of 1", '{{ wilson_lower_bound("1", "1") }}', "0.206549e0"),
    ("Wilson's lower bound of none", '{{ wilson_lower_bound("0", "0") }}', NOTHING),
    (
        "the number of a text is its own",
        """{{ text_number("'a'") }} = {{ text_number("'a'") }}""",
        "true",
    ),
    (
        "two texts have two numbers",
        """{{ text_number("'a'") }} = {{ text_number("'A'") }}""",
        "false",
    ),
    ("the number of nothing", '{{ text_number("cast(null as varchar(1))") }}', NOTHING),
    (
        "records order by the first column, then by the second",
        '(select min({{ record_of(["first", "second"]) }}).second from (select 1 as first, 3 as second union all select 1, 2 union all select 2, 1) as rows_of_three)',
        "2",
    ),
    (
        "text in records orders by its bytes",
        """(select min({{ record_of(["word"]) }}).word from (select 'a' as word union all select 'Z' union all select 'ä') as words)""",
        "'Z'",
    ),
    (
        "an order changes no rows",
        '(select count(*) from (select 1 as number union all select 2 {{ in_order_of(["number"]) }}) as ordered)',
        "2",
    ),
    (
        "what is renewed by rows or by partitions",
        '(select count(*) from (select distinct {{ renewed_by("key_column", "key_column") }} from (select 1 as key_column union all select 1) as two) as renewed)',
        "1",
    ),
    (
        "schemas of their own need no prefix",
        """'{{ schema_prefix() }}'""",
        """'{{ "learner_progress_" if target.type == "spark" else "" }}'""",
    ),
    (
        "a refresh adds where rows can be replaced",
        """'{{ adds_to_standing() }}'""",
        """'{{ target.type == "duckdb" }}'""",
    ),
]


def query() -> str:
    """One row per fact: its name, and whether it holds."""
    rows = [
        f"select '{name.replace(chr(39), ' ')}' as fact, ({is_}) is not distinct from ({should_be}) as holds"
        for name, is_, should_be in FACTS
    ]
    return "\nunion all\n".join(rows)
