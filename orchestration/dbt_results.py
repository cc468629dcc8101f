"""What dbt says of a command that ran, in the project's own words."""

from collections.abc import Sequence
from typing import Any

from orchestration.builds import Outcome


def outcome_of(result: Any) -> Outcome:
    """What became of one model or test."""
    return Outcome(
        unique_id=result.node.unique_id,
        status=str(result.status),
        seconds=result.execution_time,
        failing_rows=result.failures,
        message=_one_line(result.message or ""),
        sql=getattr(result.node, "compiled_code", None) or "",
    )


def failures(outcome: Any, told: Sequence[str] = ()) -> str:
    """A sentence that names each part of a command that failed, with the reason.

    Args:
        told: what an operation said as it failed, which then is the whole reason.
    """
    results = getattr(outcome.result, "results", None)
    if told:
        return f"The cluster can't be prepared: {'; '.join(map(_one_line, told))}"
    if results is None:
        return f"dbt can't read the models: {_one_line(outcome.exception)}"
    failed = [
        f"{result.node.resource_type} {result.node.name} ({_one_line(result.message)})"
        for result in results
        if result.status in {"error", "fail", "runtime error"}
    ]
    return f"{len(failed)} of the models and tests failed: {'; '.join(failed)}"


def _one_line(message: object) -> str:
    line = " ".join(str(message).split()).partition(" > in macro")[0]
    return line.partition(" at org.apache.spark.")[0]
