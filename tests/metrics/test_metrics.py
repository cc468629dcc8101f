"""MetricFlow's metrics give the marts' figures."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from orchestration.academy import refresh_academy
from orchestration.metrics import METRICS, enter_metrics
from orchestration.published import connect
from orchestration.settings import PROJECT_ROOT, Settings, load_settings

pytestmark = pytest.mark.slow

COURSE = "course__course_title"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Settings:
    settings = load_settings(home=tmp_path_factory.mktemp("metrics") / "home", _env_file=None)
    refresh_academy(settings)
    return settings


@pytest.fixture(scope="module")
def ask(home):
    """Ask MetricFlow for metrics by dimensions: rows in order of the dimensions."""
    pytest.importorskip("dbt_metricflow")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LEARNER_PROGRESS_HOME", "DBT_PROFILES_DIR", "DBT_PROJECT_DIR"):
            patch.setenv(name, "")
        patch.chdir(PROJECT_ROOT)
        enter_metrics(home)
        from dbt_metricflow.cli.cli_configuration import CLIConfiguration
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        configured = CLIConfiguration()
        configured.setup(dbt_profiles_path=METRICS, dbt_project_path=METRICS)

        def rows(metrics: str, *by: str) -> list[tuple[object, ...]]:
            request = MetricFlowQueryRequest.create(metric_names=metrics.split(), group_by_names=by)
            table = configured.mf.query(request).result_df
            places = [table.column_names.index(name) for name in (*by, *metrics.split())]
            return in_order([row[place] for place in places] for row in table.rows)

        yield rows
        configured.dbt_artifacts.adapter.connections.cleanup_all()


def in_order(rows) -> list[tuple[object, ...]]:
    """Rounded as the marts are, times as days."""
    return sorted((tuple(plain(cell) for cell in row) for row in rows), key=repr)


def plain(cell):
    if hasattr(cell, "isoformat"):
        return str(pd.Timestamp(cell).date())
    if cell is None or cell != cell:
        return None
    return cell if isinstance(cell, str) else round(float(cell), 6)


def mart(home: Settings, query: str) -> list[tuple[object, ...]]:
    with connect(home) as snapshot:
        return in_order(snapshot.execute(query).fetchall())


def test_completion_by_course_is_that_of_the_mart(home, ask):
    figures = "enrolled_learners started_learners completed_learners completion_rate"
    expected = mart(
        home,
        "select course_title, enrolled_learners, started_learners, completed_learners,"
        " completion_rate from marts.course_completion",
    )
    assert ask(figures, COURSE) == expected


def test_completion_by_month_of_enrollment_is_that_of_the_cohorts(home, ask):
    expected = mart(
        home,
        "select course_title, cohort_month, enrolled_learners, completion_rate"
        " from marts.enrollment_cohorts"
        " inner join (select course_id, course_title from marts.course_completion)"
        " using (course_id) where enrolled_learners > 0",
    )
    found = ask("enrolled_learners completion_rate", COURSE, "enrollment__enrolled_at__month")
    assert [row for row in found if row[2]] == expected


def test_the_rate_over_all_courses_is_of_the_sums(home, ask):
    expected = mart(
        home,
        "select round(sum(completed_learners) / sum(enrolled_learners), 6)"
        " from marts.course_completion",
    )
    assert ask("completion_rate") == expected


def test_drop_off_by_lesson_is_that_of_the_mart(home, ask):
    expected = mart(
        home,
        "select course_title, lesson_title, viewed_learners, drop_off_rate"
        " from marts.lesson_drop_off inner join marts.course_completion using (course_id)",
    )
    assert ask("viewed_learners drop_off_rate", COURSE, "lesson__lesson_title") == expected


def test_overdue_learners_are_those_of_the_mart(home, ask):
    query = "select {} count(distinct learner_id), count(*) from marts.overdue_learners {}"
    figures = "overdue_learners overdue_enrollments"
    assert ask(figures) == mart(home, query.format("", ""))
    assert ask(figures, COURSE) == mart(home, query.format("course_title,", "group by 1"))


def test_medians_by_course_are_those_of_the_mart(home, ask):
    expected = mart(
        home,
        "select course_title, median_days, round(completers_median_days, 3)"
        " from marts.time_to_complete inner join marts.course_completion using (course_id)",
    )
    found = ask("median_days completers_median_days", COURSE)
    nearly = [
        (course, days, last if last is None else round(last, 3)) for course, days, last in found
    ]
    assert nearly == expected


def test_active_learners_by_day_are_those_of_the_mart(home, ask):
    expected = mart(
        home, "select activity_date, sum(active_learners) from marts.daily_activity group by 1"
    )
    assert ask("active_learners", "metric_time__day") == expected


def run(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "orchestration.metrics", *arguments],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", "LEARNER_PROGRESS_HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_metricflow_finds_its_configuration_sound(home, tmp_path):
    validated = run(home.home, "validate-configs")
    assert validated.returncode == 0, validated.stdout
    assert "FUTURE_ERRORS: 0" in validated.stdout
    assert "(ERRORS: 0" in validated.stdout


def test_without_a_snapshot_metrics_say_what_to_do(tmp_path):
    refused = run(tmp_path, "query", "--metrics", "completion_rate")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: Nothing is published")
    assert len(refused.stderr.splitlines()) == 1
