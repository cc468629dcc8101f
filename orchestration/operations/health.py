"""Whether readers are served: a snapshot is there, can be read, and is young enough."""

from typing import Any

from orchestration.published import latest_refresh
from orchestration.settings import Settings
from orchestration.warehouse import utc_now

MAX_AGE_HOURS = 3.0
"""Three refreshes of the hourly schedule."""


def health(settings: Settings, *, max_age_hours: float = MAX_AGE_HOURS) -> dict[str, Any]:
    """Look at the snapshot only: it waits for no one.

    Keys: ok; message, a sentence; refresh_id, as_of, published_at (UTC) and age_hours, all None
    before the first refresh; max_age_hours.
    """
    newest = latest_refresh(settings) or dict.fromkeys(["refresh_id", "as_of", "published_at"])
    published_at: Any = newest["published_at"]
    age = None
    if published_at is None:
        message = f"Nothing is published in {settings.published}: run `learner-progress refresh`."
    else:
        age = (utc_now() - published_at).total_seconds() / 3600
        message = f"The snapshot is {age:,.1f} hours old"
        message += "." if age <= max_age_hours else f", more than {max_age_hours:g}: see the runs."
    return {
        "ok": age is not None and age <= max_age_hours,
        "message": message,
        "refresh_id": newest["refresh_id"],
        "as_of": newest["as_of"],
        "published_at": published_at,
        "age_hours": None if age is None else round(age, 2),
        "max_age_hours": max_age_hours,
    }
