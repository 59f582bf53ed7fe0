"""The SDK and the collector agree: what is recorded in an app is what stands in the store."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import driftline
from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings
from driftline_core.store import Store

DEADLINE_S = 30.0
_READ = "SELECT * EXCEPT (trace_id, span_id, parent_span_id) FROM generations FINAL WHERE project = 'shop' ORDER BY kind, request_model"


@pytest.fixture
def endpoint(store: Store, tmp_path: Path) -> Iterator[str]:
    settings = CollectorSettings(http_port=0, grpc_port=0, spool_path=tmp_path / "spool", linger_s=0.02)
    collector = Collector(settings, store)
    collector.start()
    yield f"http://127.0.0.1:{collector.http_port}"
    collector.stop(deadline_s=10.0)


def rows(store: Store, *, n_rows: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + DEADLINE_S
    while len(found := store.rows(_READ, {})) < n_rows and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_what_an_app_records_stands_in_the_store(store: Store, endpoint: str) -> None:
    @driftline.retrieval(source="kb")
    def search(query: str) -> list[dict[str, Any]]:
        return [{"id": "d1", "content": "Open 9 to 5.", "score": 0.5}]

    @driftline.tool
    def clock(zone: str) -> str:
        return "09:00"

    provider = TracerProvider(resource=Resource.create({"service.name": "bot"}), shutdown_on_exit=False)
    running = driftline.instrument(endpoint=endpoint, project="shop", instrumentations=[], tracer_provider=provider)
    with (
        driftline.session(session_id="s-1", user_id="u-1"),
        driftline.start_generation(
            model="m", provider="openai", prompt_name="support", prompt_version="3", temperature=0.5, max_tokens=9
        ) as generation,
    ):
        generation.input("When are you open?", system="Be brief.").documents(search("open"))
        clock("UTC")
        generation.first_chunk().output("From 9.", finish_reason="stop")
        generation.usage(input_tokens=40, output_tokens=4, cache_read=30, cache_write=2, reasoning=1)
        generation.response(model="m-0613", response_id="r-1")
    with pytest.raises(TimeoutError), driftline.start_generation(operation="text_completion", model="z"):
        raise TimeoutError("no answer")
    running.shutdown()
    provider.shutdown()

    llm, failed, retrieval, tool = rows(store, n_rows=4)
    documents = [("d1", "Open 9 to 5.", 0.5)]
    expected = {
        "service": "bot", "kind": "llm", "operation": "chat", "provider": "openai", "request_model": "m", "model": "m",
        "response_model": "m-0613", "response_id": "r-1", "prompt_name": "support", "prompt_version": "3",
        "session_id": "s-1", "user_id": "u-1", "is_error": 0, "finish_reason": "stop", "temperature": 0.5, "max_tokens": 9,
        "is_stream": 1, "input_tokens": 40, "output_tokens": 4, "cache_read_tokens": 30, "cache_write_tokens": 2,
        "reasoning_tokens": 1, "system_prompt": "Be brief.", "prompt": "When are you open?", "completion": "From 9.",
    }  # fmt: skip
    assert {key: llm.get(key, llm["request_model"]) for key in expected} == expected
    assert 0 < llm["time_to_first_token_ms"] <= llm["duration_ms"]
    failure = (failed["is_error"], failed["error_type"], failed["error_message"])
    assert failure == (1, "TimeoutError", "TimeoutError: no answer")
    assert (retrieval["kind"], retrieval["prompt"], retrieval["session_id"]) == ("retrieval", "open", "s-1")
    for row in (retrieval, llm):
        assert [tuple(one.values()) if isinstance(one, dict) else one for one in row["documents"]] == documents
    assert (tool["kind"], tool["tool_name"], tool["tool_result"]) == ("tool", "clock", "09:00")
    assert tool["tool_arguments"] == '{"zone":"UTC"}'
