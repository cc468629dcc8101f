"""Dagster's UI in a real browser: what operators see and click, from a fresh home on."""

import json
import re
import shutil
from functools import partial

import pytest

from orchestration import published
from orchestration.academy import ACADEMY
from orchestration.landing import SOURCES
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_warehouse, writer_lock
from tests.chromium import chromium
from tests.orchestration.service import PATIENCE, SELECTOR, Service, serving, until

pytestmark = pytest.mark.slow

AUTOMATIONS = """
query ($selector: RepositorySelector!) {
  schedulesOrError(repositorySelector: $selector) {
    ... on Schedules { results { name state: scheduleState { status } } } }
  sensorsOrError(repositorySelector: $selector) {
    ... on Sensors { results { name state: sensorState { status } } } } }
"""
CLICK_SWITCH = """
name => {
  const middle = one => { const box = one.getBoundingClientRect(); return box.y + box.height / 2 }
  const named = [...document.querySelectorAll("a, span, div")].find(
    one => !one.children.length && one.textContent === name)
  if (!named) return false
  const off = one => Math.abs(middle(one) - middle(named))
  const switches = [...document.querySelectorAll("label[class*=formatSwitch]")]
  const nearest = switches.sort((a, b) => off(a) - off(b))[0]
  if (!nearest || off(nearest) > 40) return false
  nearest.click()
  return true
}
"""
"""Clicks the switch at the height of a name; false while the page is not yet drawn."""
SCREEN = {"width": 1280, "height": 700}
ROOMS = ["landing", "raw", "staging", "progress", "marts", "published", "readers", "as_of"]


@pytest.fixture(scope="module")
def page():
    with chromium() as browser:
        page = browser.new_page(viewport=SCREEN)
        page.set_default_timeout(PATIENCE * 1_000)
        yield page


@pytest.fixture(scope="module")
def service(tmp_path_factory, page):
    home = tmp_path_factory.mktemp("browser") / "home"
    for source in SOURCES:
        (home / "landing" / source).mkdir(parents=True)
        if (ACADEMY / source).is_dir():
            shutil.copytree(ACADEMY / source, home / "landing" / source, dirs_exist_ok=True)
    settings = {"REFRESH_CRON": "* * * * *", "LANDING_REST_SECONDS": ""}
    names = {f"LEARNER_PROGRESS_{name}": value for name, value in settings.items()}
    with serving(home, **names) as service:
        yield service


@pytest.fixture(scope="module")
def settings(service) -> Settings:
    return load_settings(home=service.home, _env_file=None)


def started_by(service: Service, what: str) -> list[str]:
    return [name for name, run in service.runs().items() if what in run["tags"].values()]


def refreshes(service: Service) -> set[str]:
    return {name for name, run in service.runs().items() if run["jobName"] == "refresh"}


def show(page, service: Service, path: str, *texts: str, picture: str = "") -> None:
    """Open a page and wait for texts on it."""
    page.goto(service.url + path)
    for text in texts:
        page.get_by_text(text, exact=True).first.wait_for()
    if picture:
        page.wait_for_timeout(2_000)
        page.screenshot(path=service.home / f"{picture}.png")


def flip(page, service: Service, automation: str) -> None:
    """Click the switch of a schedule or sensor on the page Automation, until it has turned."""
    before = is_on(service, automation)

    def turned() -> bool:
        # A click on a page that is still being drawn can be lost.
        show(page, service, "/automation", automation)
        page.locator("label[class*=formatSwitch]").first.wait_for()
        if is_on(service, automation) == before and page.evaluate(CLICK_SWITCH, automation):
            page.wait_for_timeout(3_000)
        return is_on(service, automation) != before

    until(turned, f"the switch of {automation}")


def is_on(service: Service, automation: str) -> bool:
    answer = service.ask(AUTOMATIONS, selector=SELECTOR)
    every = [one for kind in answer.values() for one in kind["results"]]
    return {one["name"]: one["state"]["status"] for one in every}[automation] == "RUNNING"


