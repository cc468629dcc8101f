"""The printed report: one page that says what the marts say, and loads nothing."""

import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration import printed, published
from orchestration.cli import cli
from orchestration.printed import figures
from orchestration.refresh import parse_instant, refresh
from orchestration.settings import Settings, load_settings
from orchestration.time_travel.as_of import NoSnapshotAsOf
from orchestration.time_travel.past import make_snapshots
from tests.chromium import chromium

TITLE = "<script>alert(1)</script> $x^2$ & “Größe” \u202e 🎓 " + "long " * 20


class Page(HTMLParser):
    """The texts of a page, cell by cell, and what its tags point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.targets: list[str] = []
        self.names: list[str] = []
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "data", "action", "srcset"}:
                self.targets.append(value or "")
            if name == "id":
                self.names.append(value or "")
        self._open = tag == "td"
        if self._open:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = False


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(home=tmp_path_factory.mktemp("printed") / "home", _env_file=None)
    rows = {
        "courses/c.csv": ["course_id,title", f'c1,"{TITLE}"', "c2,Empty"],
        "lessons/l.csv": ["course_id,lesson_id,position,title", "c1,l1,1,One", "c1,l2,2,Two"],
        "enrollments/e.csv": [
            "learner_id,course_id,enrolled_at",
            *(f"ann-{n},c1,2025-01-01T00:00:00Z" for n in range(60)),
        ],
        "deadlines/d.csv": ["course_id,due_at", "c1,2025-02-01T00:00:00Z"],
        "events/e.csv": [
            "event_type,learner_id,course_id,lesson_id,occurred_at",
            "lesson_viewed,ann-1,c1,l1,2025-01-02T00:00:00Z",
            "lesson_completed,ann-0,c1,l1,2025-01-02T00:00:00Z",
            "lesson_completed,ann-0,c1,l2,2025-01-05T00:00:00Z",
        ],
    }
    for name, lines in rows.items():
        file = settings.landing / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    refresh(settings, as_of=parse_instant("2025-03-01T00:00:00Z"))
    return settings


def test_the_page_loads_nothing_and_runs_nothing(small: Settings) -> None:
    page = Page(printed.page(small))
    assert {"script", "link", "img", "iframe"}.isdisjoint(page.tags)
    assert all(target.startswith("#") for target in page.targets)


def test_every_chart_has_a_name_for_those_who_cannot_see_it(small: Settings) -> None:
    text = printed.page(small)
    charts = re.findall(r"<svg [^>]*>", text)
    assert len(charts) == 4
    assert all('role="img"' in chart and 'aria-label="' in chart for chart in charts)


def test_what_a_chart_defines_is_named_once_in_the_page(small: Settings) -> None:
    names = Page(printed.page(small)).names
    assert len(names) == len(set(names))


def test_the_tables_say_what_the_marts_say(small: Settings) -> None:
    cells = Page(printed.page(small)).cells
    row = cells[cells.index(TITLE) :][:7]
    mart = published.read_table("course_completion", small).set_index("course_id").loc["c1"]
    assert row[1:6] == ["2", "60", "2", "1", "1.7 %"]
    assert mart[["enrolled_learners", "started_learners", "completed_learners"]].tolist() == [
        60,
        2,
        1,
    ]
    assert row[6] == f"{mart['average_progress_percentage']:.1f} %"


def test_an_empty_group_is_a_dash(small: Settings) -> None:
    cells = Page(printed.page(small)).cells
    assert cells[cells.index("Empty") :][:7] == ["Empty", "0", "0", "0", "0", "–", "–"]


def test_the_longest_overdue_are_listed_and_the_others_counted(small: Settings) -> None:
    text = printed.page(small)
    assert "50 of 59" in text
    assert Page(text).cells.count("2025-02-01 00:00") == 50


def test_courses_beyond_the_limit_are_summed(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "COURSES", 1)
    cells = Page(printed.page(small)).cells
    assert "Empty" not in cells
    assert cells[cells.index("1 other courses") :][:5] == ["1 other courses", "", "0", "0", "0"]


def test_a_warehouse_without_courses_has_a_page(settings: Settings) -> None:
    refresh(settings)
    cells = Page(printed.page(settings)).cells
    assert "No course has landed yet." in cells


def test_the_command_writes_the_page(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(small.home))
    file = tmp_path / "new" / "report.html"
    result = CliRunner().invoke(cli, ["report", "--html", str(file)])
    assert result.exit_code == 0
    assert file.read_text(encoding="utf-8") == printed.page(small)
    assert [entry.name for entry in file.parent.iterdir()] == ["report.html"]
    assert CliRunner().invoke(cli, ["report", "overdue", "--html", str(file)]).exit_code == 2


@pytest.mark.slow
def test_the_command_writes_the_page_of_the_past(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(small.home))
    file = tmp_path / "report.html"
    asked = ["report", "--html", str(file), "--as-of", "2025-01-03T00:00:00Z"]
    missing = CliRunner().invoke(cli, asked)
    assert isinstance(missing.exception, NoSnapshotAsOf)
    assert not file.exists()
    make_snapshots(small, [datetime(2025, 1, 3)])
    assert CliRunner().invoke(cli, asked).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert "2025-01-03 00:00 UTC" in text
    assert "No one is overdue." in text
    assert file.read_text(encoding="utf-8") != printed.page(small)


@pytest.mark.slow
def test_a_browser_opens_and_prints_the_page_without_a_network(
    small: Settings, tmp_path: Path
) -> None:
    file = printed.write_page(small, tmp_path / "report.html")
    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: asked.append(message.text))
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        paper = page.pdf()
    assert asked == [file.as_uri()]
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") >= 2
