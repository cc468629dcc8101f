"""What the analysts' page says runs as it stands, on the shipped academy."""

import json
import re
from pathlib import Path

import pytest

from orchestration import academy, published
from orchestration.settings import PROJECT_ROOT, Settings, load_settings

PAGE = (PROJECT_ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"\*\*(.+?)\*\*[^`]*```sql\n(.*?)```", PAGE, re.DOTALL)
NOTEBOOK = PROJECT_ROOT / "notebooks" / "first_look.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(home=tmp_path_factory.mktemp("analysts") / "home", _env_file=None)
    academy.refresh_academy(settings)
    return settings


def test_there_are_ten_queries() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize(("question", "query"), QUERIES)
def test_a_query_of_the_page_has_an_answer(home: Settings, question: str, query: str) -> None:
    columns, rows = published.run_query(query, home)
    assert rows
    assert all(any(row[column] is not None for row in rows) for column in columns)


def test_who_never_started_is_enrolled_without_an_event(home: Settings) -> None:
    _, rows = published.run_query(QUERIES[0][1], home)
    progress = published.read_table("course_progress", home)
    waiting = progress[(progress.enrollment_status == "active") & progress.first_accessed_at.isna()]
    assert sum(row["never_started"] for row in rows) == len(waiting)


def test_after_thirty_days_the_curve_has_one_value_a_course(home: Settings) -> None:
    _, rows = published.run_query(QUERIES[4][1], home)
    curve = published.read_table("completion_curve", home).query("day <= 30")
    last = curve.sort_values("day").groupby("course_id").completed_share.last()
    assert {row["course_id"]: row["completed_share_after_30_days"] for row in rows} == dict(last)


def test_the_notebook_runs_from_top_to_bottom(
    home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(home.home))
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    assert names["worst"].iloc[0].drop_off_rank == 1  # type: ignore[attr-defined]
