"""The read-only HTTP service for applications that can't open the snapshot themselves."""

import hmac
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Path, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from orchestration.published import NothingPublished
from orchestration.service import queries
from orchestration.service.answers import (
    CourseCompletion,
    LearnerCourse,
    LearnerCourses,
    LearnerLesson,
    LearnerLessons,
    Problem,
)
from orchestration.service.snapshot import OpenSnapshot, newest_snapshot
from orchestration.settings import Settings


class TokenMissing(Exception):
    """The service has no token to ask for, and doesn't start; the message says how to set one."""


Id = Annotated[str, Path(min_length=1, max_length=255, description="As the source sent it.")]
_FAULTS = {
    401: {"model": Problem, "description": "The token is missing or wrong."},
    404: {"model": Problem, "description": "The catalogue has no such course."},
    503: {"model": Problem, "description": "No refresh has been published yet."},
}


def make_app(settings: Settings) -> FastAPI:
    """The service over one home's published snapshot.

    Every answer carries the refresh id as its ETag: a request with If-None-Match costs no query
    while nothing new was published.

    Raises:
        TokenMissing: LEARNER_PROGRESS_API_TOKEN is not set.
    """
    token = settings.api_token.get_secret_value() if settings.api_token else ""
    if not token:
        raise TokenMissing(
            "The service needs a token: set LEARNER_PROGRESS_API_TOKEN to a long random text,"
            " such as the output of `openssl rand -hex 32`."
        )
    newest = newest_snapshot(settings)
    bearer = HTTPBearer(auto_error=False, description="LEARNER_PROGRESS_API_TOKEN")

    def authorized(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(401, "Give the token as `Authorization: Bearer …`.", _CHALLENGE)

    def current(request: Request, response: Response) -> OpenSnapshot:
        snapshot = newest()
        response.headers["ETag"] = f'"{snapshot.refresh_id}"'
        known = request.headers.get("If-None-Match", "")
        if snapshot.refresh_id in {tag.strip(' "W/') for tag in known.split(",")}:
            raise HTTPException(304, headers={"ETag": f'"{snapshot.refresh_id}"'})
        return snapshot

    Snapshot = Annotated[OpenSnapshot, Depends(current)]  # noqa: N806
    app = FastAPI(
        title="Learner progress",
        summary="Read-only answers from the published snapshot.",
        version="1",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(authorized)],
        responses=_FAULTS,  # type: ignore[arg-type]
    )

    @app.exception_handler(NothingPublished)
    def nothing_published(_: Request, error: NothingPublished) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "60"})

    @app.get("/learners/{learner_id:path}/courses/{course_id:path}/lessons")
    def lessons_of_a_learner(learner_id: Id, course_id: Id, snapshot: Snapshot) -> LearnerLessons:
        """Checkmarks: the lessons now in the course, in order."""
        _course(snapshot, course_id)
        rows = snapshot.rows(queries.LEARNER_LESSONS, learner_id=learner_id, course_id=course_id)
        lessons = [LearnerLesson(**row) for row in rows]
        return LearnerLessons(
            learner_id=learner_id, course_id=course_id, lessons=lessons, **_speaking_of(snapshot)
        )

    @app.get("/learners/{learner_id:path}/courses")
    def courses_of_a_learner(learner_id: Id, snapshot: Snapshot) -> LearnerCourses:
        """Progress bars, where to resume, certificate eligibility: the learner's courses."""
        rows = snapshot.rows(queries.LEARNER_COURSES, learner_id=learner_id)
        courses = [LearnerCourse(**row) for row in rows]
        return LearnerCourses(learner_id=learner_id, courses=courses, **_speaking_of(snapshot))

    @app.get("/courses/{course_id:path}/completion")
    def completion_of_a_course(course_id: Id, snapshot: Snapshot) -> CourseCompletion:
        """What share of the enrolled learners completed the course."""
        return CourseCompletion(**_course(snapshot, course_id), **_speaking_of(snapshot))

    return app


_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def _course(snapshot: OpenSnapshot, course_id: str) -> dict[str, Any]:
    rows = snapshot.rows(queries.COURSE, course_id=course_id)
    if not rows:
        raise HTTPException(404, f"The catalogue has no course {course_id!r}.")
    return rows[0]


def _speaking_of(snapshot: OpenSnapshot) -> dict[str, Any]:
    return {"refresh_id": snapshot.refresh_id, "as_of": snapshot.as_of}
