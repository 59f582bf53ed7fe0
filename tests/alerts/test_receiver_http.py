"""TLS to receivers: trusted when it is, refused when it is not."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from driftline_alerts.errors import DeliveryError
from driftline_alerts.receiver_http import receiver_client, send
from driftline_core.errors import ConfigError


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@pytest.fixture
def url(authority: Path) -> Iterator[str]:
    """A server behind that certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_name("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_certificate_is_checked_unless_told_otherwise(url: str, authority: Path) -> None:
    with receiver_client(timeout_s=5) as strict, pytest.raises(DeliveryError, match="does not answer: ConnectError"):
        send(strict, "POST", url, receiver="hook")
    with receiver_client(timeout_s=5, ca_file=authority) as trusting:
        assert send(trusting, "POST", url, receiver="hook").status_code == 204
    with receiver_client(timeout_s=5, verify_tls=False) as careless:
        assert send(careless, "POST", url, receiver="hook").status_code == 204


def test_file_of_authorities_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a PEM file"):
        receiver_client(timeout_s=5, ca_file=tmp_path / "none.pem")
