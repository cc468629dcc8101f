"""The cluster's Thrift server, through which dbt builds there."""

import importlib.util
import socket

from orchestration.settings import PREFIX, InvalidSetting, Settings


class ClusterUnreachable(Exception):
    """The cluster can't be used from here; the message says why, and what to do."""


def answers(host: str, port: int) -> bool:
    """Whether anything listens there."""
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def is_installed() -> bool:
    """Whether dbt-spark, which is an extra, is there."""
    return importlib.util.find_spec("dbt.adapters.spark") is not None


def check(settings: Settings) -> None:
    """See that the cluster can be used, before anything is done.

    Raises:
        InvalidSetting: the settings by which it is entered don't fit together.
        ClusterUnreachable: dbt-spark isn't installed, or no server answers.
    """
    _check_entry(settings)
    if not is_installed():
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


def _check_entry(settings: Settings) -> None:
    """See that user, password and service are there for the ways to enter that ask for them."""
    auth = settings.spark_auth
    with_password = auth in ("LDAP", "CUSTOM")
    has_password = bool(settings.spark_password.get_secret_value())
    service = settings.spark_kerberos_service
    if with_password and not (settings.spark_user and has_password):
        reason = f"is {auth!r}: set {PREFIX}SPARK_USER and {PREFIX}SPARK_PASSWORD too"
    elif has_password and not with_password:
        reason = f"is {auth!r}, but {PREFIX}SPARK_PASSWORD is for LDAP or CUSTOM: unset one"
    elif auth == "KERBEROS" and not service:
        reason = f"is {auth!r}: set {PREFIX}SPARK_KERBEROS_SERVICE too, mostly to hive or spark"
    elif service and auth != "KERBEROS":
        reason = f"is {auth!r}, but {PREFIX}SPARK_KERBEROS_SERVICE is for KERBEROS: unset one"
    else:
        return
    raise InvalidSetting(f"{PREFIX}SPARK_AUTH {reason}.")


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
