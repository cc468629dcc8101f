"""The snapshot that the service reads: one connection a refresh, shared by all requests."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.published import connect
from orchestration.service.blocks import Blocks, find_blocks, narrowed
from orchestration.service.queries import NEWEST
from orchestration.settings import Settings


class OpenSnapshot:
    """One published refresh, open for reading; queries of several threads may run at once."""

    def __init__(self, settings: Settings) -> None:
        """Open the newest snapshot.

        Raises:
            NothingPublished: no refresh has been published yet.
        """
        self._connection = connect(settings)
        newest = self.rows(NEWEST)[0]
        self.refresh_id: str = newest["refresh_id"]
        self.as_of = newest["as_of"]
        self._blocks: Blocks = {}
        self._finding = threading.Thread(target=self._find_blocks, daemon=True)
        self._finding.start()

    def wait(self) -> None:
        """Wait until it is known where learners lie; requests needn't, but are slower before."""
        self._finding.join()

    def rows(self, query: str, **parameters: str) -> list[dict[str, Any]]:
        """The query's rows as dictionaries."""
        if "learner_id" in parameters:
            query = narrowed(query, parameters["learner_id"], self._blocks)
        with self._connection.cursor() as cursor:
            cursor.execute("use learner_progress")
            cursor.execute(query, parameters)
            columns = [column[0] for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def _find_blocks(self) -> None:
        """Until it is done, requests read whole tables."""
        with self._connection.cursor() as cursor:
            cursor.execute("use learner_progress")
            self._blocks = find_blocks(cursor)


def newest_snapshot(settings: Settings) -> Callable[[], OpenSnapshot]:
    """A function that gives the newest snapshot, opened once a refresh.

    An older one stays open until the last request that reads it has ended.
    """
    guard = threading.Lock()
    opened: dict[Path, OpenSnapshot] = {}

    def newest() -> OpenSnapshot:
        file = settings.snapshot_file.resolve()
        with guard:
            if file not in opened:
                snapshot = OpenSnapshot(settings)
                opened.clear()
                opened[file] = snapshot
            return opened[file]

    return newest
