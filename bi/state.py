"""What Superset keeps under the home folder: its metadata, its key and the first password."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from orchestration.settings import Settings


@dataclass(frozen=True)
class State:
    """The folder `<home>/bi/`; nothing in it is read by the warehouse."""

    folder: Path

    @property
    def metadata_file(self) -> Path:
        """Superset's SQLite database: users, roles, imported assets."""
        return self.folder / "superset.db"

    @property
    def teams_file(self) -> Path:
        """Who may see which course: a CSV with the columns team and course_id."""
        return self.folder / "teams.csv"

    @property
    def secret_key(self) -> str:
        """What signs sessions; made at the first call, readable by the owner only."""
        return self._secret("secret_key")

    @property
    def admin_password(self) -> str:
        """The administrator's generated password; made at the first call."""
        return self._secret("admin_password")

    def _secret(self, name: str) -> str:
        path = self.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
        return path.read_text(encoding="utf-8").strip()


def state_of(settings: Settings) -> State:
    """The folder of the dashboards in these settings' home."""
    return State(settings.home / "bi")
