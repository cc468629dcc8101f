"""Who may see what: roles made from the datasets, and the rows of a course team."""

from typing import Any

READ = {
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "Dataset"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "SecurityRestApi"),
    ("can_read", "Theme"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_get", "MenuApi"),
    ("can_dashboard", "Superset"),
    ("can_language_pack", "Superset"),
    ("can_csv", "Superset"),
    ("can_log", "Superset"),
    ("can_recent_activity", "Log"),
    ("can_time_range", "Api"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_list", "DynamicPlugin"),
    ("can_show", "DynamicPlugin"),
    ("can_userinfo", "UserDBModelView"),
    ("can_this_form_get", "ResetMyPasswordView"),
    ("can_this_form_post", "ResetMyPasswordView"),
    ("resetmypassword", "UserDBModelView"),
    ("menu_access", "Dashboards"),
    ("menu_access", "Home"),
}
EVERY_COURSE = "Every course"
WITHOUT_LEARNERS = "Without learners"
TEAM = "Course team: "


def grant_roles(security_manager: Any, teams: dict[str, list[str]]) -> None:
    """Set the project's roles to what they should be; users keep the roles they were given.

    A team that is no longer in `teams` sees no row at all, until its users are given another role.
    """
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    datasets = db.session.query(SqlaTable).all()
    of_learners = [dataset for dataset in datasets if _has(dataset, "learner_id")]
    aggregates = [dataset for dataset in datasets if dataset not in of_learners]
    _set_role(security_manager, EVERY_COURSE, datasets)
    _set_role(security_manager, WITHOUT_LEARNERS, aggregates)
    retired: dict[str, list[str]] = {
        role.name.removeprefix(TEAM): []
        for role in security_manager.get_all_roles()
        if role.name.startswith(TEAM)
    }
    by_course = [dataset for dataset in datasets if _has(dataset, "course_id")]
    for team, courses in {**retired, **teams}.items():
        role = _set_role(security_manager, TEAM + team, datasets)
        _set_rows(role, courses, by_course)


def _has(dataset: Any, column: str) -> bool:
    return any(found.column_name == column for found in dataset.columns)


def _set_role(security_manager: Any, name: str, datasets: list[Any]) -> Any:
    role = security_manager.add_role(name)
    wanted = {*READ, *(("datasource_access", dataset.perm) for dataset in datasets)}
    role.permissions = [
        security_manager.add_permission_view_menu(permission, view) for permission, view in wanted
    ]
    return role


def _set_rows(role: Any, courses: list[str], datasets: list[Any]) -> None:
    """Let a role see the rows of its courses only, in every dataset that has courses."""
    from superset import db
    from superset.connectors.sqla.models import RowLevelSecurityFilter

    rule = db.session.query(RowLevelSecurityFilter).filter_by(name=role.name).one_or_none()
    if rule is None:
        rule = RowLevelSecurityFilter(name=role.name)
        db.session.add(rule)
    ids = ", ".join("'" + course_id.replace("'", "''") + "'" for course_id in courses)
    rule.filter_type = "Regular"
    rule.group_key = "course"
    rule.clause = f"course_id in ({ids})" if ids else "1 = 0"
    rule.roles = [role]
    rule.tables = datasets
