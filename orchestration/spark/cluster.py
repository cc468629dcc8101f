"""`make cluster`: a Spark cluster on this machine, for trying and for the tests."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

from orchestration.settings import PREFIX, Settings
from orchestration.spark.processes import folder, launch, pids_file, processes
from orchestration.spark.thrift import answers

OLDEST_JAVA = 17
START_SECONDS = 240
STOP_SECONDS = 30

_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n
"""


class ClusterFailed(Exception):
    """The cluster can't be started; the message says why, and what to do. Nothing of it runs."""


def java() -> str:
    """The program `java`, of JAVA_HOME or of the path.

    Raises:
        ClusterFailed: there is none, or it is too old for Spark.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    remedy = "install one (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME."
    if not found or not Path(found).exists():
        raise ClusterFailed(f"Spark needs Java {OLDEST_JAVA}, and there is none: {remedy}")
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r'version "(\d+)', told.stderr)
    if not version or int(version[1]) < OLDEST_JAVA:
        raise ClusterFailed(
            f"Spark needs Java {OLDEST_JAVA}, {found} is {version[1] if version else 'none'}:"
            f" {remedy}"
        )
    return found


def start(settings: Settings) -> None:
    """Start a master, its workers and the Thrift server, and wait until they answer.

    Logs, the catalogue of tables and the pids are kept in `folder(settings)`.

    Raises:
        ClusterFailed: a part is missing, a port is taken, or a process ended; none is left.
    """
    if processes(settings):
        raise ClusterFailed("The cluster runs already; stop it with `make cluster-down`.")
    environment = _environment(settings)
    _check_ports(settings)
    pids_file(settings).unlink(missing_ok=True)
    _write_defaults(settings)
    try:
        master = f"spark://127.0.0.1:{settings.cluster_master_port}"
        launch(settings, environment, "master", _master(settings))
        _wait(settings, lambda: _workers(settings) is not None)
        for number in range(1, settings.cluster_workers + 1):
            command = [*_worker(settings, number), master]
            launch(settings, environment, f"worker_{number}", command)
        _wait(settings, lambda: _workers(settings) == settings.cluster_workers)
        launch(settings, environment, "thrift", _thrift_server(settings, master))
        _wait(settings, lambda: answers("127.0.0.1", settings.spark_port))
    except BaseException:
        stop(settings)
        raise


def stop(settings: Settings) -> int:
    """Stop what `start` started, the Thrift server first; returns how many processes ran."""
    running = processes(settings)
    for name in reversed(running):
        os.kill(running[name], signal.SIGTERM)
    deadline = monotonic() + STOP_SECONDS
    while processes(settings) and monotonic() < deadline:
        sleep(0.2)
    for pid in processes(settings).values():
        os.kill(pid, signal.SIGKILL)
    pids_file(settings).unlink(missing_ok=True)
    shutil.rmtree(folder(settings) / "scratch", ignore_errors=True)
    return len(running)


def tasks_by_worker(settings: Settings) -> dict[str, int]:
    """How many tasks each worker has completed for the Thrift server, by its page's address."""
    address = f"http://127.0.0.1:{settings.cluster_ui_port + settings.cluster_workers + 1}"
    (application,) = _read(f"{address}/api/v1/applications")
    executors = _read(f"{address}/api/v1/applications/{application['id']}/allexecutors")
    tasks: dict[str, int] = {}
    for executor in executors:
        if executor["id"] != "driver":
            worker = executor["executorLogs"]["stderr"].split("/logPage")[0]
            tasks[worker] = tasks.get(worker, 0) + executor["completedTasks"]
    return tasks


