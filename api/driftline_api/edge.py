"""The outermost layer of every request: host, size, security headers, metrics, one log line."""

import time
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from driftline_api.problems import problem_response
from driftline_api.process_metrics import ProcessMetrics
from driftline_api.settings import ApiSettings
from driftline_core import get_logger

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# The page is all of ours: nothing from elsewhere is loaded, nothing inline runs, nobody frames it.
_SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Edge:
    """Refuses what should not come in; stamps and counts what goes out."""

    def __init__(self, app: ASGIApp, *, settings: ApiSettings, metrics: ProcessMetrics) -> None:
        self._app = app
        self._body_limit_bytes = settings.body_limit_bytes
        self._hosts = settings.host_names()
        self._metrics = metrics
        self._log = get_logger("api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 500
        n_received = 0

        async def stamped_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        async def bounded_receive() -> Message:
            nonlocal n_received
            message = await receive()
            if message["type"] == "http.request":
                n_received += len(message.get("body", b""))
                if n_received > self._body_limit_bytes:
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large_detail("more"))
            return message

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, stamped_send)
            else:
                await self._app(scope, bounded_receive, stamped_send)
        finally:
            self._count(scope, status, time.perf_counter() - begin)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = _host_name(headers.get("host", ""))
        if self._hosts and host not in self._hosts:
            wanted = ", ".join(sorted(self._hosts))
            detail = f"expected host {wanted}, got {host[:80]!r}; DRIFTLINE_API_ALLOWED_HOSTS names others"
            return problem_response(HTTPStatus.MISDIRECTED_REQUEST, "unknown-host", "Unknown host", detail)
        if scope["method"] not in _READING and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            detail = "expected a change to come from Driftline's own page or a program, got one from another web site"
            return problem_response(HTTPStatus.FORBIDDEN, "cross-site", "Cross-site request", detail)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._body_limit_bytes:
            code, detail = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large_detail(length)
            return problem_response(code, "request-entity-too-large", code.phrase, detail)
        return None

    def _too_large_detail(self, n_bytes: str) -> str:
        return f"expected a body of at most {self._body_limit_bytes} bytes, got {n_bytes}"

    def _count(self, scope: Scope, status: int, duration_s: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.count_request(method=method, route=route, status=status, duration_s=duration_s)
        self._log.debug(
            "request answered", method=method, route=route, status=status, duration_ms=round(duration_s * 1000, 1)
        )


def _host_name(host: str) -> str:
    """A Host header without its port; IPv6 without brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
