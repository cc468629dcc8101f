"""What a refresh costs where there is little to do: on the shipped academy."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from bench.costs import Cost, cost_of
from bench.measures import Costs
from bench.worlds import PROGRAM
from orchestration.published import connect
from orchestration.settings import load_settings

NEW = 1_000

_NEW_EVENTS = """
select
    'lesson_viewed' as event_type, learner_id, course_id, lesson_id,
    strftime(last_viewed_at + to_seconds(?), '%Y-%m-%dT%H:%M:%SZ') as occurred_at
from progress.lesson_progress
where is_viewed
order by hash(learner_id || lesson_id || ?)
limit ?
"""


def academy(folder: Path, rounds: int, new: int = NEW) -> Costs:
    """Refreshes of the academy with new events and with none, in turn; and of `--help`."""
    home = _prepare(folder)
    costs: Costs = {"new events": [], "nothing new": [], "--help": []}
    for number in range(rounds):
        _deliver(home, number, new)
        costs["new events"].append(_refresh(home))
        costs["nothing new"].append(_refresh(home))
        costs["--help"].append(cost_of([PROGRAM, "--help"], home=home))
    return costs


def nothing_new(folder: Path) -> Callable[[], Cost]:
    """A refresh of the academy with nothing to do: what every refresh costs."""
    return partial(_refresh, _prepare(folder))


def _prepare(folder: Path) -> Path:
    home = folder / "academy"
    shutil.rmtree(home, ignore_errors=True)
    cost_of([PROGRAM, "demo", "--json"], home=home)
    return home


def _refresh(home: Path) -> Cost:
    return cost_of([PROGRAM, "refresh", "--json"], home=home)


def _deliver(home: Path, number: int, new: int) -> None:
    """Views, a little later than the last ones, of lessons drawn by the round's number."""
    with connect(load_settings(home=home, _env_file=None)) as connection:
        rows = connection.execute(_NEW_EVENTS, [number + 1, str(number), new])
        names = [column[0] for column in rows.description or ()]
        events = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    lines = [
        json.dumps({"event_id": str(UUID(int=number * new + place)), **event})
        for place, event in enumerate(events)
    ]
    inbox = home / "landing" / "events"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / f"later_{number}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
