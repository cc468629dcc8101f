"""The HTTP service: what the application reads, for those with the token only."""

import json
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from orchestration import published
from orchestration.refresh import parse_instant, refresh
from orchestration.service import blocks, queries
from orchestration.service.app import TokenMissing, make_app
from orchestration.settings import Settings, load_settings

TOKEN = "a long random text"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SLASHED = "course-v1:a/b c"


def write(settings: Settings, source: str, name: str, *rows: dict[str, object]) -> None:
    folder = settings.landing / source
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def publish(settings: Settings) -> None:
    refresh(settings, as_of=parse_instant("2025-03-01T00:00:00Z"))


def event(kind: str, lesson: str, occurred_at: str, **more: str) -> dict[str, object]:
    told = {"event_type": f"lesson_{kind}", "lesson_id": lesson, "occurred_at": occurred_at}
    return {"learner_id": "ann", "course_id": SLASHED} | told | more


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service") / "home"


@pytest.fixture(scope="module")
def small(home: Path) -> Settings:
    settings = load_settings(home=home, api_token=TOKEN, _env_file=None)
    write(settings, "courses", "c.jsonl", {"course_id": SLASHED, "title": "A & B"})
    lessons = [
        {"course_id": SLASHED, "lesson_id": f"l{n}", "position": n, "title": f"Lesson {n}"}
        for n in (1, 2)
    ]
    write(settings, "lessons", "l.jsonl", *lessons)
    write(
        settings,
        "enrollments",
        "e.jsonl",
        {"learner_id": "ann", "course_id": SLASHED, "enrolled_at": "2025-01-01T00:00:00Z"},
    )
    write(
        settings,
        "events",
        "e.jsonl",
        event("viewed", "l1", "2025-01-02T00:00:00Z"),
        event("completed", "l1", "2025-01-02T00:00:01.5Z"),
        event("viewed", "l1", "2025-01-02T00:00:00Z", course_id="unknown", learner_id="bob/ü"),
    )
    publish(settings)
    return settings


@pytest.fixture
def client(small: Settings) -> TestClient:
    return TestClient(make_app(small), headers=BEARER)


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_the_service_does_not_start(tmp_path: Path, token: str | None) -> None:
    settings = load_settings(home=tmp_path, api_token=token, _env_file=None)
    with pytest.raises(TokenMissing, match="LEARNER_PROGRESS_API_TOKEN"):
        make_app(settings)


@pytest.mark.parametrize("given", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer ä"])
def test_without_the_token_there_is_no_answer(client: TestClient, given: str) -> None:
    answer = client.get("/learners/ann/courses", headers={"Authorization": given.encode()})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "ann" not in answer.text


def test_a_learner_sees_progress_and_where_to_resume(client: TestClient) -> None:
    (course,) = client.get("/learners/ann/courses").json()["courses"]
    assert course["progress_percentage"] == 50.0
    assert course["resume_lesson_id"] == "l2"
    assert course["is_certificate_eligible"] is False
    assert course["last_accessed_at"] == "2025-01-02T00:00:01.500000Z"


def test_checkmarks_are_in_lesson_order_and_unseen_lessons_are_open(client: TestClient) -> None:
    answer = client.get(f"/learners/ann/courses/{SLASHED}/lessons").json()
    assert [lesson["is_completed"] for lesson in answer["lessons"]] == [True, False]
    assert answer["lessons"][1]["last_viewed_at"] is None


def test_completion_is_what_the_mart_says(client: TestClient, small: Settings) -> None:
    answer = client.get(f"/courses/{SLASHED}/completion").json()
    mart = published.read_table("course_completion", small).iloc[0]
    assert {name: answer[name] for name in mart.index if name in answer} == {
        name: value for name, value in mart.items() if name in answer
    }


def test_a_learner_not_yet_seen_has_no_courses(client: TestClient) -> None:
    assert client.get("/learners/nobody/courses").json()["courses"] == []


def test_a_course_of_events_only_has_no_title(client: TestClient) -> None:
    (course,) = client.get("/learners/bob%2F%C3%BC/courses").json()["courses"]
    assert (course["course_id"], course["course_title"]) == ("unknown", None)


@pytest.mark.parametrize("path", ["/courses/x/completion", "/learners/ann/courses/x/lessons"])
def test_a_course_that_the_catalogue_lacks_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "The catalogue has no course 'x'.",
    )


def test_before_the_first_refresh_the_service_says_so(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, api_token=TOKEN, _env_file=None)
    answer = TestClient(make_app(settings), headers=BEARER).get("/learners/ann/courses")
    assert answer.status_code == 503
    assert "learner-progress refresh" in answer.json()["detail"]


def test_a_new_refresh_shows_at_once_and_an_unchanged_one_costs_nothing(
    tmp_path: Path,
) -> None:
    settings = load_settings(home=tmp_path, api_token=TOKEN, _env_file=None)
    publish(settings)
    client = TestClient(make_app(settings), headers=BEARER)
    first = client.get("/learners/ann/courses")
    same = client.get("/learners/ann/courses", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    write(settings, "events", "e.jsonl", event("viewed", "l1", "2025-01-02T00:00:00Z"))
    publish(settings)
    after = client.get("/learners/ann/courses", headers={"If-None-Match": first.headers["ETag"]})
    assert after.status_code == 200
    assert len(after.json()["courses"]) == 1
    assert after.json()["refresh_id"] == after.headers["ETag"].strip('"')


def test_a_request_reads_where_the_learner_lies_and_finds_the_same(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ROWS", 1)
    with published.connect(small) as snapshot:
        found = blocks.find_blocks(snapshot)
        assert [len(found[table]) for table in blocks.TABLES] == [2, 2]
        for learner in ("ann", "bob/ü", "nobody", "zoe"):
            asked = {"learner_id": learner}
            whole = snapshot.execute(queries.LEARNER_COURSES, asked).fetchall()
            query = blocks.narrowed(queries.LEARNER_COURSES, learner, found)
            assert query != queries.LEARNER_COURSES
            assert snapshot.execute(query, asked).fetchall() == whole
            asked["course_id"] = SLASHED
            whole = snapshot.execute(queries.LEARNER_LESSONS, asked).fetchall()
            query = blocks.narrowed(queries.LEARNER_LESSONS, learner, found)
            assert snapshot.execute(query, asked).fetchall() == whole


def test_blocks_that_lie_apart_are_read_each_and_neighbours_together() -> None:
    found = {
        "progress.course_progress": [(0, "a", "c"), (1, "c", "d"), (2, "d", "x"), (3, "b", "z")]
    }
    query = blocks.narrowed("from progress.course_progress", "c", found)
    rows = blocks.ROWS
    assert query == (
        f"from (select * from progress.course_progress where rowid >= 0 and rowid < {2 * rows}"
        f" union all select * from progress.course_progress"
        f" where rowid >= {3 * rows} and rowid < {4 * rows}) as course_progress"
    )


def test_no_request_makes_the_service_fail_or_tell_without_the_token(small: Settings) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", make_app(small))
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) == 3

    @given(case=strategies.one_of([operation.as_strategy() for operation in operations]))
    @hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def no_request_fails(case: schemathesis.Case) -> None:
        assert case.call(headers=BEARER).status_code < 500
        refused = case.call(headers={"Authorization": "Bearer guess"})
        assert 400 <= refused.status_code < 500
        assert "as_of" not in refused.text

    no_request_fails()
