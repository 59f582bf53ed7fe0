"""A small server that answers like the parts of Grafana's HTTP API that a push uses; Grafana itself cannot run here."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_test"
BASIC = ("admin", "open sesame")


@dataclass(kw_only=True)
class FakeGrafana:
    """State and the requests that came: (method, path, body)."""

    prefix: str = ""
    url: str = ""
    role: str = "Admin"
    broken: str | None = None
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    datasources: dict[str, Any] = field(default_factory=dict)
    folders: dict[str, Any] = field(default_factory=dict)
    dashboards: dict[str, Any] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: PLR0911 - a route a line
        """Status and JSON, as Grafana's documentation of the HTTP API tells."""
        self.requests.append((method, path, body))
        match method, path.strip("/").split("/"):
            case _, ["datasources", *_] if self.role != "Admin":
                return 403, {"message": "You'll need additional permissions to perform this action."}
            case "GET", ["datasources", "uid", uid]:
                return (200, self.datasources[uid]) if uid in self.datasources else (404, {"message": "not found"})
            case "POST", ["datasources"]:
                self.datasources[body["uid"]] = body
                return 200, {"message": "Datasource added", "datasource": body}
            case "PUT", ["datasources", "uid", uid]:
                self.datasources[uid] = body
                return 200, {"message": "Datasource updated", "datasource": body}
            case "GET", ["folders", uid]:
                return (200, self.folders[uid]) if uid in self.folders else (404, {"message": "folder not found"})
            case "POST", ["folders"]:
                self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"]}
                return 200, self.folders[body["uid"]]
            case "PUT", ["folders", uid]:
                self.folders[uid]["title"] = body["title"]
                return 200, self.folders[uid]
            case "POST", ["dashboards", "db"]:
                return self._save(body)
        return 404, {"message": "Not found"}

    def _save(self, body: Any) -> tuple[int, Any]:
        dashboard = body["dashboard"]
        if self.broken is not None:
            return 412, {"message": self.broken, "status": "version-mismatch"}
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        uid = dashboard["uid"]
        present = self.dashboards.get(uid)
        if present is not None and not body["overwrite"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        version = 1 if present is None else present["version"] + 1
        self.dashboards[uid] = {"version": version, "folderUid": body["folderUid"], "dashboard": dashboard}
        return 200, {"uid": uid, "url": f"{self.prefix}/d/{uid}/x", "version": version, "status": "success"}


@contextmanager
def running_grafana(*, prefix: str = "") -> Iterator[FakeGrafana]:
    grafana = FakeGrafana(prefix=prefix)
    basic = "Basic " + base64.b64encode(":".join(BASIC).encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            api = f"{prefix}/api"
            if not self.path.startswith(api):
                return self._send(200, b"<html>a web page</html>", "text/html")
            if self.headers.get("authorization") not in {f"Bearer {TOKEN}", basic}:
                status, answer = 401, {"message": "Invalid API key"}
            else:
                status, answer = grafana.answer(
                    self.command, self.path.removeprefix(api), json.loads(body) if body else None
                )
            return self._send(status, json.dumps(answer).encode(), "application/json")

        def _send(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815 - the names that the base class calls

        def log_message(self, *args: object) -> None:
            """Silent: test output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        grafana.url = f"http://127.0.0.1:{server.server_port}{prefix}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield grafana
        finally:
            server.shutdown()
            thread.join()
