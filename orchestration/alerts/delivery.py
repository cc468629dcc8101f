"""How a message gets to people: by a webhook, by e-mail, or both."""

import logging
import smtplib
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import urlsplit

from orchestration.output import as_json, plain
from orchestration.settings import Settings

Message = dict[str, Any]
"""What is told: `text` for people, and the same as values for programs."""

TIMEOUT = 5.0
"""Seconds to wait for a receiver to connect, and then for each of its answers."""

WAITS = (0.0, 1.0, 4.0)
"""Seconds before each attempt of one delivery."""

IMPLICIT_TLS = 465
"""The port on which mail is encrypted from the first byte."""


def targets(settings: Settings) -> list[str]:
    """Where messages go by these settings: `webhook`, `email`, both or none."""
    configured = {"webhook": settings.alert_webhook, "email": settings.alert_smtp_host}
    return [name for name, value in configured.items() if value]


def deliver(settings: Settings, target: str, message: Message) -> str | None:
    """Send one message to one target, with a few attempts; None, or why it didn't arrive.

    What is returned, raised or logged holds neither the webhook's path nor a password.
    """
    send: Callable[[Settings, Message], str | None]
    send = _to_webhook if target == "webhook" else _by_mail
    problem = None
    for wait in WAITS:
        time.sleep(wait)
        problem = send(settings, message)
        if problem is None:
            return None
    return problem


def deliver_all(
    settings: Settings, messages: dict[str, list[Message]]
) -> dict[str, tuple[int, str | None]]:
    """Send each target its messages in order, the targets side by side.

    Returns:
        For each target how many arrived, and why the next one didn't (None if all did).
    """

    def in_order(target: str) -> tuple[int, str | None]:
        for arrived, message in enumerate(messages[target]):
            if problem := deliver(settings, target, message):
                return arrived, problem
        return len(messages[target]), None

    with ThreadPoolExecutor(max_workers=max(1, len(messages))) as threads:
        return dict(zip(messages, threads.map(in_order, messages), strict=True))


def _to_webhook(settings: Settings, message: Message) -> str | None:
    """POST the message as JSON; its `text` is what Slack, Mattermost and Teams show."""
    import requests

    # At its debug level this log tells the path of every address, which is the webhook's secret.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    url = settings.alert_webhook.get_secret_value()
    try:
        # The answer's body isn't read, so that a receiver can't keep us by never ending it.
        with requests.post(
            url, json=plain(message), timeout=TIMEOUT, stream=True, allow_redirects=False
        ) as response:
            if response.ok and not response.is_redirect:
                return None
            problem = f"it answered {response.status_code}"
    except (requests.RequestException, ValueError) as error:
        problem = type(error).__name__
    return f"The webhook at {urlsplit(url).hostname} didn't take the message: {problem}."


def _by_mail(settings: Settings, message: Message) -> str | None:
    mail = EmailMessage()
    mail["Subject"] = " ".join(message["text"].splitlines()[0].split())
    mail["From"] = settings.alert_from or f"learner-progress <{settings.alert_to.split(',')[0]}>"
    mail["To"] = settings.alert_to
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid()
    mail.set_content(message["text"])
    mail.add_attachment(as_json(message).encode(), "application", "json", filename="alert.json")
    try:
        with _mail_server(settings) as server:
            server.send_message(mail)
        return None
    except smtplib.SMTPResponseException as error:
        problem = f"{type(error).__name__}, code {error.smtp_code}"
    except (smtplib.SMTPException, OSError, ValueError) as error:
        problem = type(error).__name__
    host = settings.alert_smtp_host
    return f"The mail server {host}:{settings.alert_smtp_port} didn't take the message: {problem}."


def _mail_server(settings: Settings) -> smtplib.SMTP:
    host, port = settings.alert_smtp_host, settings.alert_smtp_port
    tls = ssl.create_default_context()
    if port == IMPLICIT_TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=tls)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    try:
        if settings.alert_smtp_starttls and port != IMPLICIT_TLS:
            server.starttls(context=tls)
        if settings.alert_smtp_user:
            server.login(settings.alert_smtp_user, settings.alert_smtp_password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server
