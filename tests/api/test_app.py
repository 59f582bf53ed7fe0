"""What holds for every route: problems, headers, hosts, sizes, the description, the server."""

import re
import socket
from importlib.resources import files
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from driftline_api.app import create_app
from driftline_api.problems import without_literals
from driftline_api.reader import read_sql
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_core import ConfigError
from driftline_core.store import Store
from tests.api.conftest import ClientFactory
from tests.api.records import NOON, generation, put


def test_a_failing_store_is_a_503_that_tells_neither_query_nor_text(client_of: ClientFactory, store: Store) -> None:
    client = client_of()
    store.command("DROP TABLE generations")
    with capture_logs() as logged:
        answer = client.get("/api/v1/generations", params={"q": "secret words"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert "SELECT" not in answer.text
    assert "secret words" not in answer.text
    assert "query failed" in {line["event"] for line in logged}
    assert "secret words" not in repr(logged)


def test_quoted_literals_are_blanked_in_what_is_logged() -> None:
    assert without_literals(r"bad 'it\'s ''secret''' at x = 'y'") == "bad '…' at x = '…'"


def test_every_query_is_bound_to_a_project() -> None:
    # reference_ages is of /metrics, which tells an operator of every project, each under its label.
    shared = {"price_book", "generation_columns", "traffic_columns", "alerts", "reference_ages"}
    names = {file.name.removesuffix(".sql") for file in (files("driftline_api") / "sql").iterdir()}
    for name in names - shared:
        assert "project = {project:String}" in read_sql(name), name


def test_every_query_says_what_it_takes_and_gives() -> None:
    for file in (files("driftline_api") / "sql").iterdir():
        assert file.read_text().lstrip().startswith("--") or file.name in {
            "generation_columns.sql",
            "traffic_columns.sql",
        }


def test_unknown_paths_and_methods_are_problems(quiet_client: TestClient) -> None:
    for method, path, status in [
        ("GET", "/nope", 404),
        ("PUT", "/api/v1/summary", 405),
        ("GET", "/page/../app.py", 404),
    ]:
        answer = quiet_client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["status"] == status


def test_every_answer_carries_security_headers_and_no_cors(quiet_client: TestClient) -> None:
    for path in ("/", "/api/v1/services", "/nope", "/metrics"):
        headers = quiet_client.get(path, headers={"origin": "http://evil.example"}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_a_foreign_host_name_is_refused_on_loopback_and_not_elsewhere(
    quiet_client: TestClient, client_of: ClientFactory
) -> None:
    refused = quiet_client.get("/api/v1/services", headers={"host": "rebound.example:8000"})
    assert refused.status_code == 421
    assert "DRIFTLINE_API_ALLOWED_HOSTS" in refused.json()["detail"]
    assert quiet_client.get("/healthz", headers={"host": "[::1]:8000"}).status_code == 200
    assert quiet_client.get("/healthz", headers={"host": "LOCALHOST"}).status_code == 200
    named = client_of(settings={"allowed_hosts": ("drift.example",)})
    assert named.get("/healthz", headers={"host": "drift.example"}).status_code == 200
    public = client_of(settings={"host": "0.0.0.0"})
    assert public.get("/healthz", headers={"host": "anything.example"}).status_code == 200


def test_a_change_from_another_site_is_refused(quiet_client: TestClient) -> None:
    answer = quiet_client.delete("/api/v1/references/x", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert quiet_client.delete("/api/v1/references/x", headers={"sec-fetch-site": "same-origin"}).status_code == 404


def test_large_bodies_are_refused_whether_announced_or_not(client_of: ClientFactory) -> None:
    client = client_of(settings={"body_limit_bytes": 2048})
    json_type = {"content-type": "application/json"}
    for content in (b"x" * 4096, iter([b"x" * 1500, b"x" * 1500])):
        answer = client.post("/api/v1/references", content=content, headers=json_type)
        assert answer.status_code == 413
        assert "at most 2048 bytes" in answer.json()["detail"]


def test_a_body_of_another_type_is_refused(quiet_client: TestClient) -> None:
    answer = quiet_client.post("/api/v1/references", content=b'{"name": "x"}', headers={"content-type": "text/plain"})
    assert answer.status_code in {415, 422}


def test_the_description_is_complete(quiet_client: TestClient) -> None:
    schema = quiet_client.get("/openapi.json").json()
    operations = {(path, method): one for path, item in schema["paths"].items() for method, one in item.items()}
    own = {key: one for key, one in operations.items() if not key[0].startswith("/prometheus")}
    assert ("/api/v1/generations", "get") in own
    for (path, method), operation in own.items():
        assert operation["summary"], path
        assert operation.get("description"), path
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["schema"].get("description"), (path, parameter["name"])
        if path.startswith("/api/v1"):
            assert {"400", "503"} <= set(operation["responses"]), (path, method)
    undescribed = [
        f"{name}.{field}"
        for name, model in schema["components"]["schemas"].items()
        if not name.startswith(("HTTPValidationError", "ValidationError"))
        for field, what in model.get("properties", {}).items()
        if "description" not in what
    ]
    assert undescribed == []
    assert "examples" in _text(schema["components"]["schemas"]["NewReference"])


def _text(value: Any) -> str:
    return repr(value)


def test_settings_are_described_and_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(field.description for field in ApiSettings.model_fields.values())
    monkeypatch.setenv("DRIFTLINE_API_PORT", "9123")
    monkeypatch.setenv("DRIFTLINE_API_ALLOWED_HOSTS", '["a.example"]')
    assert (ApiSettings().port, ApiSettings().allowed_hosts) == (9123, ("a.example",))


def test_the_server_serves_until_it_is_stopped_and_starts_again(store: Store) -> None:
    put(store, "generations", [generation(1, time=NOON)])
    settings = ApiSettings(port=0)
    server = ApiServer(settings, create_app(settings, store))
    assert server.health().is_ok is False
    for _ in range(2):
        server.start()
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
            assert server.health().is_ok
            with httpx.Client(base_url=server.url) as client:
                answer = client.get("/api/v1/generations")
                assert len(answer.json()["items"]) == 1
                assert "server" not in answer.headers
        finally:
            server.stop(deadline_s=10)
        server.stop(deadline_s=1)
        with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", server.port), timeout=2):
            pass


def test_a_taken_port_is_named(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = ApiSettings(port=port)
        server = ApiServer(settings, create_app(settings, store))
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            server.start()
        assert server.health().is_ok is False
        server.stop(deadline_s=1)


def test_an_address_that_is_not_one_is_named(store: Store) -> None:
    settings = ApiSettings(host="256.1.1.1", port=0)
    with pytest.raises(ConfigError, match=r"256\.1\.1\.1"):
        ApiServer(settings, create_app(settings, store)).start()
