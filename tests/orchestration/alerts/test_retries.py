"""What may pass is tried again, with growing waits; what can't isn't."""

import errno

import dagster as dg
import duckdb
import pytest

from orchestration import published, refresh, snapshots
from orchestration.defs import raw as raw_defs
from orchestration.faults import may_pass, patiently, wait_before
from orchestration.landed import TooManyRejected, land
from orchestration.models import ModelsFailed
from orchestration.refresh import InvalidInstant
from orchestration.settings import InvalidSetting, load_settings
from orchestration.warehouse import WarehouseBusy, WarehouseUnreadable, writer_lock

FULL = OSError(errno.ENOSPC, "No space left on device")


def unreadable(reason: str) -> WarehouseUnreadable:
    error = WarehouseUnreadable(f"warehouse.duckdb can't be opened ({reason})")
    error.__cause__ = duckdb.IOException(reason)
    return error


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EIO, "Input/output error"),
        FileNotFoundError(errno.ENOENT, "No such file", "/mnt/data"),
        PermissionError(errno.EACCES, "Permission denied", "/mnt/data"),
        duckdb.IOException("IO Error: Could not write file"),
        unreadable("IO Error: Could not set lock on file"),
        ModelsFailed("1 … failed: model a (Runtime Error in model a IO Error: No space left)"),
        Exception("Errors parsed from dbt logs: Database Error in model a\n IO Error: full"),
    ],
)
def test_what_may_pass(error):
    assert may_pass(error)


@pytest.mark.parametrize(
    "error",
    [
        ModelsFailed("1 of the models and tests failed: test a (Got 1 result, configured to fail)"),
        ModelsFailed("2 … failed: model b (IO Error: full); test a (Got 1 result)"),
        Exception("Errors parsed from dbt logs: Failure in test a (tests/a.sql)\n Got 1 result"),
        InvalidSetting("LEARNER_PROGRESS_TIMEZONE is 'x'"),
        InvalidInstant("'x' is no instant"),
        TooManyRejected("Nothing was published"),
        unreadable("IO Error: it is not a valid DuckDB database file"),
        NotADirectoryError(errno.ENOTDIR, "Not a directory"),
        duckdb.CatalogException("no such table"),
        KeyError("a bug"),
    ],
)
def test_what_cannot_pass(error):
    assert not may_pass(error)


def test_each_wait_is_four_times_as_long(settings):
    assert [wait_before(attempt, settings) for attempt in (1, 2, 3)] == [30, 120, 480]


@pytest.fixture
def impatient(settings, monkeypatch):
    """The settings in the environment, as Dagster reads them, without a wait."""
    monkeypatch.setenv("LEARNER_PROGRESS_HOME", str(settings.home))
    monkeypatch.setenv("LEARNER_PROGRESS_RETRY_WAIT_SECONDS", "0")
    return load_settings(_env_file=None)


def failing_first(times, error, then):
    """A function that raises an error so many times before it does its work."""
    calls = []

    def call(*arguments, **options):
        calls.append(1)
        if len(calls) <= times:
            raise type(error)(*error.args)
        return then(*arguments, **options)

    return call, calls


def test_the_last_error_is_raised_when_patience_ends(impatient):
    call, calls = failing_first(9, FULL, list)
    told = []
    with pytest.raises(OSError, match="No space left"):
        patiently(impatient, call, tell=told.append)
    assert (len(calls), len(told)) == (4, 3)
    assert told[0] == "[Errno 28] No space left on device. Trying again in 0 s."


def run_landing(instance, as_of=""):
    """Run only the landing of the job `refresh`, with the resource that holds the lock."""
    from orchestration.definitions import defs

    graph = defs.resolve_asset_graph()
    keys = [key for key in graph.executable_asset_keys if key.path[0] == "raw"]
    job = dg.define_asset_job("landing", selection=keys, executor_def=dg.in_process_executor)
    definitions = dg.Definitions(assets=defs.assets, jobs=[job], resources=defs.resources)
    return definitions.resolve_job_def("landing").execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"resources": {"refresh_run": {"config": {"as_of": as_of}}}},
    )


def landed_lines(settings):
    with duckdb.connect(str(settings.warehouse_file)) as connection:
        return connection.execute(
            "select (select sum(lines) from raw.landed_files), (select count(*) from raw.refreshes)"
        ).fetchone()


def test_a_full_disk_that_is_freed_is_survived_within_the_run(impatient, deliver, monkeypatch):
    deliver("courses", "a.jsonl", [{"course_id": "knots", "title": "Knots"}])
    call, calls = failing_first(2, FULL, land)
    monkeypatch.setattr(raw_defs, "land", call)
    with dg.instance_for_test() as instance:
        result = run_landing(instance)
        events = [event.event_type_value for event in result.all_events]
    assert result.success
    assert len(calls) == 3
    assert events.count("STEP_UP_FOR_RETRY") == 2
    assert landed_lines(impatient) == (1, 1)


@pytest.mark.parametrize(("error", "attempts"), [(FULL, 4), (KeyError("a bug"), 1)])
def test_a_run_gives_up_at_once_or_after_its_retries(impatient, monkeypatch, error, attempts):
    call, calls = failing_first(9, error, land)
    monkeypatch.setattr(raw_defs, "land", call)
    with dg.instance_for_test() as instance:
        assert not run_landing(instance).success
    assert len(calls) == attempts


def test_a_home_that_comes_back_is_waited_for_without_the_lock(impatient, monkeypatch):
    free = []

    def begin_when_free(*arguments, **options):
        free.append(1)
        if len(free) < 3:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(impatient.home))
        return begin(*arguments, **options)

    def take_lock(_):
        with writer_lock(impatient, wait=False):
            free.append("lock is free")

    begin = refresh.begin
    monkeypatch.setattr(refresh, "begin", begin_when_free)
    monkeypatch.setattr("orchestration.faults.time.sleep", take_lock)
    with dg.instance_for_test() as instance:
        assert run_landing(instance).success
    assert free == [1, "lock is free", 1]
    with writer_lock(impatient, wait=False):
        pass


def test_a_wrong_as_of_is_not_tried_again(impatient, monkeypatch):
    monkeypatch.setattr("orchestration.faults.time.sleep", lambda _: 1 / 0)
    with dg.instance_for_test() as instance:
        result = run_landing(instance, as_of="yesterday")
    assert not result.success


def test_a_lock_that_is_held_is_no_fault_of_a_run():
    assert not may_pass(WarehouseBusy("the warehouse is being written by process 7"))


def test_a_publish_that_stopped_halfway_goes_on(settings, monkeypatch):
    from tests.orchestration.alerts.conftest import REFRESHES

    candidate = snapshots.prepare_candidate(settings, fresh=True)
    with duckdb.connect(str(candidate)) as connection:
        connection.execute(REFRESHES)
        connection.execute("create table progress.lesson_progress (learner_id VARCHAR)")
        connection.execute(
            "insert into marts.refreshes (refresh_id, as_of) values ('R1', '2025-07-01')"
        )
    real = snapshots.flush
    failing = [settings.published]

    def fail_once(thing):
        if failing and thing == failing[0]:
            failing.pop()
            raise FULL
        return real(thing)

    monkeypatch.setattr(snapshots, "flush", fail_once)
    with pytest.raises(OSError, match="No space left"):
        snapshots.publish(settings, candidate, "R1")
    published_at = snapshots.publish(settings, candidate, "R1")
    newest = published.latest_refresh(settings)
    assert (newest["refresh_id"], newest["published_at"]) == ("R1", published_at)
