"""Maintenance gives back what is not kept, and changes nothing that is."""

import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import duckdb
import pytest

from orchestration import landed, published
from orchestration.defs.history import forget_runs
from orchestration.home_format import NewerHome, format_of
from orchestration.operations import compaction, leftovers
from orchestration.operations.maintenance import maintain
from orchestration.raw import create_tables
from orchestration.settings import load_settings
from orchestration.warehouse import WarehouseBusy, open_warehouse, writer_lock


def removed(done):
    return {step.what: step.removed for step in done.steps if step.removed}


def contents(settings):
    """Every table of the warehouse in its order, every view, and what is said of both."""
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name, sql from duckdb_tables() order by all"
        ).fetchall()
        views = connection.execute(
            "select schema_name, view_name, sql from duckdb_views() where not internal order by all"
        ).fetchall()
        views += connection.execute(
            "select table_name, column_name, comment from duckdb_columns() where comment <> ''"
        ).fetchall()
        rows = {
            f"{schema}.{table}": connection.execute(f"select * from {schema}.{table}").fetchall()
            for schema, table, *_ in tables
        }
    return tables, views, rows


def make_free(settings):
    """Free blocks in the middle of the file; those at its end the database cuts off itself."""
    create = "create table main.{} as select hash(i) from range(3_000_000) as t(i)"
    for statement in (create.format("big"), create.format("small"), "drop table main.big"):
        with open_warehouse(settings) as connection:
            connection.execute(statement)
            connection.execute("checkpoint")


def test_freed_blocks_are_given_back_and_all_else_is_kept(settings, deliver_knots):
    deliver_knots()
    landed.land(settings)
    with open_warehouse(settings) as connection:
        connection.execute("create schema staging")
        connection.execute("create view staging.stg_courses as select * from raw.courses")
        connection.execute("comment on column raw.courses.title is 'What it is called.'")
    make_free(settings)
    before = contents(settings)
    large = settings.warehouse_file.stat().st_size
    done = maintain(settings)
    assert removed(done) == {"compacted warehouse files": 1}
    assert done.summary()["freed_bytes"] == large - settings.warehouse_file.stat().st_size
    assert done.summary()["freed_bytes"] > large / 4
    assert contents(settings) == before
    assert removed(maintain(settings)) == {}


def test_a_copy_that_differs_never_takes_the_warehouse_s_place(
    settings, deliver_knots, monkeypatch
):
    deliver_knots()
    landed.land(settings)
    make_free(settings)
    content = settings.warehouse_file.read_bytes()

    def tampered(connection, target, verify=compaction._verify):
        connection.execute(f'delete from "{target}".raw.events where learner_id = $$learner-1$$')
        verify(connection, target)

    monkeypatch.setattr(compaction, "_verify", tampered)
    done = maintain(settings)
    assert "raw" in done.warnings[0]
    assert "differs" in done.warnings[0]
    assert settings.warehouse_file.read_bytes() == content
    assert list(settings.home.glob(".warehouse*")) == []


def test_without_room_for_a_copy_nothing_is_compacted(settings, deliver_knots, monkeypatch):
    deliver_knots()
    landed.land(settings)
    make_free(settings)
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(compaction.shutil, "disk_usage", lambda _: full)
    done = maintain(settings)
    assert "1,000 are left" in done.warnings[0]
    assert removed(done) == {}


def test_what_killed_processes_left_goes_and_the_inbox_stays(settings, deliver_knots):
    deliver_knots()
    landed.land(settings)
    left = [
        settings.home / ".warehouse.compacting.duckdb",
        settings.archive / ".landing.part",
        settings.archive / "000000005__events__late.jsonl.zst",
        settings.published / ".candidate.duckdb",
        settings.published / ".report.html.part",
        settings.published / ".parquet.building" / "marts" / "refreshes.parquet",
    ]
    waiting = settings.landing / "events" / "next.jsonl.part"
    for path in [*left, waiting, settings.report_file]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    done = maintain(settings)
    assert removed(done) == {"leftovers of killed processes": len(left)}
    assert done.summary()["freed_bytes"] == 1000 * len(left)
    assert [path for path in left if path.exists()] == []
    assert waiting.exists()
    assert settings.report_file.exists()
    assert leftovers.clear(settings) == 0


