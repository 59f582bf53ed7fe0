"""A thin HTTP front over chDB: enough of ClickHouse's HTTP interface for clickhouse-connect, so that the server path runs where no
ClickHouse server can be installed. Runs in a process of its own (one engine a process) and prints its port as the first line.

    python -m tests.core.clickhouse_http DIRECTORY [PORT]

Not ClickHouse's: authentication, sessions, compression of responses, progress headers.
"""

import gzip
import re
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import chdb
import lz4.frame

_NOT_SETTINGS = frozenset(
    {"query", "database", "default_format", "query_id", "wait_end_of_query", "compress", "decompress", "role"}
    | {"session_id", "session_timeout", "session_check", "buffer_size", "quota_key", "enable_http_compression"}
    | {"send_progress_in_http_headers", "http_headers_progress_interval_ms", "client_protocol_version"}
)
_SETTING = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_INSERT = re.compile(r"^\s*INSERT\s+INTO\s+.*?\bFORMAT\s+(\w+)\s*$", re.IGNORECASE | re.DOTALL)
_INSERT_WITH_DATA = re.compile(rb"^\s*INSERT\s+INTO\s+[^\n]*?\bFORMAT\s+\w+[ \t]*\n", re.IGNORECASE)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)\.")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _split(query: str, body: bytes) -> tuple[str, bytes]:
    """The statement and the data behind it: in the URL and the body, or both in the body."""
    if query:
        return query, body
    insert = _INSERT_WITH_DATA.match(body)
    end = insert.end() if insert else len(body)
    return body[:end].decode().rstrip(), body[end:]


class Handler(BaseHTTPRequestHandler):
    """One request: its own handle on the engine, so settings and databases never mix."""

    protocol_version = "HTTP/1.1"
    server: "Front"

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        arguments = {
            key: values[-1] for key, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }
        body = self._body()
        sql, data = _split(arguments.get("query", ""), body)
        connection = chdb.connect(self.server.directory)  # type: ignore[no-untyped-call]  # chdb has no types
        try:
            connection.query(f"USE {arguments.get('database', 'default')}")
            for name, value in arguments.items():
                if name not in _NOT_SETTINGS and not name.startswith("param_") and _SETTING.match(name):
                    connection.query(f"SET {name} = {_quoted(value)}")
            parameters = {name[6:]: value for name, value in arguments.items() if name.startswith("param_")}
            answer, format_name = self._run(
                connection, sql, data, parameters, arguments.get("default_format", "TabSeparated")
            )
        except Exception as error:  # noqa: BLE001 - whatever the engine raises is the answer
            message = str(error)
            code = _CODE.search(message)
            self._answer(500, message.encode(), {"X-ClickHouse-Exception-Code": code.group(1) if code else "1002"})
        else:
            self._answer(
                200,
                answer,
                {"X-ClickHouse-Format": format_name, "X-ClickHouse-Summary": "{}", "X-ClickHouse-Timezone": "UTC"},
            )
        finally:
            connection.close()

    def _run(
        self, connection: Any, sql: str, data: bytes, parameters: dict[str, str], default_format: str
    ) -> tuple[bytes, str]:
        insert = _INSERT.match(sql)
        if insert is None:
            named = _FORMAT.search(sql)
            format_name = named.group(1) if named else default_format
            return connection.query(sql, format_name, params=parameters).bytes(), format_name
        with tempfile.NamedTemporaryFile(dir=self.server.scratch) as file:
            file.write(data)
            file.flush()
            statement = sql[: insert.start(1)].rstrip()[: -len("FORMAT")]
            connection.query(f"{statement} FROM INFILE {_quoted(file.name)} FORMAT {insert.group(1)}", "Null")
        return b"", "Null"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(parts)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        match self.headers.get("Content-Encoding", ""):
            case "lz4":
                return bytes(lz4.frame.decompress(body))
            case "gzip":
                return gzip.decompress(body)
            case _:
                return body

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """No access log."""


class Front(ThreadingHTTPServer):
    """The server; `directory` is the engine's."""

    daemon_threads = True

    def __init__(self, directory: str, scratch: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.directory = directory
        self.scratch = scratch


def main() -> None:
    directory = Path(sys.argv[1])
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    keeper = chdb.connect(str(directory))  # type: ignore[no-untyped-call]  # an engine lives while a handle is open
    with tempfile.TemporaryDirectory() as scratch, Front(str(directory), scratch, port) as front:
        sys.stdout.write(f"{front.server_port}\n")
        sys.stdout.flush()
        front.serve_forever()
    keeper.close()


if __name__ == "__main__":
    main()
