"""A Superset of the tests' own: the academy's snapshot, the bundle, two course teams."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bi.run import SetupFailed, prepare_environment, server_command, superset_environment
from bi.state import state_of
from orchestration.academy import refresh_academy
from orchestration.settings import PROJECT_ROOT, Settings, load_settings

TEAMS = "team,course_id\nHealth,first-aid\nHealth,data-protection\nKitchen,bread\n"


@dataclass
class Superset:
    """A running server and who is logged in; answers are (status, body)."""

    address: str
    settings: Settings
    token: str = ""
    csrf: str = ""
    user: str = ""
    password: str = ""
    session: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    )

    def ask(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.token}",
                "X-CSRFToken": self.csrf,
            },
            method=method,
        )
        try:
            with self.session.open(request, timeout=120) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode("utf-8", "replace")

    def login(self, user: str, password: str) -> "Superset":
        who = {"username": user, "password": password, "provider": "db", "refresh": False}
        status, answer = self.ask("/api/v1/security/login", who)
        assert status == 200, answer
        one = Superset(self.address, self.settings, answer["access_token"])
        one.user, one.password = user, password
        one.csrf = one.ask("/api/v1/security/csrf_token/")[1]["result"]
        return one

    def ids(self, kind: str, name: str) -> dict[str, int]:
        status, answer = self.ask(f"/api/v1/{kind}/?q=(page_size:200)")
        assert status == 200, answer
        return {item[name]: item["id"] for item in answer["result"]}

    def data(self, dataset: int, **query: Any) -> tuple[int, Any]:
        body = {
            "datasource": {"id": dataset, "type": "table"},
            "queries": [{"row_limit": 10_000, **query}],
            "result_format": "json",
            "result_type": "full",
        }
        status, answer = self.ask("/api/v1/chart/data", body)
        return status, answer["result"][0]["data"] if status == 200 else answer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Superset as `make bi` starts it, on a free port, over a home of its own."""
    try:
        programs = prepare_environment()
    except SetupFailed as reason:
        pytest.skip(str(reason))
    home = tmp_path_factory.mktemp("bi") / "home"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = load_settings(home=home, bi_port=port, _env_file=None)
    refresh_academy(settings)
    state_of(settings).folder.mkdir(parents=True, exist_ok=True)
    state_of(settings).teams_file.write_text(TEAMS, encoding="utf-8")
    environment = {**superset_environment(), "LEARNER_PROGRESS_HOME": str(home)}
    command = [programs / "python", "-m", "bi.install"]
    done = subprocess.run(
        command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    yield from _serving(server_command(programs, settings), environment, settings, home)


def _serving(
    command: list[str], environment: dict[str, str], settings: Settings, home: Path
) -> Iterator[Superset]:
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=PROJECT_ROOT, stdout=log, stderr=log
        )
        address = f"http://127.0.0.1:{settings.bi_port}"
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(address + "/health", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, (home / "server.log").read_text()[-2000:]
                    time.sleep(1)
            yield Superset(address, settings)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def admin(server: Superset) -> Superset:
    return server.login("admin", state_of(server.settings).admin_password)


@pytest.fixture(scope="session")
def logged_in(admin: Superset) -> dict[str, Superset]:
    """A user of each role, by the role's name."""
    roles = {}
    _, answer = admin.ask("/api/v1/security/roles/?q=(page_size:100)")
    ids = {role["name"]: role["id"] for role in answer["result"]}
    for number, name in enumerate(["Course team: Health", "Without learners", "Every course"]):
        password = os.urandom(12).hex()
        user = {
            "username": f"user{number}",
            "first_name": "U",
            "last_name": str(number),
            "email": f"user{number}@localhost",
            "active": True,
            "password": password,
            "roles": [ids[name]],
        }
        status, answer = admin.ask("/api/v1/security/users/", user)
        assert status == 201, answer
        roles[name] = admin.login(f"user{number}", password)
    return roles
