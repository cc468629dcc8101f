"""A landing that is killed loses nothing and lands nothing twice."""

import os
import signal
import subprocess
import sys

import pytest
from story import event, json_lines

from orchestration.landing import ArchiveMismatch, land
from orchestration.raw import create_tables
from orchestration.settings import PROJECT_ROOT, load_settings
from orchestration.warehouse import open_warehouse

KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration.landing import land
from orchestration.landing import {module} as module
from orchestration.raw import create_tables
from orchestration.settings import load_settings
from orchestration.warehouse import open_warehouse

original, calls = {owner}.{function}, []

def killed(*arguments, **keywords):
    calls.append(1)
    if {before} and len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments, **keywords)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

{owner}.{function} = killed
settings = load_settings(home=Path(sys.argv[1]))
with open_warehouse(settings) as connection:
    create_tables(connection)
    land(connection, settings)
"""

POINTS = [
    ("archive", "module", "copy_in", False),
    ("ledger", "module.Ledger", "enter", False),
    ("archive", "module", "keep", True),
    ("archive", "module", "keep", False),
    ("archive", "module", "on_disk", True),
    ("archive", "module", "on_disk", False),
    ("ledger", "module.Ledger", "remember", True),
]


@pytest.mark.parametrize(("module", "owner", "function", "before"), POINTS)
def test_killed_at_any_point_the_next_landing_completes_the_work(
    tmp_path, module, owner, function, before
):
    settings = load_settings(home=tmp_path)
    inbox = settings.landing / "events"
    inbox.mkdir(parents=True)
    for name in "abc":
        (inbox / f"{name}.jsonl").write_text(json_lines(event(event_id=name)))
    script = KILLED.format(module=module, owner=owner, function=function, before=before)
    root = str(PROJECT_ROOT)
    killed = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    with open_warehouse(settings) as connection:
        create_tables(connection)
        land(connection, settings)
        rows = connection.execute("select event_id, batch_id from raw.events order by 2").fetchall()
        assert rows == [("a", 1), ("b", 2), ("c", 3)]
    assert list(inbox.iterdir()) == []
    assert sorted(path.name for path in settings.archive.iterdir()) == [
        f"00000000{number}__events__{name}.jsonl.zst" for number, name in enumerate("abc", 1)
    ]


def test_what_a_killed_landing_left_in_the_archive_is_cleared(room):
    room.settings.archive.mkdir()
    for name in ("000000001__events__other.jsonl.zst", ".landing.part"):
        (room.settings.archive / name).write_bytes(b"half")
    room.land_one("events/a.jsonl", json_lines(event()))
    kept = [path.name for path in room.settings.archive.iterdir()]
    assert kept == ["000000001__events__a.jsonl.zst"]


def test_an_archive_of_another_warehouse_is_never_cleared(room):
    room.land_one("events/a.jsonl", json_lines(event()))
    stray = room.settings.archive / "000000009__events__x.jsonl.zst"
    stray.write_bytes(b"")
    with pytest.raises(ArchiveMismatch, match="batch 9"):
        room.land()
    assert stray.exists()
