"""How the cluster is entered: what the settings say reaches dbt-spark; what can't be is told."""

from unittest import mock

import pytest
import yaml

from orchestration.models import DBT_PROJECT
from orchestration.settings import InvalidSetting, load_settings
from orchestration.spark import thrift

LDAP = {"spark_auth": "LDAP", "spark_user": "007", "spark_password": "p'a\"ss {{ x }} #0"}
KERBEROS = {"spark_auth": "KERBEROS", "spark_kerberos_service": "hive"}
NOTHING = {"user": None, "password": None, "auth": "NONE", "kerberos_service_name": None}


def profile(settings, monkeypatch):
    """The output `spark` as dbt reads it."""
    from dbt.config.renderer import ProfileRenderer
    from dbt_common.context import set_invocation_context

    environment = thrift.environment(settings)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    set_invocation_context(environment)
    text = (DBT_PROJECT / "profiles.yml").read_text(encoding="utf-8")
    output = yaml.safe_load(text)["learner_progress"]["outputs"]["spark"]
    return ProfileRenderer({}).render_data(output)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, {}),
        ({"spark_auth": "NOSASL"}, {"auth": "NOSASL"}),
        (LDAP, {"auth": "LDAP", "user": "007", "password": LDAP["spark_password"]}),
        (
            LDAP | {"spark_auth": "CUSTOM", "spark_password": "0123"},
            {"auth": "CUSTOM", "user": "007", "password": "0123"},
        ),
        (KERBEROS, {"auth": "KERBEROS", "kerberos_service_name": "hive"}),
    ],
)
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_every_way_to_enter_reaches_the_connection(entry, expected, is_encrypted, monkeypatch):
    place = {"spark_host": "spark.example.org", "spark_port": 10_001, "spark_tls": is_encrypted}
    settings = load_settings(**place, **entry, _env_file=None)
    read = profile(settings, monkeypatch)
    told = {"host": "spark.example.org", "port": 10_001, "use_ssl": is_encrypted}
    assert {name: read[name] for name in NOTHING | told} == NOTHING | told | expected
    monkeypatch.setattr(thrift, "is_installed", lambda: True)
    monkeypatch.setattr(thrift, "answers", lambda *_: True)
    thrift.check(settings)


def entered(settings, monkeypatch):
    """What dbt-spark gives to its client: for a plain connection, and for one with TLS."""
    connections = pytest.importorskip("dbt.adapters.spark.connections")
    from dbt.adapters.contracts.connection import Connection

    read = profile(settings, monkeypatch)
    read.pop("type")
    credentials = connections.SparkCredentials.from_dict(read | {"database": None})
    connection = Connection(type="spark", name="test", credentials=credentials)
    with (
        mock.patch.object(connections.hive, "connect") as connect,
        mock.patch.object(connections, "build_ssl_transport") as encrypted,
    ):
        connections.SparkConnectionManager.open(connection)
    return connect.call_args.kwargs, encrypted.call_args


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, (None, None, "NONE", None)),
        (LDAP, ("007", LDAP["spark_password"], "LDAP", None)),
        (KERBEROS, (None, None, "KERBEROS", "hive")),
    ],
)
def test_dbt_gives_the_client_all_of_it(entry, expected, monkeypatch):
    names = ("username", "password", "auth", "kerberos_service_name")
    told = dict(zip(names, expected, strict=True)) | {"host": "127.0.0.1", "port": 10_000}
    plain, encrypted = entered(load_settings(**entry, _env_file=None), monkeypatch)
    assert encrypted is None
    zone = plain.pop("configuration")["spark.sql.session.timeZone"]
    assert (plain, zone) == (told, "UTC")
    settings = load_settings(**entry, spark_tls=True, _env_file=None)
    carried, encrypted = entered(settings, monkeypatch)
    assert encrypted.kwargs == told
    assert carried.keys() == {"thrift_transport", "configuration"}


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"spark_auth": "LDAP"}, "SPARK_USER and LEARNER_PROGRESS_SPARK_PASSWORD"),
        ({"spark_auth": "CUSTOM", "spark_user": "ada"}, "SPARK_PASSWORD"),
        ({"spark_password": "secret"}, "LDAP or CUSTOM"),
        (KERBEROS | {"spark_kerberos_service": ""}, "SPARK_KERBEROS_SERVICE"),
        ({"spark_kerberos_service": "hive"}, "is for KERBEROS"),
    ],
)
def test_what_does_not_fit_together_is_told_before_anything_is_done(entry, named, monkeypatch):
    monkeypatch.setattr(thrift, "answers", lambda *_: True)
    with pytest.raises(InvalidSetting, match=named) as refused:
        thrift.check(load_settings(**entry, _env_file=None))
    assert "secret" not in str(refused.value)
