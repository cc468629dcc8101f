"""A home that was lost comes back from its backup, whole or not at all."""

import json
import shutil
from datetime import datetime

import pytest

from orchestration import landed, published
from orchestration.erasing.erase import erase
from orchestration.landing.erased import key_file
from orchestration.operations.backup import MANIFEST, BackupDamaged, BackupRefused, backup, backups
from orchestration.operations.maintenance import maintain
from orchestration.operations.restore import HomeNotEmpty, restore
from orchestration.refresh import refresh
from orchestration.settings import load_settings
from orchestration.warehouse import open_warehouse
from tests.conftest import assert_same_tables, readers_tables

AS_OF = datetime(2025, 7, 1)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("writer.")
    }


def learners(settings):
    with open_warehouse(settings) as connection:
        rows = connection.execute("select distinct learner_id from raw.events order by 1")
        return [learner for (learner,) in rows.fetchall()]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backups"


@pytest.fixture
def home(settings, deliver_knots):
    """A home in which files have landed, and others wait."""
    deliver_knots()
    landed.land(settings)
    deliver_knots(4, 5)
    (settings.landing / "events" / "half.jsonl.part").write_text("{")
    settings.published.mkdir(exist_ok=True)
    settings.report_file.write_text("The four answers.")
    (settings.dagster_home / "history").mkdir(parents=True)
    (settings.dagster_home / "history" / "runs.db").write_text("of this machine")
    return settings


def lose(settings):
    shutil.rmtree(settings.home)
    settings.home.mkdir()


@pytest.mark.slow
def test_a_lost_home_comes_back_and_goes_on_as_if_nothing_had_happened(
    settings, deliver_knots, target
):
    deliver_knots(1, 4)
    refresh(settings, as_of=AS_OF)
    erase(settings, "learner-4")
    maintain(settings)
    key, tables = key_file(settings).read_bytes(), readers_tables(settings)
    taken = backup(settings, target)
    assert taken.manifest.refresh_id == published.latest_refresh(settings)["refresh_id"]
    lose(settings)
    restore(settings, target)
    assert key_file(settings).read_bytes() == key
    assert key_file(settings).stat().st_mode & 0o777 == 0o600
    assert_same_tables(readers_tables(settings), tables)
    deliver_knots(1, 4)
    deliver_knots(4, 4)
    again = refresh(settings, as_of=AS_OF)
    assert not again.refresh.full
    assert {file.status for file in again.landed.files} == {"already_landed", "landed"}
    assert sum(file.accepted for file in again.landed.files) == 0
    assert sum(file.ignored for file in again.landed.files) == 2
    assert_same_tables(readers_tables(settings), tables)


def test_what_was_restored_is_what_was_backed_up(home, target):
    before = contents(home.home)
    backup(home, target)
    lose(home)
    restore(home, target)
    after = contents(home.home)
    left_out = {"landing/events/half.jsonl.part", "dagster/history/runs.db"}
    assert after == {name: data for name, data in before.items() if name not in left_out}
    assert learners(home) == ["learner-1", "learner-2", "learner-3"]
    landed.land(home)
    assert learners(home) == [f"learner-{number}" for number in range(1, 6)]


def test_the_next_backup_takes_room_only_for_what_is_new(home, target):
    first, second = backup(home, target), backup(home, target)
    archived = [name for name in second.manifest.files if name.startswith("archive/")]
    assert archived
    for name in archived:
        one, other = first.folder / "home" / name, second.folder / "home" / name
        assert one.stat().st_ino == other.stat().st_ino
    assert second.copied_bytes < first.copied_bytes
    shutil.rmtree(first.folder)
    lose(home)
    restore(home, second.folder)
    assert learners(home) == ["learner-1", "learner-2", "learner-3"]


def test_an_archived_file_that_an_erasure_emptied_is_copied_anew(home, target):
    first = backup(home, target)
    erase(home, "learner-1")
    second = backup(home, target)
    changed = {
        name.split("__")[1]
        for name, file in second.manifest.files.items()
        if name.startswith("archive/") and file.sha256 != first.manifest.files[name].sha256
    }
    assert changed == {"events", "enrollments"}


def test_a_damaged_backup_restores_nothing_and_names_the_file(home, target):
    folder = backup(home, target).folder
    file = next((folder / "home" / "archive").iterdir())
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    lose(home)
    with pytest.raises(BackupDamaged, match=file.name):
        restore(home, folder)
    assert contents(home.home) == {}
    file.unlink()
    with pytest.raises(BackupDamaged, match=file.name):
        restore(home, folder)
    assert contents(home.home) == {}


def test_a_backup_that_was_cut_short_is_none(home, target, monkeypatch):
    from orchestration.operations import backup as module

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module, "copy_file", full)
        with pytest.raises(OSError, match="No space"):
            backup(home, target)
    assert backups(target) == []
    with pytest.raises(BackupDamaged, match="no backup"):
        restore(load_settings(home=home.home / "other", _env_file=None), target)
    backup(home, target)
    assert [path.name for path in target.iterdir()] == [path.name for path in backups(target)]


def test_a_restore_that_was_cut_short_is_completed_by_the_next(home, target):
    folder = backup(home, target).folder
    before = contents(folder / "home")
    lose(home)
    restore(home, folder)
    (home.home / ".restoring.part").mkdir()
    home.warehouse_file.rename(home.home / ".restoring.part" / "warehouse.duckdb")
    restore(home, folder)
    assert contents(home.home) == before


def test_only_an_empty_home_is_restored_to(home, target):
    backup(home, target)
    (home.home / ".restoring.part").mkdir()
    before = contents(home.home)
    with pytest.raises(HomeNotEmpty, match="LEARNER_PROGRESS_HOME"):
        restore(home, target)
    assert contents(home.home) == before


def test_a_backup_never_lies_in_the_home_it_copies(home, target):
    with pytest.raises(BackupRefused):
        backup(home, home.home / "backups")
    with pytest.raises(BackupRefused, match="nothing to back up"):
        backup(load_settings(home=target / "none", _env_file=None), target)


def test_a_backup_that_names_a_file_outside_is_refused(home, target):
    folder = backup(home, target).folder
    text = (folder / MANIFEST).read_text()
    manifest = json.loads(text)
    manifest["files"]["../escaped"] = manifest["files"]["warehouse.duckdb"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    lose(home)
    with pytest.raises(BackupDamaged, match="outside"):
        restore(home, folder)
