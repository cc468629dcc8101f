"""What the SQL linter takes for dbt's adapter: every engine macro stands for some value."""

from collections.abc import Callable


def dispatch(name: str) -> Callable[..., str]:
    """A macro that returns a value of no particular kind, whatever its arguments."""
    return lambda *arguments: f"{name}(1)"
