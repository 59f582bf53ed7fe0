"""HTTP to receivers: one client with the house's TLS settings, and errors that say whether trying again helps."""

import ssl
from pathlib import Path
from typing import Any, Final

import httpx

from driftline_alerts.errors import DeliveryError
from driftline_core.errors import ConfigError

_RETRYABLE: Final = {408, 425, 429}
_MAX_MESSAGE_CHARACTERS: Final = 300


def receiver_client(
    *,
    timeout_s: float,
    verify_tls: bool = True,
    ca_file: Path | None = None,
    auth: httpx.Auth | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Client:
    """A client for one receiver. Redirects are not followed: a page must not go where nobody configured. Raises ConfigError."""
    verify = tls_context(verify_tls=verify_tls, ca_file=ca_file) if verify_tls and ca_file is not None else verify_tls
    return httpx.Client(timeout=timeout_s, verify=verify, auth=auth, headers=headers, trust_env=False)


def tls_context(*, verify_tls: bool = True, ca_file: Path | None = None) -> ssl.SSLContext:
    """What certificates are checked against: the usual authorities, those of a PEM file, or nothing. Raises ConfigError."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"expected a PEM file of certificates at {ca_file}, got {error}") from error
    if not verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def send(client: httpx.Client, method: str, url: str, *, receiver: str, **arguments: Any) -> httpx.Response:
    """The answer, when its status is 2xx. Raises DeliveryError; messages name receiver, never the URL, which may hold a key."""
    try:
        response = client.request(method, url, **arguments)
    except (httpx.TransportError, httpx.TooManyRedirects) as error:
        raise DeliveryError(f"{receiver} does not answer: {type(error).__name__}", is_retryable=True) from error
    except (httpx.InvalidURL, httpx.HTTPError) as error:
        raise DeliveryError(f"{receiver} cannot be asked: {type(error).__name__}", is_retryable=False) from error
    if response.is_success:
        return response
    raise DeliveryError(
        f"{receiver} answered HTTP {response.status_code}: {error_message(response)}",
        is_retryable=response.is_server_error or response.status_code in _RETRYABLE,
        status_code=response.status_code,
        retry_after_s=_retry_after_s(response),
    )


def error_message(response: httpx.Response) -> str:
    """What the body says went wrong: a JSON string, a JSON object with `message` (and `errors`, as PagerDuty's), or text."""
    try:
        body = response.json()
    except ValueError:
        body = response.text
    if isinstance(body, dict):
        code = body.get("code")
        message = str(body.get("message", body))
        if isinstance(body.get("errors"), list):
            message = f"{message}: {'; '.join(str(each) for each in body['errors'])}"
        body = f"{message} (code {code})" if code is not None else message
    return " ".join(str(body).split())[:_MAX_MESSAGE_CHARACTERS] or response.reason_phrase


def _retry_after_s(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
