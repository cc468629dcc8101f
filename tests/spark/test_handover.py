"""Batches are handed over to the cluster once, whole, and without what nobody there reads."""

import os

import pyarrow.parquet as pq
import pytest

from orchestration import landed, raw
from orchestration.settings import load_settings
from orchestration.spark import folder, forgetting, handover
from orchestration.spark.cluster import ClusterFailed, java
from orchestration.spark.folder import FolderUnusable
from orchestration.spark.thrift import ClusterUnreachable
from orchestration.warehouse import writer_lock

ENTER = """
insert into raw.refreshes
select '1', now(), now(), null, 'spark', 0, 0, 0, 0, null, null, '', '', null
"""


def event(number, learner="ada", **values):
    told = {
        "event_id": f"e{number}",
        "event_type": "lesson_viewed",
        "learner_id": learner,
        "course_id": "knots",
        "lesson_id": "bowline",
        "occurred_at": "2025-02-03T12:00:00.000001Z",
    }
    return told | values


@pytest.fixture
def hand_over(settings):
    """Land what waits and hand over; returns the files of events with when they were written."""

    def work():
        with raw.opened(settings):
            pass
        with writer_lock(settings):
            landed.land(settings)
        with raw.opened(settings) as connection:
            handover.hand_over(connection, settings)
        return batches(settings)

    return work


def batches(settings):
    found = (settings.home / "spark/warehouse/raw/events").rglob("*.parquet")
    return {str(path): path.stat().st_mtime_ns for path in found}


def test_a_batch_is_handed_over_once(deliver, hand_over):
    assert hand_over() == {}
    deliver("events", "a.jsonl", [event(1), event(2)])
    first = hand_over()
    assert len(first) == 1
    assert "batch_id=1" in next(iter(first))
    assert hand_over() == first
    deliver("events", "b.jsonl", [event(3)])
    second = hand_over()
    assert len(second) == 2
    assert first.items() <= second.items()


def test_a_batch_holds_its_rows_with_instants_that_name_their_zone(deliver, hand_over):
    deliver("events", "a.jsonl", [event(1), event(2)])
    (file,) = hand_over()
    table = pq.read_table(file, partitioning=None)
    assert sorted(table["event_id"].to_pylist()) == ["e1", "e2"]
    assert str(table.schema.field("occurred_at").type) == "timestamp[us, tz=UTC]"
    assert "event_key" not in table.column_names


def test_a_batch_that_lost_rows_is_handed_over_anew(deliver, hand_over, settings):
    deliver("events", "a.jsonl", [event(1), event(2, "bea")])
    (before,) = hand_over()
    with raw.opened(settings) as connection:
        connection.execute("delete from raw.events where learner_id = 'ada'")
    (after,) = hand_over()
    assert after != before
    assert pq.read_table(after, partitioning=None)["learner_id"].to_pylist() == ["bea"]


def test_a_hand_over_that_was_cut_short_leaves_no_part(deliver, hand_over, settings, monkeypatch):
    def cut_short(*_):
        raise KeyboardInterrupt

    deliver("events", "a.jsonl", [event(1)])
    with monkeypatch.context() as patched:
        patched.setattr(pq.ParquetWriter, "write_batch", cut_short)
        with pytest.raises(KeyboardInterrupt):
            hand_over()
    assert batches(settings) == {}
    assert len(hand_over()) == 1
    assert not (settings.home / "spark/warehouse" / handover.INCOMING).exists()


def test_no_text_of_a_rejected_line_leaves_the_warehouse(deliver, hand_over, settings):
    deliver("events", "a.jsonl", [event(1), event(2, lesson_id="", secret="told in confidence")])
    hand_over()
    file = settings.home / "spark/warehouse/raw/rejected_lines/all.parquet"
    table = pq.read_table(file, partitioning=None)
    assert table.num_rows == 1
    assert not {"text", "detail"} & set(table.column_names)
    assert b"in confidence" not in file.read_bytes()


def test_the_batches_and_tables_of_an_erased_learner_go(deliver, hand_over, settings):
    deliver("events", "a.jsonl", [event(1)])
    deliver("events", "b.jsonl", [event(2, "bea")])
    hand_over()
    store = folder.opened(settings)
    store.create_dir("progress/lesson_progress")
    store.open_output_stream("progress/lesson_progress/part.parquet").close()
    with raw.opened(settings) as connection:
        assert forgetting.forget(connection, settings) == 0
        connection.execute(ENTER)
        connection.execute("delete from raw.events where learner_id = 'ada'")
        forgetting.forget(connection, settings)
    (kept,) = batches(settings)
    assert "batch_id=2" in kept
    assert folder.files(store, "progress") == []


def test_a_folder_of_another_home_is_left_alone(deliver, hand_over, settings, tmp_path):
    deliver("events", "a.jsonl", [event(1)])
    before = hand_over()
    place = {"home": tmp_path / "other", "spark_warehouse": settings.spark_folder}
    other = settings.model_copy(update=place)
    with raw.opened(other) as connection, pytest.raises(FolderUnusable, match="another home"):
        handover.hand_over(connection, other)
    assert batches(settings) == before


def test_without_a_server_nothing_is_done_and_a_sentence_says_what_to_do(tmp_path):
    from orchestration.refresh import refresh

    settings = load_settings(home=tmp_path, engine="spark", spark_port=1, _env_file=None)
    with pytest.raises(ClusterUnreachable, match=r"make (cluster|spark)"):
        refresh(settings)
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_store_that_nothing_here_knows_is_named(settings):
    unknown = settings.model_copy(update={"spark_warehouse": "nowhere://bucket/path"})
    with pytest.raises(FolderUnusable, match="nowhere://bucket/path"):
        folder.opened(unknown)


def test_without_java_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ClusterFailed, match="Spark needs Java 17"):
        java()


def test_a_java_that_is_too_old_is_named(tmp_path, monkeypatch):
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ClusterFailed, match="is 11"):
        java()
