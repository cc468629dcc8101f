"""A Thrift server with TLS that asks a directory (LDAP) for the password is entered, or not."""

import contextlib
import os
import secrets
import socketserver
import subprocess
import threading
import time
from pathlib import Path

import pytest

from orchestration.settings import load_settings
from orchestration.spark import thrift
from tests.spark.conftest import free_ports
from tests.spark.test_entering import profile

pytestmark = pytest.mark.slow

SECONDS = 240
USER, PASSWORD = "warehouse", "p'a\"ss {{ x }} #0"


class Directory(socketserver.StreamRequestHandler):
    """Answers a simple bind of LDAP with success for the one user, else with code 49."""

    def handle(self) -> None:
        """Answer one request after another; names and passwords here are shorter than 100 bytes."""
        with contextlib.suppress(OSError):
            while header := self.rfile.read(2):
                request = self.rfile.read(header[1])
                if request[3] != 0x60:
                    return
                is_known = f"uid={USER},".encode() in request and request.endswith(
                    PASSWORD.encode()
                )
                code = 0 if is_known else 49
                body = request[:3] + bytes([0x61, 7, 10, 1, code, 4, 0, 4, 0])
                self.wfile.write(bytes([0x30, len(body)]) + body)


@pytest.fixture
def directory():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Directory) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def keystore(folder: Path, password: str) -> Path:
    file = folder / "keystore.p12"
    command = ["keytool", "-genkeypair", "-alias", "server", "-keyalg", "RSA", "-validity", "2"]
    command += ["-dname", "CN=localhost", "-storetype", "PKCS12", "-keystore", str(file)]
    subprocess.run([*command, "-storepass", password], check=True, capture_output=True)
    return file


@pytest.fixture
def server(tmp_path, directory, pyspark_home):
    """The port of a Thrift server of its own, without workers."""
    port, key = free_ports(1), secrets.token_hex()
    told = {
        "hive.server2.thrift.port": port,
        "hive.server2.thrift.bind.host": "127.0.0.1",
        "hive.server2.use.SSL": "true",
        "hive.server2.keystore.path": keystore(tmp_path, key),
        "hive.server2.keystore.password": key,
        "hive.server2.authentication": "LDAP",
        "hive.server2.authentication.ldap.url": f"ldap://127.0.0.1:{directory}",
        "hive.server2.authentication.ldap.baseDN": "ou=people,dc=example,dc=org",
    }
    command = [pyspark_home / "bin/spark-submit", "--master", "local[1]", "--driver-memory", "512m"]
    command += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
    command += ["--conf", "spark.ui.enabled=false", "spark-internal"]
    for name, value in told.items():
        command += ["--hiveconf", f"{name}={value}"]
    environment = {**os.environ, "SPARK_HOME": str(pyspark_home), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + SECONDS
            while not thrift.answers("127.0.0.1", port):
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.5)
            yield port
        finally:
            process.terminate()
            process.wait(60)


def answer(monkeypatch, port, **entry):
    """What the server answers to dbt-spark, with these settings."""
    from dbt.adapters.contracts.connection import Connection
    from dbt.adapters.spark.connections import SparkConnectionManager, SparkCredentials

    settings = load_settings(spark_port=port, spark_user=USER, **entry, _env_file=None)
    read = profile(settings, monkeypatch)
    read.pop("type")
    credentials = SparkCredentials.from_dict(read | {"database": None, "schema": "default"})
    connection = Connection(type="spark", name="test", credentials=credentials)
    handle = SparkConnectionManager.open(connection).handle
    cursor = handle.cursor()
    cursor.execute("select current_user()")
    rows = cursor.fetchall()
    handle.close()
    return rows


def test_it_is_entered_with_tls_and_the_password_and_not_otherwise(server, monkeypatch):
    from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

    ldap = {"spark_auth": "LDAP", "spark_password": PASSWORD}
    assert answer(monkeypatch, server, spark_tls=True, **ldap) == [(USER,)]
    with pytest.raises((DbtRuntimeError, DbtDatabaseError)):
        answer(monkeypatch, server, spark_tls=True, **ldap | {"spark_password": "another"})
    with pytest.raises((DbtRuntimeError, DbtDatabaseError)):
        answer(monkeypatch, server, spark_tls=False, **ldap)
