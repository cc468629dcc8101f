"""The cluster's Thrift server, through which dbt builds there."""

import importlib.util
import socket

from orchestration.settings import PREFIX, Settings


class ClusterUnreachable(Exception):
    """The cluster can't be used from here; the message says why, and what to do."""


def answers(host: str, port: int) -> bool:
    """Whether anything listens there."""
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def check(settings: Settings) -> None:
    """See that the cluster can be used, before anything is done.

    Raises:
        ClusterUnreachable: dbt-spark isn't installed, or no server answers.
    """
    if importlib.util.find_spec("dbt.adapters.spark") is None:
        raise ClusterUnreachable(
            "The engine spark needs dbt-spark: install it with `make spark`, or from"
            " constraints-spark.txt."
        )
    if not answers(settings.spark_host, settings.spark_port):
        raise ClusterUnreachable(
            f"No Thrift server answers at {settings.spark_host}:{settings.spark_port}: start it"
            f" (on this machine with `make cluster`), or set {PREFIX}SPARK_HOST and"
            f" {PREFIX}SPARK_PORT."
        )


def environment(settings: Settings) -> dict[str, str]:
    """The environment variables by which dbt's output `spark` finds and enters the cluster."""
    return {
        "DBT_SPARK_HOST": settings.spark_host,
        "DBT_SPARK_PORT": str(settings.spark_port),
        "DBT_SPARK_USER": settings.spark_user,
        "DBT_SPARK_PASSWORD": settings.spark_password.get_secret_value(),
        "DBT_SPARK_AUTH": settings.spark_auth,
        "DBT_SPARK_KERBEROS_SERVICE": settings.spark_kerberos_service,
        "DBT_SPARK_TLS": str(settings.spark_tls),
        "DBT_SPARK_PREFIX": settings.spark_prefix,
    }
