"""Asks a running Driftline's HTTP API."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from driftline_core.errors import DriftlineError


class ApiError(DriftlineError, ConnectionError):
    """The API did not answer, or refused. status_code: 0 when there was no answer."""

    def __init__(self, message: str, *, status_code: int = 0) -> None:
        super().__init__(message)
        self.status_code = status_code


class ApiClient:
    """One project of one Driftline. A context manager. Every method raises ApiError."""

    def __init__(self, url: str, *, project: str = "default", timeout_s: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url, headers={"x-driftline-project": project}, timeout=timeout_s, trust_env=False
        )

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON of a GET."""
        return self._answer("GET", path, params=dict(parameters or {}))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of a POST."""
        return self._answer("POST", path, json=dict(body))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of a PUT."""
        return self._answer("PUT", path, json=dict(body))

    def delete(self, path: str, parameters: Mapping[str, Any] | None = None) -> None:
        """A DELETE."""
        self._answer("DELETE", path, params=dict(parameters or {}))

    def download(self, path: str, to: Path) -> None:
        """The body of a GET into a file, piece by piece; the file appears when it is whole. Raises OSError too."""
        part = to.with_name(f"{to.name}.part")
        try:
            with self._client.stream("GET", path) as response, part.open("wb") as file:
                if not response.is_success:
                    response.read()
                    raise self._refused("GET", path, response)
                for piece in response.iter_bytes():
                    file.write(piece)
        except httpx.TransportError as error:
            raise ApiError(f"the download from {self.url}{path} was cut short ({error})") from error
        part.replace(to)

    def pages(self, path: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every item of a list that comes in pages."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get(path, {**parameters, **({"cursor": cursor} if cursor else {})})
            items.extend(page["items"])
            cursor = page.get("next_cursor")
            if not cursor:
                return items

    def readiness(self) -> dict[str, Any]:
        """The body of /readyz, whatever its status code says."""
        response = self._send("GET", "/readyz")
        try:
            body = response.json()
        except ValueError as error:
            raise ApiError(f"expected JSON from {self.url}/readyz, got HTTP {response.status_code}") from error
        return body if isinstance(body, dict) else {}

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise ApiError(f"no Driftline answers at {self.url}; is `driftline up` running? ({error})") from error

    def _answer(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._send(method, path, **arguments)
        if response.is_success:
            return response.json() if response.content else None
        raise self._refused(method, path, response)

    def _refused(self, method: str, path: str, response: httpx.Response) -> ApiError:
        try:
            problem = response.json()
            detail = problem.get("detail") or problem.get("title") or response.text
        except (ValueError, AttributeError):
            detail = response.text[:200]
        return ApiError(
            f"{method} {path} answered HTTP {response.status_code}: {detail}", status_code=response.status_code
        )
