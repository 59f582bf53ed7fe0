"""Mail by SMTP: plain text, over TLS or STARTTLS.

Delivery is at least once (`direct.py`). A repeat has the same Message-ID, by which many mailboxes drop it; mails of one episode of
an alert refer to one another, so that they are one conversation.
"""

import hashlib
import smtplib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr

from driftline_alerts.errors import DeliveryError
from driftline_alerts.message import headline, plain_text
from driftline_alerts.notification import Notification
from driftline_alerts.receiver_http import tls_context
from driftline_core.errors import ConfigError
from driftline_core.log import get_logger

Security = Literal["starttls", "tls", "none"]

_LOG = get_logger("alerts")
_NOT_OFFERED: Final = 502  # RFC 5321: command not implemented; said of a server without STARTTLS or AUTH
_MESSAGE_REFUSED: Final = (552, 554)


class Mail:
    """Addresses behind one SMTP server. post raises DeliveryError; ConfigError when a password would go out in the clear.

    security: starttls (the server must offer it), tls (from the first byte) or none.
    """

    batch_alerts = 50

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        recipients: Sequence[str],
        security: Security = "starttls",
        username: str | None = None,
        password: SecretStr | None = None,
        external_url: str = "",
        verify_tls: bool = True,
        ca_file: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        if username is not None and security == "none":
            raise ConfigError("expected starttls or tls for a mail server with a user name, got none")
        self._host, self._port = host, port
        self._sender, self._recipients = sender, tuple(recipients)
        self._security = security
        self._username = username
        self._password = password.get_secret_value() if password is not None else ""
        self._external_url = external_url
        self._context = tls_context(verify_tls=verify_tls, ca_file=ca_file)
        self._timeout_s = timeout_s
        identity = f"{host}:{port} {sender} {sorted(self._recipients)}"
        self.receiver_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.name = f"mail by {host} ({self.receiver_id[:6]})"

    def post(self, notifications: Sequence[Notification], *, now: datetime, delivery_id: str) -> None:
        """Send alerts of one alertname and status as one mail; returns once the server has taken it for at least one address."""
        mail = self._mail(notifications, now, delivery_id)
        try:
            self._transmit(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise self._error(f"refused every address ({codes[0]})", min(codes)) from error
        except smtplib.SMTPDataError as error:
            # What the server says of this mail's text concerns these alerts; anything else concerns us.
            code = None if error.smtp_code in _MESSAGE_REFUSED else error.smtp_code
            raise self._error(f"refused the mail ({error.smtp_code})", code) from error
        except smtplib.SMTPNotSupportedError as error:
            raise self._error(f"does not offer what is needed: {error}", _NOT_OFFERED) from error
        except smtplib.SMTPResponseException as error:
            raise self._error(f"answered {error.smtp_code}", error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{self.name} does not answer: {type(error).__name__}", is_retryable=True) from error

    def close(self) -> None:
        """Nothing stays open."""

    def _transmit(self, mail: EmailMessage) -> None:
        connection = self._connect()
        try:
            if self._security == "starttls":
                connection.starttls(context=self._context)
            if self._username is not None:
                connection.login(self._username, self._password)
            refused = connection.send_message(mail)
        finally:
            self._leave(connection)
        if refused:
            _LOG.warning("mail not taken for every address", receiver=self.name, addresses=len(refused))

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=self._context)
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)

    def _leave(self, connection: smtplib.SMTP) -> None:
        """Say goodbye; the mail was taken or not before, so nothing that goes wrong here matters."""
        try:
            connection.quit()
        except (smtplib.SMTPException, OSError):
            connection.close()

    def _mail(self, notifications: Sequence[Notification], now: datetime, delivery_id: str) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = " ".join(headline(notifications).split())
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{delivery_id}@{self.receiver_id}.driftline>"
        mail["References"] = f"<{_conversation(notifications)}@{self.receiver_id}.driftline>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(plain_text(notifications, external_url=self._external_url))
        return mail

    def _error(self, said: str, code: int | None) -> DeliveryError:
        is_retryable = code is not None and 400 <= code < 500
        return DeliveryError(f"{self.name} {said}", is_retryable=is_retryable, status_code=code)


def _conversation(notifications: Sequence[Notification]) -> str:
    first = notifications[0]
    return hashlib.sha256(f"{first.key} {first.active_at.isoformat()}".encode()).hexdigest()[:32]
