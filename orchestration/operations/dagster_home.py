"""Dagster's folder: its settings, and the environment of the processes that serve it."""

import os
import re
import secrets
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from orchestration.models import DBT_PROJECT
from orchestration.settings import PREFIX, Settings

POSTGRES_URL = f"{PREFIX}DAGSTER_POSTGRES_URL"

_OURS = "# Written "
HEAD = f"{_OURS}at every start; take this line away to keep what you change.\n"

_STORAGE = f"""\
storage:
  postgres:
    postgres_url:
      env: {POSTGRES_URL}
"""

_RETENTION = """\
retention:
  schedule:
    purge_after_days: {days}
  sensor:
    purge_after_days: {{skipped: 7, started: {days}, success: {days}, failure: {days}}}
"""


class PostgresMissing(Exception):
    """Dagster is to use PostgreSQL, but can't; the message says what to install."""


def prepare_dagster_home(settings: Settings, instance: str) -> None:
    """Make Dagster's folder and write its `dagster.yaml`, unless an operator has made it theirs.

    Args:
        instance: YAML that holds for every home; storage and retention follow from the settings.

    Raises:
        PostgresMissing: nothing was written.
    """
    text = HEAD + instance
    if settings.dagster_postgres_url.get_secret_value():
        if find_spec("dagster_postgres") is None:
            raise PostgresMissing(
                f"{POSTGRES_URL} is set, but dagster-postgres is not installed: install"
                " learner-progress with the extra `postgres`."
            )
        text += _STORAGE
    if settings.history_days is not None:
        text += _RETENTION.format(days=settings.history_days)
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    file = settings.dagster_home / "dagster.yaml"
    if file.exists() and not file.read_text(encoding="utf-8").startswith(_OURS):
        return
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def enter_dagster_home(settings: Settings) -> None:
    """Tell this process, and those it starts, where Dagster's home is and where dbt writes.

    The address of PostgreSQL goes by the environment, so that its password is in no file of ours.
    """
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    if url := settings.dagster_postgres_url.get_secret_value():
        # With no driver named, SQLAlchemy takes another one than dagster-postgres brings.
        os.environ[POSTGRES_URL] = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", url)
    # Dagster looks for dbt on the PATH.
    tools = Path(sys.executable).parent
    os.environ["PATH"] = os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)])
    state = settings.home / "dbt" / "dagster"
    os.environ["DBT_TARGET_PATH"] = str(state)
    # What the set-up parsed, so that a run doesn't parse it all again.
    parsed = DBT_PROJECT / "target" / "partial_parse.msgpack"
    if parsed.exists() and not (state / parsed.name).exists():
        state.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(parsed, state / parsed.name)
