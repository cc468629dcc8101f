"""Exact arithmetic: quotients of integers, rounded half away from zero once, at the end."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

MICROSECONDS_A_DAY = 86_400_000_000


def rounded(numerator: int, denominator: int, decimals: int) -> float:
    """The double nearest to numerator / denominator, rounded half away from zero."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    scale: int = 10**decimals
    magnitude = (2 * abs(numerator) * scale + denominator) // (2 * denominator)
    return (magnitude if numerator >= 0 else -magnitude) / scale


def rate(part: int, whole: int) -> float | None:
    """part / whole with six decimals; an empty group has none."""
    return None if whole == 0 else rounded(part, whole, 6)


def percentage(fraction: Fraction | None) -> float | None:
    """A fraction 0–1 as 0–100 with two decimals."""
    if fraction is None:
        return None
    return rounded(100 * fraction.numerator, fraction.denominator, 2)


def microseconds(duration: timedelta) -> int:
    """The whole microseconds of a duration."""
    return duration // timedelta(microseconds=1)


def days(duration: int | Fraction | None) -> float | None:
    """Microseconds as days of 24 hours, with four decimals."""
    if duration is None:
        return None
    return rounded(duration.numerator, duration.denominator * MICROSECONDS_A_DAY, 4)


def mean(values: list[Fraction] | list[int]) -> Fraction | None:
    """The exact mean; of nothing there is none."""
    return None if not values else Fraction(sum(values)) / len(values)


def interpolated(values: list[int], share: Fraction) -> Fraction | None:
    """The percentile between the two nearest values, by linear interpolation."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def wilson_lower_bound(part: int, whole: int) -> float | None:
    """Lower bound of the 95 % Wilson interval of part / whole, six decimals (rule 10).

    z = 1.959964; the square root is taken with 50 digits, so that nothing is lost before rounding.
    """
    if whole == 0:
        return None
    with localcontext(prec=50):
        z, n = Decimal("1.959964"), Decimal(whole)
        share = Decimal(part) / n
        centre = share + z * z / (2 * n)
        margin = z * (share * (1 - share) / n + z * z / (4 * n * n)).sqrt()
        bound = Fraction((centre - margin) / (1 + z * z / n))
    return rounded(bound.numerator, bound.denominator, 6)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The day of a naive UTC instant in the reporting zone."""
    return at.replace(tzinfo=UTC).astimezone(zone).date()
