"""Who is told when something fails, goes stale, or works again: once an outage, and once after."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from orchestration import faults
from orchestration.alerts.delivery import Message, targets
from orchestration.alerts.memory import State, tell
from orchestration.alerts.messages import of_failure, of_freshness, of_recovery
from orchestration.faults import Fault
from orchestration.freshness import CHECKS, Finding, findings
from orchestration.refresh import InvalidInstant
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseBusy, utc_now

__all__ = ["failed", "judged", "judged_now", "targets", "watched", "worked"]

_NO_OUTAGE = (WarehouseBusy, InvalidInstant)


def failed(
    settings: Settings, subject: str, fault: Fault, *, at: datetime, run_id: str | None = None
) -> list[str]:
    """Tell that something fails, unless that was told already or it worked since.

    Args:
        subject: what fails, such as `refresh`; it fails until it has worked.
        at: when it failed, UTC without a zone.
        run_id: the run of Dagster, to which the message links.

    Returns:
        Why messages didn't arrive; they are kept, and sent again by a later call.
    """

    def change(state: State) -> list[Message]:
        if at <= state.worked.get(subject, datetime.min):
            return []
        if outage := state.outages.get(subject):
            outage.times += 1
            return []
        state.begin(subject, since=at, what=fault.what)
        return [of_failure(settings, subject, fault, since=at, run_id=run_id)]

    return tell(settings, change)


def worked(
    settings: Settings, subject: str, *, at: datetime, run_id: str | None = None
) -> list[str]:
    """Tell that something works again, if it was told to fail; returns what `failed` does."""

    def change(state: State) -> list[Message]:
        state.worked[subject] = max(at, state.worked.get(subject, datetime.min))
        outage = state.outages.get(subject)
        if outage is None or at <= outage.since:
            return []
        del state.outages[subject]
        return [of_recovery(settings, subject, outage, until=at, run_id=run_id)]

    return tell(settings, change)


def judged(
    settings: Settings, found: Sequence[Finding], *, at: datetime | None = None
) -> list[str]:
    """Tell of each check that is no longer fresh, or is again; returns what `failed` does."""
    now = at or utc_now()

    def change(state: State) -> list[Message]:
        messages = []
        for finding in found:
            outage = state.outages.get(finding.check)
            if finding.ok != (outage is None):
                messages.append(of_freshness(settings, finding, outage, at=now))
            if finding.ok:
                state.outages.pop(finding.check, None)
            elif outage is None:
                state.begin(finding.check, since=now, what=finding.message)
        if any(finding.value is not None for finding in found):
            # Without a snapshot few checks are judged; else the others were switched off.
            for check in CHECKS.keys() - {finding.check for finding in found}:
                state.outages.pop(check, None)
        return messages

    return tell(settings, change)


def judged_now(settings: Settings) -> list[str]:
    """Judge the snapshot, and tell; a fault in that is among what is returned."""
    return _quietly(lambda: judged(settings, findings(settings)))


@contextmanager
def watched(settings: Settings, problems: list[str]) -> Iterator[None]:
    """Tell of a refresh in the block that fails or works again, and of what isn't fresh after it.

    Nothing that goes wrong in the telling reaches the block: it is added to `problems`.
    """
    try:
        yield
    except _NO_OUTAGE:
        raise
    except Exception as error:
        fault = faults.fault_of(error)
        problems += _quietly(lambda: failed(settings, "refresh", fault, at=utc_now()))
        raise
    problems += _quietly(lambda: worked(settings, "refresh", at=utc_now()))
    problems += judged_now(settings)


def _quietly(telling: Callable[[], list[str]]) -> list[str]:
    try:
        return telling()
    except Exception as error:
        return [f"The alert could not be made: {faults.fault_of(error).what}"]