def test_the_schedule_is_on_and_its_tick_starts_a_run(page, service, settings):
    show(page, service, "/automation", "refresh_regularly", "refresh_after_landing")
    assert is_on(service, "refresh_regularly")
    until(lambda: started_by(service, "refresh_regularly"), "the schedule's tick")
    flip(page, service, "refresh_regularly")
    run = started_by(service, "refresh_regularly")[-1]
    assert service.ended(run) == "SUCCESS"
    until(lambda: started_by(service, "report_after_publish"), "the report's run")
    show(page, service, f"/runs/{run}", "Success", picture="run")


def _says(page, text: str) -> bool:
    return text in page.inner_text("body")


def test_the_graph_shows_every_room_and_asset(page, service):
    show(page, service, "/asset-groups", *ROOMS, picture="lineage")
    nodes = service.ask("{ assetNodes { groupName assetKey { path } description } }")["assetNodes"]
    assert {node["groupName"] for node in nodes} == set(ROOMS)
    # The list shows what fits on the screen.
    page.set_viewport_size({"width": 1280, "height": 3_000})
    for room in ROOMS:
        names = [" / ".join(n["assetKey"]["path"]) for n in nodes if n["groupName"] == room]
        page.goto(f"{service.url}/locations/orchestration.definitions/asset-groups/{room}/list")
        for name in names:
            until(partial(_says, page, name), f"{name} to be listed")
    page.set_viewport_size(SCREEN)


def test_a_click_starts_a_refresh_and_its_checks_are_green(page, service, settings):
    until(lambda: all(run["endTime"] for run in service.runs().values()), "the runs to end")
    before = refreshes(service)
    page.goto(f"{service.url}/locations/orchestration.definitions/jobs/refresh")
    page.get_by_text(re.compile("^Materialize all")).first.click()
    until(lambda: refreshes(service) - before, "the click to start a run")
    (run,) = refreshes(service) - before
    assert service.ended(run) == "SUCCESS"
    assert (
        published.latest_refresh(settings)["refresh_id"]
        == service.runs()[run]["tags"]["refresh_id"]
    )
    checks = "/assets/marts/course_completion?view=checks"
    show(page, service, checks, "columns_are_as_promised", "Passed", picture="checks")
    assert page.get_by_text("Failed", exact=True).count() == 0
    show(page, service, "/assets/published/learner_progress", "refresh_id", picture="snapshot")


def test_figures_are_plotted_and_columns_have_lineage(page, service):
    show(page, service, "/assets/raw/events", "Row count", "duplicates")
    page.get_by_text("Plots", exact=True).click()
    page.locator("canvas").nth(3).scroll_into_view_if_needed()
    page.wait_for_timeout(2_000)
    page.screenshot(path=service.home / "plots.png")
    page.set_viewport_size({"width": 1280, "height": 2_000})
    show(page, service, "/assets/marts/course_completion", "marts.ever_enrolled.is_completed")
    page.set_viewport_size(SCREEN)


def test_a_file_is_picked_up_by_the_sensor_once_it_is_switched_on(page, service, settings):
    flip(page, service, "refresh_after_landing")
    inbox = settings.landing / "courses"
    (inbox / "knots.jsonl").write_text('{"course_id": "knots", "title": "Knots"}\n')
    until(lambda: started_by(service, "refresh_after_landing"), "the sensor to start a run")
    (run,) = started_by(service, "refresh_after_landing")
    assert service.ended(run) == "SUCCESS"
    assert not list(inbox.iterdir())
    assert "Knots" in published.read_table("course_completion", settings)["course_title"].tolist()


def test_a_failing_test_is_red_while_readers_keep_the_snapshot(page, service, settings):
    before = published.latest_refresh(settings)
    with writer_lock(settings), open_warehouse(settings) as connection:
        connection.execute(
            "delete from raw.events where event_id in (select event_id from raw.events limit 1)"
        )
    run = service.launch()
    assert service.ended(run) == "FAILURE"
    name = "every_line_is_accounted_for"
    assert name in json.dumps(service.log(run))
    assert published.latest_refresh(settings) == before
    where = f"/assets/marts/refreshes?view=checks&checkDetail={name}"
    show(page, service, where, "Failed", picture="red")
    show(page, service, f"/runs/{run}", "Failure", picture="failed_run")
