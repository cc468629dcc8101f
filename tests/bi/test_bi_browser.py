"""The dashboards in a real browser: what readers see, on a desk and on a phone."""

import csv
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from playwright import sync_api

from bi.make_bundle import read_pages
from bi.state import state_of
from orchestration.published import connect
from orchestration.refresh import refresh
from tests.bi.conftest import Superset
from tests.chromium import chromium
from tests.orchestration.service import PATIENCE, until

pytestmark = pytest.mark.slow

DESK = {"width": 1440, "height": 4_000}
PHONE = {"width": 390, "height": 7_000}
PAGES = {page["slug"]: page for page in read_pages()}
TEAM, WITHOUT = "Course team: Health", "Without learners"
OTHERS = ["Baking Bread at Home", "Bookkeeping for Small Businesses", "Spanish for Beginners"]
OWN = {"First Aid at Work", "Data Protection Essentials"}


@dataclass
class Reader:
    """Somebody who is logged in, and what went wrong on the pages they saw."""

    address: str
    page: Any
    faults: list[str] = field(default_factory=list)

    def watch(self) -> "Reader":
        here = (self.address, "data:", "blob:")
        self.page.on(
            "response",
            lambda one: self.faults.append(f"{one.status} {one.url}") if one.status >= 400 else 0,
        )
        self.page.on(
            "request",
            lambda one: None if one.url.startswith(here) else self.faults.append(one.url),
        )
        self.page.on(
            "console",
            lambda one: self.faults.append(one.text) if one.type == "error" else None,
        )
        return self

    def open(self, slug: str) -> None:
        """Open a dashboard, and wait until every tile has its answer."""
        self.page.goto(f"{self.address}/superset/dashboard/{slug}/")
        self._settle(slug)

    def reload(self, slug: str) -> None:
        self.page.reload()
        self._settle(slug)

    def _settle(self, slug: str) -> None:
        tiles = [tile["title"] for row in PAGES[slug]["rows"] for tile in row["tiles"]]
        for title in tiles:
            self.tile(title).locator(".slice_container").wait_for()
        # The pages' policy lets no text become a script, so the page can't be asked to wait.
        until(lambda: self.page.locator(".loading").count() == 0, "every tile's answer")

    def tile(self, title: str) -> Any:
        return self.page.locator(f'[data-test-chart-name="{title}"]')

    def number(self, title: str) -> str:
        return str(self.tile(title).locator(".header-line").inner_text())

    def rows(self, title: str) -> list[list[str]]:
        lines = self.tile(title).locator("tbody tr").all()
        return [[text.strip() for text in line.locator("td").all_inner_texts()] for line in lines]

    def errors(self) -> int:
        return int(self.page.locator(".ant-alert-error, [data-test='error-message']").count())


def read(server: Superset, query: str) -> list[tuple[Any, ...]]:
    with connect(server.settings) as snapshot:
        return snapshot.execute(query).fetchall()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def enter(browser, server, logged_in):
    """Log a role in as its user does: by the form."""
    passwords = {name: (user.user, user.password) for name, user in logged_in.items()}
    passwords["Admin"] = ("admin", state_of(server.settings).admin_password)

    def log_in(role: str, screen: dict[str, int] = DESK) -> Reader:
        page = browser.new_context(viewport=screen, accept_downloads=True).new_page()
        page.set_default_timeout(PATIENCE * 1_000)
        reader = Reader(server.address, page).watch()
        until(lambda: _is_let_in(reader, *passwords[role]), f"{role} to be let in")
        page.wait_for_load_state("networkidle")
        return reader

    return log_in


def _is_let_in(reader: Reader, user: str, password: str) -> bool:
    """Fill in the form and send it; one that isn't at work yet sends no name, or nothing."""
    page = reader.page
    reader.faults.clear()
    page.goto(f"{reader.address}/login/")
    page.wait_for_load_state("networkidle")
    if "/login" in page.url:
        page.fill("#username", user)
        page.fill("#password", password)
        page.keyboard.press("Enter")
        with suppress(sync_api.TimeoutError):
            page.wait_for_url(lambda url: "/login" not in url, timeout=30_000)
    return "/login" not in page.url


@pytest.fixture(scope="module")
def administrator(enter):
    return enter("Admin")


@pytest.fixture(scope="module")
def team(enter):
    return enter(TEAM)


@pytest.mark.parametrize("slug", PAGES)
def test_a_dashboard_opens_without_an_error_and_asks_nobody_else(slug, administrator):
    administrator.open(slug)
    assert administrator.errors() == 0
    assert administrator.faults == []


