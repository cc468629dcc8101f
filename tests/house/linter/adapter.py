"""What the SQL linter takes for dbt's adapter: every engine macro stands for some value."""

from collections.abc import Callable

_CLAUSES = {"in_order_of": "order by 1"}


def dispatch(name: str) -> Callable[..., str]:
    """A macro that returns a value of no particular kind, or its clause, whatever its arguments."""
    return lambda *arguments: _CLAUSES.get(name, f"{name}(1)")
