"""Mail, by a mail server on loopback that really speaks TLS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from driftline_alerts.errors import DeliveryError
from driftline_alerts.mail import Mail
from driftline_alerts.settings import AlertSettings
from driftline_core.errors import ConfigError
from tests.alerts.notices import NOW, notice
from tests.alerts.smtp_server import SmtpServer


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.close()


def mail(server: SmtpServer, **settings: Any) -> Mail:
    chosen = {"security": "none", "external_url": "http://driftline.test", "timeout_s": 5.0, **settings}
    return Mail("127.0.0.1", server.port, sender="driftline@a.test", recipients=("ops@a.test", "lead@a.test"), **chosen)


def test_mail_is_text_with_facts_and_links(server: SmtpServer) -> None:
    mail(server).post([notice()], now=NOW, delivery_id="abc")
    (sent,) = server.mails
    assert server.recipients == [["ops@a.test", "lead@a.test"]]
    assert (sent["Subject"], sent["From"]) == ("FIRING: Answers of chat have drifted", "driftline@a.test")
    assert (sent["To"], sent["Auto-Submitted"]) == ("ops@a.test, lead@a.test", "auto-generated")
    assert sent.get_content_type() == "text/plain"
    text = sent.get_content().replace("\r\n", "\n")
    assert "What moved: The answers of chat differ by 9.2 standard deviations\n" in text
    assert "Examples:\n  - example 0 (trace 0)\n" in text
    assert "Driftline: http://driftline.test/?service=chat&model=gpt#alerts\n" in text


def test_repeat_has_the_same_id_and_an_episode_is_one_conversation(server: SmtpServer) -> None:
    channel = mail(server)
    channel.post([notice()], now=NOW, delivery_id="abc")
    channel.post([notice()], now=NOW, delivery_id="abc")
    channel.post([notice(is_resolved=True)], now=NOW, delivery_id="def")
    ids = [sent["Message-ID"] for sent in server.mails]
    assert ids[0] == ids[1] != ids[2]
    assert len({sent["References"] for sent in server.mails}) == 1


def test_of_many_alerts_the_first_are_told_and_the_rest_counted(server: SmtpServer) -> None:
    mail(server).post([notice(f"s{number:02}") for number in range(12)], now=NOW, delivery_id="abc")
    assert server.mails[0]["Subject"] == "FIRING (12): Drifted"
    assert "and 7 more: http://driftline.test" in server.mails[0].get_content()


def test_line_breaks_in_an_alert_make_no_headers(server: SmtpServer) -> None:
    mail(server).post([notice(annotations={"summary": "a\r\nBcc: x@b.test\n.\nQUIT"})], now=NOW, delivery_id="abc")
    assert server.mails[0]["Subject"] == "FIRING: a Bcc: x@b.test . QUIT"
    assert server.mails[0]["Bcc"] is None
    assert server.recipients == [["ops@a.test", "lead@a.test"]]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_connection_is_encrypted_and_the_server_known(authority: Path, security: str) -> None:
    server = SmtpServer(certificate=authority, is_tls=security == "tls")
    chosen = {"security": security, "username": "driftline", "password": SecretStr("pw")}
    mail(server, **chosen, ca_file=authority).post([notice()], now=NOW, delivery_id="abc")
    assert (server.encrypted, server.logins) == ([True], [("driftline", "pw")])
    with pytest.raises(DeliveryError, match="SSLCertVerificationError") as caught:
        mail(server, **chosen).post([notice()], now=NOW, delivery_id="abc")
    assert caught.value.is_retryable
    mail(server, **chosen, verify_tls=False).post([notice()], now=NOW, delivery_id="abc")
    server.close()
    assert len(server.mails) == 2


def test_nothing_is_sent_in_the_clear_when_encryption_was_asked_for(server: SmtpServer) -> None:
    with pytest.raises(DeliveryError, match="does not offer what is needed: STARTTLS") as caught:
        mail(server, security="starttls").post([notice()], now=NOW, delivery_id="abc")
    assert (caught.value.is_retryable, caught.value.is_about_alerts, server.mails) == (False, False, [])
    with pytest.raises(ConfigError, match="expected starttls or tls"):
        mail(server, username="driftline")
    with pytest.raises(ValidationError, match="expected smtp_security starttls or tls"):
        AlertSettings(smtp_host="mail.test", email_to=("a@b.test",), smtp_username="u", smtp_security="none")
    with pytest.raises(ValidationError, match="expected smtp_host and email_to together"):
        AlertSettings(smtp_host="mail.test")


@pytest.mark.parametrize(
    ("verb", "answer", "is_retryable", "is_about_alerts"),
    [
        ("MAIL", "421 too many connections", True, False),
        ("RCPT", "450 greylisted", True, False),
        ("RCPT", "550 no such user", False, False),
        (".", "451 local error", True, False),
        (".", "554 looks like spam", False, True),
        (".", "552 too large", False, True),
    ],
)
def test_errors_are_told_apart(
    server: SmtpServer, verb: str, answer: str, is_retryable: bool, is_about_alerts: bool
) -> None:
    server.refuse = {verb: answer}
    with pytest.raises(DeliveryError) as caught:
        mail(server).post([notice()], now=NOW, delivery_id="abc")
    assert (caught.value.is_retryable, caught.value.is_about_alerts) == (is_retryable, is_about_alerts)


def test_mail_that_was_taken_is_taken_whatever_the_server_does_next(server: SmtpServer) -> None:
    server.drops_after_text = True
    mail(server).post([notice()], now=NOW, delivery_id="abc")
    assert len(server.mails) == 1


def test_server_that_is_away_is_retryable(server: SmtpServer) -> None:
    channel = mail(server)
    server.close()
    with pytest.raises(DeliveryError, match="does not answer") as caught:
        channel.post([notice()], now=NOW, delivery_id="abc")
    assert caught.value.is_retryable