def test_a_phone_shows_the_title_and_scrolls_in_one_direction(enter):
    reader = enter("Admin", PHONE)
    for slug in ("overview", "learner"):
        reader.open(slug)
        title = reader.page.locator("[data-test='editable-title-input']").bounding_box()
        menu = reader.page.locator(".right-button-panel").bounding_box()
        assert title["width"] > 40
        assert title["x"] + title["width"] <= menu["x"]
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert reader.faults == []
    reader.page.context.close()


def test_numbers_on_tiles_are_those_of_the_marts(administrator, server):
    administrator.open("overview")
    ((enrolled, completed),) = read(
        server,
        "select sum(enrolled_learners), sum(completed_learners) from marts.course_completion",
    )
    assert administrator.number("Enrolled") == f"{enrolled:,}"
    assert administrator.number("Completed") == f"{completed:,}"
    assert administrator.number("Completion rate") == f"{completed / enrolled:.1%}"
    ((rejected,),) = read(server, "select new_rejected_lines from marts.refreshes")
    assert administrator.number("Rejected lines") == f"{rejected:,}"
    administrator.open("overdue")
    ((overdue, learners, longest),) = read(
        server,
        "select count(*), count(distinct learner_id), max(overdue_days)"
        " from marts.overdue_learners",
    )
    assert administrator.number("Overdue") == f"{overdue:,}"
    assert administrator.number("Learners") == f"{learners:,}"
    assert administrator.number("Longest overdue") == f"{longest:,.1f}"


def test_a_table_shows_the_rows_of_its_mart(administrator, server):
    administrator.open("completion")
    expected = read(
        server,
        """
        select course_title, enrolled_learners, started_learners, completed_learners,
            completion_rate, average_progress_percentage, ever_enrolled_learners,
            ever_enrolled_completion_rate
        from marts.course_completion order by completion_rate desc nulls last, course_title
        """,
    )
    forms = ["{}", "{:,}", "{:,}", "{:,}", "{:.1%}", "{:,.1f}", "{:,}", "{:.1%}"]
    shown = [
        [
            "N/A" if cell is None else form.format(cell)
            for form, cell in zip(forms, row, strict=True)
        ]
        for row in expected
    ]
    assert administrator.rows("Completion by course") == shown


def test_a_course_team_sees_no_other_course_on_any_dashboard(team, administrator, logged_in):
    administrator.open("overview")
    for slug in PAGES:
        team.open(slug)
        assert team.errors() == 0
        content = team.page.content()
        assert [title for title in OTHERS if title in content] == []
        status, kept = logged_in[TEAM].ask(f"/api/v1/dashboard/{slug}")
        assert status == 200
        assert [title for title in OTHERS if title in str(kept)] == []
    team.open("completion")
    assert {row[0] for row in team.rows("Completion by course")} == OWN
    assert team.faults == []


def test_a_course_team_exports_rows_of_its_courses_only(team, tmp_path):
    team.open("overdue")
    team.tile("Overdue learners").locator("[aria-label='More Options']").click()
    team.page.get_by_text("Download", exact=True).hover()
    with team.page.expect_download() as begun:
        team.page.get_by_text("Export to .CSV", exact=True).click()
    file = tmp_path / "overdue.csv"
    begun.value.save_as(file)
    rows = list(csv.DictReader(file.open(encoding="utf-8-sig")))
    assert {row["Course title"] for row in rows} == OWN


def test_a_role_without_learners_opens_its_dashboards_without_a_refusal(enter):
    reader = enter(WITHOUT)
    for slug in ("overview", "completion", "drop-off", "time-to-complete"):
        reader.open(slug)
        assert reader.errors() == 0
    assert reader.faults == []
    reader.page.context.close()


@pytest.mark.parametrize("path", ["/sqllab/", "/explore/?slice_id=1", "/users/list/"])
def test_a_course_team_has_no_sql_lab_and_makes_no_chart(path, enter):
    reader = enter(TEAM)
    reader.page.goto(reader.address + path)
    reader.page.wait_for_load_state("networkidle")
    seen = reader.page.inner_text("body")
    refused = "403 Forbidden" in seen or reader.page.url.rstrip("/") == reader.address
    assert refused or "Access is denied" in seen, seen[:500]
    reader.page.context.close()


def test_a_refresh_underneath_shows_when_the_page_is_loaded_again(administrator, server):
    administrator.open("overview")
    before = administrator.number("As of")
    refresh(server.settings, as_of=datetime(2025, 7, 15))
    administrator.reload("overview")
    assert before != administrator.number("As of") == "2025-07-15 00:00"
    assert len(administrator.rows("Refreshes")) == 2