def test_old_archived_files_go_where_that_is_set_and_are_still_known(settings, deliver_knots):
    deliver_knots()
    landed.land(settings)
    with open_warehouse(settings) as connection:
        old = "update raw.landed_files set recorded_at = recorded_at - interval 40 day"
        connection.execute(f"{old} where source = 'events'")
    assert removed(maintain(settings)) == {}
    short = load_settings(home=settings.home, archive_days=30, _env_file=None)
    assert removed(maintain(short)) == {"old files of the archive": 1}
    assert [path.name.split("__")[1] for path in sorted(settings.archive.iterdir())] == [
        "courses",
        "lessons",
        "enrollments",
    ]
    deliver_knots()
    assert {file.status for file in landed.land(settings).files} == {"already_landed"}


def test_snapshots_beyond_those_to_keep_go_and_readers_keep_theirs(settings, deliver_knots):
    settings.published.mkdir(parents=True)
    for place in range(5):
        newest = settings.published / f"learner_progress__2000010{place}T000000000000Z.duckdb"
        with duckdb.connect(str(newest)) as connection:
            connection.execute("create schema marts; create table marts.refreshes as select 1")
    settings.snapshot_file.symlink_to(newest.name)
    with published.connect(settings) as reader:
        assert removed(maintain(settings)) == {"old snapshots": 2}
        assert reader.execute("select count(*) from marts.refreshes").fetchone() == (1,)
    assert settings.snapshot_file.resolve() == newest


def test_old_runs_of_dagster_go_but_the_newest_success_of_a_job(settings, monkeypatch):
    settings.home.mkdir()

    @dg.op
    def nothing():
        pass

    @dg.job
    def job():
        nothing()

    folder = settings.dagster_home
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        runs = [job.execute_in_process(instance=instance).run_id for _ in range(3)]
        (folder / "storage" / runs[0]).mkdir(parents=True, exist_ok=True)
        long_ago = datetime(2020, 1, 1)
        assert forget_runs(instance, settings, long_ago) == 0
        soon = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
        done = maintain(settings, forget_runs=lambda _: forget_runs(instance, settings, soon))
        assert removed(done) == {"old runs of Dagster": 2}
        assert [run.run_id for run in instance.get_runs()] == [runs[2]]
        assert not (folder / "storage" / runs[0]).exists()
        logs = {path.name.partition(".")[0] for path in (folder / "history" / "runs").iterdir()}
        assert logs.isdisjoint(runs[:2])


def test_old_logs_of_dbt_go(settings):
    logs = settings.home / "dbt" / "dagster"
    for name in ("dbt_build-old", "dbt_build-new"):
        (logs / name).mkdir(parents=True)
    os.utime(logs / "dbt_build-old", (0, 0))
    assert removed(maintain(settings)) == {"old logs of dbt": 1}
    assert [path.name for path in logs.iterdir()] == ["dbt_build-new"]


def test_maintenance_waits_for_the_writer(settings):
    with (
        writer_lock(settings),
        pytest.raises(WarehouseBusy),
        duckdb.connect(),
    ):
        maintain(settings, wait=False)


def test_a_home_of_the_first_format_is_led_up_to_today_s(settings, deliver_knots):
    deliver_knots()
    landed.land(settings)
    _, _, rows = contents(settings)
    with open_warehouse(settings) as connection:
        connection.execute("drop table main.home_format")
        connection.execute("drop table raw.erased_lines")
        connection.execute("alter table raw.events drop column event_key")
        for table in ("courses", "lessons", "enrollments", "deadlines"):
            connection.execute(f"alter table raw.{table} drop column delivered_batch_id")
        assert format_of(connection) == 1
    deliver_knots()
    assert {file.status for file in landed.land(settings).files} == {"already_landed"}
    assert contents(settings)[2] == rows
    deliver_knots(4, 5)
    assert {file.rejected for file in landed.land(settings).files} == {0}


def test_a_home_of_a_newer_format_is_left_alone_with_a_sentence(settings):
    settings.home.mkdir()
    with open_warehouse(settings) as connection:
        create_tables(connection)
        connection.execute("update main.home_format set version = 99")
        with pytest.raises(NewerHome, match="format 99"):
            create_tables(connection)
