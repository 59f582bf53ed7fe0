"""A mail server on loopback that keeps what it is sent: SMTP with STARTTLS or TLS, and AUTH PLAIN."""

import base64
import contextlib
import socketserver
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


class SmtpServer:
    """Takes every mail, or answers `refuse[verb]` (such as `421 later`) to a verb: MAIL, RCPT, DATA, or `.` for the text itself.

    certificate: PEM with its key beside it as key.pem; offers STARTTLS, or speaks TLS at once when is_tls.
    """

    def __init__(self, *, certificate: Path | None = None, is_tls: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        self.refuse: dict[str, str] = {}
        self.drops_after_text = False
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, certificate.with_name("key.pem"))
        self.is_tls = is_tls
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                session = _Session(outer, self.request)
                with contextlib.suppress(OSError):  # the client does not trust us, or went away
                    session.run()
                session.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Session:
    def __init__(self, server: SmtpServer, connection: ssl.SSLSocket) -> None:
        self._server = server
        self._connection = connection
        self._is_encrypted = False
        self._recipients: list[str] = []

    def run(self) -> None:
        if self._server.is_tls:
            self._encrypt()
        self._file = self._connection.makefile("rb")
        self._say("220 loopback ESMTP")
        while line := self._file.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb in self._server.refuse:
                self._say(self._server.refuse[verb])
            elif verb == "EHLO":
                can_start = self._server.context is not None and not self._is_encrypted
                self._say(f"250-loopback\r\n{'250-STARTTLS' if can_start else '250-8BITMIME'}\r\n250 AUTH PLAIN")
            elif verb == "STARTTLS":
                self._say("220 go ahead")
                self._file.close()
                self._encrypt()
                self._file = self._connection.makefile("rb")
            elif verb == "AUTH":
                _, username, password = base64.b64decode(line.split()[2]).decode().split("\0")
                self._server.logins.append((username, password))
                self._say("235 ok")
            elif verb == "RCPT":
                self._recipients.append(line.partition("<")[2].partition(">")[0])
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                if not self._take():
                    return
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def close(self) -> None:
        self._connection.close()

    def _take(self) -> bool:
        lines = []
        while (line := self._file.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        if "." in self._server.refuse:
            self._say(self._server.refuse["."])
            return True
        self._server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._server.recipients.append(self._recipients)
        self._server.encrypted.append(self._is_encrypted)
        self._recipients = []
        self._say("250 taken")
        return not self._server.drops_after_text

    def _encrypt(self) -> None:
        assert self._server.context is not None
        bare = self._connection
        self._connection = self._server.context.wrap_socket(bare, server_side=True, do_handshake_on_connect=False)
        self._connection.do_handshake()
        self._is_encrypted = True

    def _say(self, text: str) -> None:
        self._connection.sendall(f"{text}\r\n".encode())
