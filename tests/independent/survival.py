"""Time to complete over all learners who started: Kaplan–Meier by hand (rule 11)."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from .exact import MICROSECONDS_A_DAY, microseconds, rounded

TOLERANCE = Fraction(1, 10**9)


@dataclass(frozen=True)
class FollowUp:
    """How long one learner was followed from first access, and whether a completion ended it."""

    duration: int
    is_completion: bool


@dataclass(frozen=True)
class Step:
    """The share still not complete from a duration on, as an unreduced quotient."""

    duration: int
    at_risk: int
    observed: int
    numerator: int
    denominator: int


def follow_up(
    first_accessed_at: datetime, completed_at: datetime | None, as_of: datetime
) -> FollowUp:
    """Follow one learner to the earlier of course completion and as_of (tie: completion)."""
    is_completion = completed_at is not None and completed_at <= as_of
    end = completed_at if completed_at is not None and is_completion else as_of
    return FollowUp(max(0, microseconds(end - first_accessed_at)), is_completion)


def steps(follow_ups: list[FollowUp], unit: int = 1) -> list[Step]:
    """The steps of the curve, one per duration (in whole units) with a completion.

    Who is censored at the same duration is still at risk there: completions come first.
    The product is kept as two integers, so that no step is rounded.
    """
    followed = sorted(one.duration // unit for one in follow_ups)
    completed = sorted(one.duration // unit for one in follow_ups if one.is_completion)
    numerator = denominator = 1
    curve = []
    for duration in sorted(set(completed)):
        at_risk = len(followed) - bisect_left(followed, duration)
        observed = bisect_left(completed, duration + 1) - bisect_left(completed, duration)
        numerator *= at_risk - observed
        denominator *= at_risk
        curve.append(Step(duration, at_risk, observed, numerator, denominator))
    return curve


def percentile(curve: list[Step], share: Fraction) -> int | None:
    """The least duration at which the share still not complete is ≤ 1 − share, if reached."""
    limit = 1 - share + TOLERANCE
    for step in curve:
        if step.numerator * limit.denominator <= limit.numerator * step.denominator:
            return step.duration
    return None


def daily_steps(follow_ups: list[FollowUp]) -> list[tuple[int, int, int, float]]:
    """(day, at risk, observed, completed share) per 24-hour day with a completion."""
    return [
        (
            step.duration,
            step.at_risk,
            step.observed,
            rounded(step.denominator - step.numerator, step.denominator, 6),
        )
        for step in steps(follow_ups, MICROSECONDS_A_DAY)
    ]
