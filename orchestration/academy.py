"""The demo: the shipped story of a small academy, landed, refreshed and reported on."""

from datetime import datetime

from orchestration import raw
from orchestration.models import Progress
from orchestration.refresh import RefreshResult, refresh
from orchestration.settings import PROJECT_ROOT, Settings

ACADEMY = PROJECT_ROOT / "seeds" / "academy"
STORY_ENDS_AT = datetime(2025, 7, 1)


class HomeInUse(Exception):
    """The home folder holds files that are not the academy's; the message says what to do."""


def refresh_academy(settings: Settings, *, progress: Progress | None = None) -> RefreshResult:
    """Land the academy's files and refresh as of the story's end; a second time changes nothing.

    Raises:
        HomeInUse: other files have landed in this home; nothing was done.
    """
    shipped = {path.name for path in ACADEMY.glob("*/*")}
    with raw.opened(settings) as connection:
        landed = connection.execute("select distinct file from raw.landed_files").fetchall()
    strangers = sorted(file for (file,) in landed if file not in shipped)
    if strangers:
        raise HomeInUse(
            f"{settings.home} holds {len(strangers):,} files that are not the demo's"
            f" ({strangers[0]}): set LEARNER_PROGRESS_HOME to an empty folder for the demo."
        )
    return refresh(settings, as_of=STORY_ENDS_AT, paths=[ACADEMY], progress=progress)
