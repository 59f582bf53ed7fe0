"""Asking over HTTP: real Prometheus, and every way an answer can be none."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from driftline_alerts.query import HttpQuerySource
from driftline_core.errors import QueryError
from tests.alerts.receiver import Receiver, wait_until
from tests.ports import free_port

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def prometheus(system_binary: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """A real Prometheus with three samples of x."""
    at = int(NOW.timestamp())
    lines = ["# TYPE x gauge"]
    for service, value in (("chat", "5"), ("search", "1"), ("gone", "NaN")):
        lines += [f'x{{service="{service}"}} {value} {at - 60}', f'x{{service="{service}"}} {value} {at}']
    (tmp_path / "x.om").write_text("\n".join([*lines, "# EOF\n"]), encoding="utf-8")
    data = tmp_path / "data"
    subprocess.run(
        [system_binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "x.om"), str(data)],
        check=True,
        capture_output=True,
    )
    (tmp_path / "prometheus.yml").write_text("{}", encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                system_binary("prometheus"),
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={data}",
                f"--web.listen-address={url.removeprefix('http://')}",
                "--storage.tsdb.retention.time=100y",
            ],
            stdout=log,
            stderr=log,
        )
    wait_until(lambda: _is_ready(url))
    yield url
    process.terminate()
    process.wait(10)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_prometheus_answers_and_says_no(prometheus: str) -> None:
    source = HttpQuerySource(prometheus)
    (sample,) = source.instant("x > 3", NOW)
    assert sample.labels == {"__name__": "x", "service": "chat"}
    assert (sample.value, sample.timestamp) == (5.0, NOW)
    assert {each.labels["service"] for each in source.instant("(x) >= -Inf", NOW)} == {"chat", "search"}
    assert [each.value for each in source.instant("scalar(vector(2))", NOW)] == [2.0]
    assert source.instant("nothing_of_that_name", NOW) == []
    with pytest.raises(QueryError, match="HTTP 400: bad_data"):
        source.instant("x >", NOW)
    with pytest.raises(QueryError, match="expected a vector or scalar, got matrix"):
        source.instant("x[5m]", NOW)
    source.close()


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (503, b"no", "expected JSON from the query API, got HTTP 503"),
        (500, b'{"status":"error","errorType":"internal","error":"disk"}', "HTTP 500: internal: disk"),
        (200, b'{"status":"error","errorType":"timeout","error":"slow"}', "timeout: slow"),
        (200, b'{"status":"success","warnings":["half"],"data":{"resultType":"vector","result":[]}}', "in part"),
        (200, b'{"status":"success"}', "malformed"),
        (200, b"[]", "expected a JSON object"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}', "malformed"),
        (
            200,
            b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}',
            "malformed",
        ),
        (
            200,
            b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}}',
            "malformed",
        ),
    ],
)
def test_answer_that_is_none_is_an_error_and_never_empty(
    receiver: Receiver, status: int, answer: bytes, message: str
) -> None:
    receiver.status, receiver.answer = status, answer
    source = HttpQuerySource(f"{receiver.url}/prometheus")
    with pytest.raises(QueryError, match=message):
        source.instant("x", NOW)
    assert receiver.requests[0].path == "/prometheus/api/v1/query"
    source.close()


def test_server_that_is_away_is_an_error() -> None:
    source = HttpQuerySource("http://127.0.0.1:9")
    with pytest.raises(QueryError, match="no answer from the query API: ConnectError"):
        source.instant("x", NOW)
    source.close()
