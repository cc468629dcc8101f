"""One cluster for all tests of the engine spark; skipped where Java or pyspark isn't there."""

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings, load_settings
from orchestration.spark import cluster as clusters


@pytest.fixture(scope="session")
def pyspark_home() -> Path:
    """Where pyspark lies, on a machine that can run it."""
    try:
        clusters.java()
    except clusters.ClusterFailed as error:
        pytest.skip(str(error))
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        pytest.skip("pyspark isn't installed: `make spark`")
    return Path(found.submodule_search_locations[0])


@pytest.fixture(scope="session")
def cluster(pyspark_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a cluster with two workers that runs."""
    first = free_ports(6)
    settings = load_settings(
        home=tmp_path_factory.mktemp("cluster"),
        cluster_ui_port=first,
        cluster_master_port=first + 4,
        spark_port=first + 5,
        cluster_memory="1g",
        _env_file=None,
    )
    clusters.start(settings)
    yield settings
    clusters.stop(settings)


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(21_000, 60_000, 50):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for place, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + place))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no ports are free")
