"""Whether what readers see is fresh: checks of the snapshot, in each refresh and between them."""

import json
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from orchestration import alerts
from orchestration.freshness import CHECKS, Finding, findings
from orchestration.settings import load_settings

SNAPSHOT = dg.AssetKey(["published", "learner_progress"])
_SECONDS = 5 * 60
_WARN = dg.AssetCheckSeverity.WARN


def freshness_policy() -> dg.FreshnessPolicy | None:
    """How old the snapshot's asset may get, as Dagster shows it; None where there is no limit."""
    hours = load_settings().max_snapshot_age_hours
    return dg.FreshnessPolicy.time_window(timedelta(hours=hours)) if hours else None


@dg.multi_asset_check(
    name="freshness",
    specs=[
        dg.AssetCheckSpec(name, asset=SNAPSHOT, description=description)
        for name, description in CHECKS.items()
    ],
)
def freshness_checks() -> Iterator[dg.AssetCheckResult]:
    """Judge the snapshot that readers have; nothing fails for it but the check."""
    found = {finding.check: finding for finding in findings(load_settings())}
    for name in CHECKS:
        passed, metadata = _shown(found.get(name))
        yield dg.AssetCheckResult(check_name=name, passed=passed, severity=_WARN, metadata=metadata)


@dg.sensor(
    name="freshness",
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def freshness_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Judge the snapshot between refreshes, show what changed, and tell of it; start no run."""
    settings = load_settings()
    found = findings(settings)
    for problem in alerts.judged(settings, found):
        context.log.warning(problem)
    shown = json.loads(context.cursor or "{}")
    changed = [finding for finding in found if shown.get(finding.check) != finding.ok]
    if not changed:
        bad = [finding.message for finding in found if not finding.ok]
        return dg.SkipReason(" ".join(bad) or "All is fresh.")
    return dg.SensorResult(
        asset_events=[_evaluation(finding) for finding in changed],
        cursor=json.dumps({finding.check: finding.ok for finding in found}),
    )


def _evaluation(finding: Finding) -> dg.AssetCheckEvaluation:
    passed, metadata = _shown(finding)
    return dg.AssetCheckEvaluation(
        asset_key=SNAPSHOT,
        check_name=finding.check,
        passed=passed,
        severity=_WARN,
        metadata={name: dg.MetadataValue.text(str(value)) for name, value in metadata.items()},
    )


def _shown(finding: Finding | None) -> tuple[bool, dict[str, str | float]]:
    if finding is None:
        return True, {"message": "Switched off by its setting."}
    values = {"value": finding.value, "limit": finding.limit}
    figures = {name: float(value) for name, value in values.items() if value is not None}
    return finding.ok, {"message": finding.message, **figures}
