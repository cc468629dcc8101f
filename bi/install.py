"""Runs inside Superset's environment: its database, the administrator, the bundle, the roles."""

import csv
import logging
import sys
from pathlib import Path

from bi.state import State, state_of
from orchestration.settings import load_settings

BUNDLE = Path(__file__).parent / "bundle"


class UnreadableTeams(Exception):
    """The teams' file can't be used; the message says where and what to do."""


def read_teams(state: State) -> dict[str, list[str]]:
    """The courses of each course team, from `<home>/bi/teams.csv`; none without the file.

    Raises:
        UnreadableTeams: a column is missing or a cell is empty; no role was changed.
    """
    if not state.teams_file.exists():
        return {}
    teams: dict[str, list[str]] = {}
    with state.teams_file.open(encoding="utf-8-sig", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            team, course_id = (row.get("team") or "").strip(), row.get("course_id") or ""
            if not team or not course_id:
                raise UnreadableTeams(
                    f"Line {line} of {state.teams_file} needs a team and a course_id: mend it and"
                    " run `make bi` again."
                )
            teams.setdefault(team, []).append(course_id)
    return teams


def install(state: State) -> None:
    """Bring Superset's own database, the administrator, the bundle and the roles up to date.

    Raises:
        UnreadableTeams: before anything was changed.
    """
    teams = read_teams(state)
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_migrate import upgrade

        upgrade()
        # Migrations switch everybody's loggers on.
        logging.disable(logging.WARNING)
    app = create_app()
    with app.app_context():
        from superset import appbuilder, db, security_manager

        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        _administrator(security_manager, state.admin_password)
        _import_bundle(security_manager)
        from bi.access import grant_roles

        grant_roles(security_manager, teams)
        db.session.commit()


def _administrator(security_manager, password: str) -> None:  # type: ignore[no-untyped-def]
    if security_manager.find_user("admin") is None:
        admin = security_manager.find_role("Admin")
        security_manager.add_user("admin", "Admin", "", "admin@localhost", admin, password)


def _import_bundle(security_manager) -> None:  # type: ignore[no-untyped-def]
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    contents = {
        str(file.relative_to(BUNDLE)): file.read_text(encoding="utf-8")
        for file in sorted(BUNDLE.rglob("*.yaml"))
    }
    with override_user(security_manager.find_user("admin")):
        ImportAssetsCommand(contents).run()


def main() -> None:
    """Install for the settings' home; a foreseeable fault is one sentence and exit code 1."""
    try:
        install(state_of(load_settings()))
    except UnreadableTeams as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
