"""What a message says: what failed, since when, what readers see meanwhile, where to look."""

import socket
from datetime import datetime
from typing import Any

import duckdb

from orchestration import published
from orchestration.alerts.delivery import Message
from orchestration.alerts.memory import Outage
from orchestration.faults import Fault
from orchestration.freshness import Finding
from orchestration.output import plain
from orchestration.settings import Settings
from orchestration.warehouse import utc_now


def of_failure(
    settings: Settings, subject: str, fault: Fault, *, since: datetime, run_id: str | None
) -> Message:
    """Something fails from now on; readers keep what they have."""
    text = f"{subject} fails since {_minute(since)}: {fault.what}"
    values = {"failed": list(fault.nodes), "what": fault.what, "since": since, "until": None}
    return _message(settings, "failure", subject, text, values, run_id)


def of_recovery(
    settings: Settings, subject: str, outage: Outage, *, until: datetime, run_id: str | None
) -> Message:
    """Something works again."""
    times = "once" if outage.times == 1 else f"{outage.times} times"
    text = (
        f"{subject} works again since {_minute(until)}. It had failed {times} since"
        f" {_minute(outage.since)}: {outage.what}"
    )
    values = {"failed": [], "what": outage.what, "since": outage.since, "until": until}
    return _message(settings, "recovery", subject, text, values, run_id)


def of_freshness(
    settings: Settings, finding: Finding, outage: Outage | None, *, at: datetime
) -> Message:
    """A check is no longer fresh, or is again where it was an outage."""
    if outage is None:
        event, text = "stale", f"not fresh since {_minute(at)}: {finding.message}"
        values: dict[str, Any] = {"since": at, "until": None}
    else:
        event = "fresh"
        text = f"fresh again since {_minute(at)}: {finding.message}"
        text += f" It had not been since {_minute(outage.since)}."
        values = {"since": outage.since, "until": at}
    values |= {"failed": [], "what": finding.message}
    values |= {"value": finding.value, "limit": finding.limit}
    return _message(settings, event, finding.check, text, values, None)


def _message(
    settings: Settings,
    event: str,
    subject: str,
    text: str,
    values: dict[str, Any],
    run_id: str | None,
) -> Message:
    snapshot, readers = _readers(settings, "keep" if event == "failure" else "see")
    url = f"{settings.ui_url}/runs/{run_id}" if run_id and settings.ui_url else None
    home = f"{socket.gethostname()}:{settings.home}"
    lines = [f"learner-progress: {text}", readers]
    lines += [f"Run: {url or run_id}"] if run_id else []
    message = {
        "text": "\n".join([*lines, f"Home: {home}"]),
        "event": event,
        "subject": subject,
        **values,
        "snapshot": snapshot,
        "run_id": run_id,
        "run_url": url,
        "home": home,
    }
    return {name: plain(value) for name, value in message.items()}


def _readers(settings: Settings, see: str) -> tuple[dict[str, Any] | None, str]:
    """What readers see meanwhile, as values and as a sentence."""
    try:
        row = published.latest_refresh(settings)
    except (OSError, duckdb.Error):
        return None, "The snapshot can't be read: readers may see nothing."
    if row is None:
        return None, "Readers have no snapshot yet."
    values: dict[str, Any] = {name: row[name] for name in ("refresh_id", "as_of", "published_at")}
    age = (utc_now() - values["published_at"]).total_seconds()
    return {**values, "age_seconds": round(age)}, (
        f"Readers {see} refresh {values['refresh_id']}, as of {_minute(values['as_of'])},"
        f" published {age / 3_600:,.1f} hours ago."
    )


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
