"""A landing room of its own for each test, and the few words in which its stories are told."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import LandedFile, land, rejected_lines
from orchestration.models import DBT_PROJECT
from orchestration.raw import create_tables
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_warehouse

NOW = datetime(2026, 1, 1, 12)


@dataclass
class Room:
    """A home folder with an open warehouse; `deliver` puts a file into its inbox."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection

    def deliver(self, path: str, content: str | bytes) -> Path:
        file = self.settings.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def land(self, **arguments: Any) -> list[LandedFile]:
        return land(self.connection, self.settings, **{"now": lambda: NOW, **arguments})

    def land_one(self, path: str, content: str | bytes, **arguments: Any) -> LandedFile:
        self.deliver(path, content)
        (landed,) = self.land(**arguments)
        return landed

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def unaccounted(self) -> list[tuple[Any, ...]]:
        """What the dbt test finds that holds the ledger against the raw room."""
        test = DBT_PROJECT / "tests" / "every_line_is_accounted_for.sql"
        source = re.compile(r'\{\{ source\("(\w+)", "(\w+)"\) \}\}')
        return self.rows(source.sub(r"\1.\2", test.read_text(encoding="utf-8")))

    def reasons(self) -> list[tuple[object, object]]:
        return [(line["line"], line["reason"]) for line in rejected_lines(self.connection)]


@pytest.fixture
def open_room(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    """Opens rooms with settings of one's own."""
    opened = []

    def opener(**settings: object) -> Room:
        chosen = load_settings(home=tmp_path / f"home_{len(opened)}", **settings)
        warehouse = open_warehouse(chosen)
        connection = warehouse.__enter__()
        opened.append(warehouse)
        create_tables(connection)
        return Room(chosen, connection)

    yield opener
    for warehouse in opened:
        warehouse.__exit__(None, None, None)


@pytest.fixture
def room(open_room: Callable[..., Room]) -> Room:
    """A room with the default settings."""
    return open_room()