def _environment(settings: Settings) -> dict[str, str]:
    program = Path(java())
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise ClusterFailed("pyspark is missing: `make cluster` installs it.")
    home = {"JAVA_HOME": str(program.parent.parent)} if "JAVA_HOME" in os.environ else {}
    return {
        **os.environ,
        **home,
        "SPARK_HOME": found.submodule_search_locations[0],
        "SPARK_CONF_DIR": str(folder(settings) / "conf"),
        "SPARK_LOCAL_DIRS": str(folder(settings) / "scratch"),
        "SPARK_WORKER_DIR": str(folder(settings) / "work"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_PUBLIC_DNS": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_DAEMON_JAVA_OPTS": "-Duser.timezone=UTC",
    }


def _check_ports(settings: Settings) -> None:
    first = settings.cluster_ui_port
    pages = dict.fromkeys(range(first, first + settings.cluster_workers + 2), "CLUSTER_UI_PORT")
    servers = {
        settings.cluster_master_port: "CLUSTER_MASTER_PORT",
        settings.spark_port: "SPARK_PORT",
    }
    for port, name in (pages | servers).items():
        if answers("127.0.0.1", port):
            raise ClusterFailed(
                f"Port {port} is taken by another program: stop it, or set {PREFIX}{name}."
            )


def _write_defaults(settings: Settings) -> None:
    state = folder(settings)
    (state / "conf").mkdir(parents=True, exist_ok=True)
    # The server plans many short statements, for which a quick compiler is enough.
    server = f"-Duser.timezone=UTC -Dderby.system.home={state} -XX:TieredStopAtLevel=1"
    server += " -XX:ReservedCodeCacheSize=240m"
    defaults = {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={state / 'catalogue'};create=true"
        ),
        "spark.sql.warehouse.dir": f"{state / 'databases'}",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(4 * settings.cluster_workers),
        "spark.driver.extraJavaOptions": f"{server} -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC -XX:+UseSerialGC",
        "spark.driver.memory": "1g",
        "spark.executor.memory": settings.cluster_memory,
        "spark.executor.cores": "1",
        "spark.ui.port": str(settings.cluster_ui_port + settings.cluster_workers + 1),
        "spark.ui.showConsoleProgress": "false",
    }
    lines = [f"{name} {value}\n" for name, value in defaults.items()]
    (state / "conf" / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    (state / "conf" / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")


def _wait(settings: Settings, is_ready: Any) -> None:
    started = set(json.loads(pids_file(settings).read_text(encoding="utf-8")))
    deadline = monotonic() + START_SECONDS
    while not is_ready():
        if ended := started - set(processes(settings)):
            name = sorted(ended)[0]
            log = folder(settings) / "logs" / f"{name}.log"
            raise ClusterFailed(f"The cluster's {name} ended as it started: see {log}.")
        if monotonic() > deadline:
            raise ClusterFailed(
                f"The cluster doesn't answer after {START_SECONDS} s: see the logs in"
                f" {folder(settings) / 'logs'}."
            )
        sleep(0.5)


def _workers(settings: Settings) -> int | None:
    """How many workers the master knows alive; None while it doesn't answer."""
    try:
        state = _read(f"http://127.0.0.1:{settings.cluster_ui_port}/json/")
    except (OSError, ValueError):
        # As it starts, its page may be empty.
        return None
    return sum(int(worker["state"] == "ALIVE") for worker in state["workers"])


def _read(url: str) -> Any:
    with urlopen(url, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def _master(settings: Settings) -> list[str]:
    ports = ["--port", str(settings.cluster_master_port)]
    ports += ["--webui-port", str(settings.cluster_ui_port)]
    name = "org.apache.spark.deploy.master.Master"
    return ["spark-class", name, "--host", "127.0.0.1", *ports]


def _worker(settings: Settings, number: int) -> list[str]:
    name = "org.apache.spark.deploy.worker.Worker"
    size = ["--cores", "1", "--memory", settings.cluster_memory]
    port = ["--webui-port", str(settings.cluster_ui_port + number)]
    return ["spark-class", name, "--host", "127.0.0.1", *size, *port]


def _thrift_server(settings: Settings, master: str) -> list[str]:
    name = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
    listens = ["--hiveconf", f"hive.server2.thrift.port={settings.spark_port}"]
    listens += ["--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"]
    return ["spark-submit", "--class", name, "--master", master, "spark-internal", *listens]
