"""A receiver of webhooks, a mail server, and snapshots made in a moment."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller

from orchestration.alerts import delivery
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import utc_now

SECRET = "T0P-5ECRET"


@dataclass
class Sink:
    """Receives POSTs: what came, and the statuses to answer with, 200 when they are used up."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: int = 0
    hangs: threading.Event | None = None

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(body["event"], body["subject"]) for body in self.bodies]


@pytest.fixture
def sink() -> Iterator[Sink]:
    received = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.asked += 1
            if received.hangs:
                received.hangs.wait(20)
                return
            status = received.statuses.pop(0) if received.statuses else 200
            if status == 200:
                received.bodies.append(body)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}/{SECRET}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield received
    if received.hangs:
        received.hangs.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class PostOffice:
    """Receives mail over SMTP."""

    port: int
    mails: list[Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def start_post_office() -> Iterator[Callable[..., PostOffice]]:
    """Start a mail server with these options; it ends with the test."""
    servers: list[Controller] = []

    def start(**options: Any) -> PostOffice:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            office = PostOffice(free.getsockname()[1])
        servers.append(Controller(office, hostname="127.0.0.1", port=office.port, **options))
        servers[-1].start()
        return office

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "WAITS", (0.0, 0.01, 0.02))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def told(settings: Settings, sink: Sink) -> Settings:
    """Settings with the sink as webhook, and a home folder that is there."""
    settings.home.mkdir()
    return load_settings(
        home=settings.home,
        alert_webhook=sink.url,
        ui_url="https://dagster.example.org/",
        _env_file=None,
    )


REFRESHES = """
create schema progress; create schema marts;
create table marts.refreshes (
    refresh_id VARCHAR, as_of TIMESTAMP, published_at TIMESTAMP, engine VARCHAR, events BIGINT,
    new_events BIGINT, new_duplicates BIGINT, new_rejected_lines BIGINT,
    last_event_at TIMESTAMP, last_landed_at TIMESTAMP
)
"""


def publish(
    settings: Settings,
    published_at: datetime | None = None,
    *,
    landed: list[tuple[datetime, int]] | None = None,
    last_event_at: datetime | None = None,
) -> None:
    """Publish a snapshot that says when it was published, and what landed in refreshes before."""
    published_at = published_at or utc_now() - timedelta(minutes=6)
    rows = landed or [(published_at, 1)]
    settings.published.mkdir(parents=True, exist_ok=True)
    settings.snapshot_file.unlink(missing_ok=True)
    with duckdb.connect(str(settings.snapshot_file)) as connection:
        connection.execute(REFRESHES)
        for number, (landed_at, events) in enumerate(sorted(rows)):
            last = number == len(rows) - 1
            at = max(published_at, landed_at) if last else landed_at
            connection.execute(
                "insert into marts.refreshes values (?, ?, ?, 'duckdb', 0, ?, 0, 0, ?, ?)",
                [f"R{number:04}", at, at, events, last_event_at or published_at, landed_at],
            )
