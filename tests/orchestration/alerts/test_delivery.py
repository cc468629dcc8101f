"""How a message arrives: over HTTP and by mail, after a few attempts, within bounded time."""

import json
import ssl
import subprocess
import threading
import time

import pytest

from orchestration import alerts
from orchestration.alerts import delivery
from orchestration.alerts.delivery import deliver, deliver_all
from orchestration.settings import Settings, load_settings
from tests.orchestration.alerts.conftest import SECRET

MESSAGE = {"text": "learner-progress: refresh fails.\nReaders keep R1.", "event": "failure"}


def by_mail(port: int, **options: object) -> Settings:
    return load_settings(
        alert_smtp_host="127.0.0.1",
        alert_smtp_port=port,
        alert_from="warehouse@example.org",
        alert_to="ops@example.org, ada@example.org",
        **options,
        _env_file=None,
    )


def test_a_webhook_gets_text_and_values_as_json(told, sink):
    assert deliver(told, "webhook", MESSAGE) is None
    assert sink.bodies == [MESSAGE]


@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
def test_a_webhook_that_refuses_is_asked_again(told, sink, status):
    sink.statuses = [status, status]
    assert deliver(told, "webhook", MESSAGE) is None
    assert sink.asked == 3
    assert sink.bodies == [MESSAGE]


def test_a_webhook_that_goes_on_refusing_is_named_by_its_host_only(told, sink):
    sink.statuses = [500] * 3
    problem = deliver(told, "webhook", MESSAGE)
    assert problem == "The webhook at 127.0.0.1 didn't take the message: it answered 500."
    assert sink.asked == 3


def test_a_webhook_that_is_not_there_is_a_sentence(settings):
    nowhere = load_settings(alert_webhook=f"http://127.0.0.1:9/{SECRET}", _env_file=None)
    problem = deliver(nowhere, "webhook", MESSAGE)
    assert problem == "The webhook at 127.0.0.1 didn't take the message: ConnectionError."


def test_a_webhook_that_hangs_is_left_after_a_while(told, sink, monkeypatch):
    monkeypatch.setattr(delivery, "TIMEOUT", 0.1)
    sink.hangs = threading.Event()
    began = time.monotonic()
    problem = deliver(told, "webhook", MESSAGE)
    assert time.monotonic() - began < 5
    assert "ReadTimeout" in problem


def test_mail_has_the_first_line_as_subject_and_the_values_attached(start_post_office):
    office = start_post_office()
    assert deliver(by_mail(office.port, alert_smtp_starttls=False), "email", MESSAGE) is None
    (mail,) = office.mails
    assert mail["Subject"] == "learner-progress: refresh fails."
    assert mail["From"] == "warehouse@example.org"
    assert mail["To"] == "ops@example.org, ada@example.org"
    assert office.recipients == [["ops@example.org", "ada@example.org"]]
    text, values = mail.get_payload()
    assert text.get_payload(decode=True).decode().splitlines() == MESSAGE["text"].splitlines()
    assert json.loads(values.get_payload(decode=True)) == MESSAGE


def test_a_mail_server_without_encryption_gets_no_mail_where_it_is_asked_for(start_post_office):
    office = start_post_office()
    problem = deliver(by_mail(office.port, alert_smtp_user="u"), "email", MESSAGE)
    assert "SMTPNotSupportedError" in problem
    assert office.mails == []


@pytest.fixture
def certificate(tmp_path, monkeypatch) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that this process trusts."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


@pytest.mark.parametrize(("password", "arrives"), [(SECRET, True), ("wrong", False)])
def test_mail_goes_encrypted_to_those_who_know_the_password(
    start_post_office, certificate, password, arrives
):
    from aiosmtpd.smtp import AuthResult

    def judge(server, session, envelope, mechanism, given):
        return AuthResult(success=given.password == SECRET.encode(), handled=False)

    office = start_post_office(
        tls_context=certificate, require_starttls=True, auth_required=True, authenticator=judge
    )
    settings = by_mail(office.port, alert_smtp_user="u", alert_smtp_password=password)
    problem = deliver(settings, "email", MESSAGE)
    assert (problem is None) == arrives
    assert len(office.mails) == arrives
    if problem:
        assert "SMTPAuthenticationError, code 535" in problem
        assert password not in problem


def test_a_certificate_that_nobody_vouches_for_is_refused(
    start_post_office, certificate, monkeypatch
):
    office = start_post_office(tls_context=certificate, require_starttls=True)
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "SSLCertVerificationError" in deliver(by_mail(office.port), "email", MESSAGE)
    assert office.mails == []


def test_one_target_that_fails_does_not_keep_the_other_waiting(told, sink, start_post_office):
    from orchestration.faults import Fault
    from orchestration.warehouse import utc_now

    office = start_post_office()
    both = by_mail(office.port, alert_smtp_starttls=False, home=told.home, alert_webhook=sink.url)
    sink.statuses = [500] * 3
    problems = alerts.failed(both, "refresh", Fault("It failed."), at=utc_now())
    assert len(problems) == 1
    assert len(office.mails) == 1


def test_messages_of_a_target_stop_at_the_first_that_does_not_arrive(told, sink):
    sink.statuses = [200, 500, 500, 500]
    arrived, problem = deliver_all(told, {"webhook": [MESSAGE] * 3})["webhook"]
    assert arrived == 1
    assert problem
    assert sink.asked == 4
