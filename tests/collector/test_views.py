"""What the engine makes of spans, odd ones included."""

import base64
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import ArrayValue

from benchmarks.recordings import framed, insert
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import load_table
from driftline_collector.views import ensure_ingest
from driftline_core.store import Store, migrate

RECEIVED_NS = 1_795_219_200_000_000_000  # 2026-11-21T00:00:00Z
STARTED_NS = RECEIVED_NS - 60_000_000_000


@pytest.fixture
def ingest(store: Store) -> Callable[..., list[dict[str, Any]]]:
    """Inserts requests, derives what they are and gives the spans by name."""
    deriver = Deriver(store, load_table())

    def send(*requests: ExportTraceServiceRequest, token: str = "one") -> list[dict[str, Any]]:
        frames = [framed(r.SerializeToString(), project="default", received_at_ns=RECEIVED_NS) for r in requests]
        insert(store, b"".join(frames), token=token)
        assert deriver.spans([token], since=datetime.now(UTC) - timedelta(hours=1)).n_failed == 0
        return store.rows("SELECT * FROM spans ORDER BY name")

    return send


def _request(*names: str, **span: Any) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _put(resource_spans.resource, "service.name", "shop")
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "tracer"
    for number, name in enumerate(names or ("span",), start=1):
        values = {
            "name": name, "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big"),
            "start_time_unix_nano": STARTED_NS, "end_time_unix_nano": STARTED_NS + 5_000_000, **span,
        }  # fmt: skip
        scope_spans.spans.add(**values)
    return request


def _put(owner: Any, key: str, value: Any) -> None:
    attribute = owner.attributes.add(key=key)
    _fill(attribute.value, value)


def _fill(target: Any, value: Any) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            _fill(target.array_value.values.add(), item)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for key, item in value.items():
            _fill(target.kvlist_value.values.add(key=key).value, item)


def _only_span(request: ExportTraceServiceRequest) -> Any:
    return request.resource_spans[0].scope_spans[0].spans[0]


def test_every_kind_of_attribute_value_keeps_its_meaning(ingest: Callable[..., list[dict[str, Any]]]) -> None:
    request = _request()
    values: dict[str, Any] = {
        "text": 'h\u00e9 "q"\n\t\\', "empty": "", "yes": True, "no": False, "zero": 0, "least": -(2**63),
        "most": 2**63 - 1, "tenth": 0.1, "whole": 3.0, "tiny": 5e-324, "huge": 1e300, "none": None,
        "bytes": b"\xff\x00\x01", "nul": "a\0b", "key with 'quote'": "x",
    }  # fmt: skip
    for key, value in values.items():
        _put(_only_span(request), key, value)
    [span] = ingest(request)
    found = span["attributes"]
    assert {key: found[key] for key in ("text", "empty", "nul", "yes", "no", "zero", "least", "most", "none")} == {
        "text": values["text"], "empty": "", "nul": "a\0b", "yes": "true", "no": "false", "zero": "0",
        "least": str(-(2**63)), "most": str(2**63 - 1), "none": "",
    }  # fmt: skip
    assert {key: float(found[key]) for key in ("tenth", "whole", "tiny", "huge")} == {
        key: values[key] for key in ("tenth", "whole", "tiny", "huge")
    }
    assert base64.b64decode(found["bytes"]) == values["bytes"]
    assert found["key with 'quote'"] == "x"


def test_arrays_and_maps_become_json(ingest: Callable[..., list[dict[str, Any]]]) -> None:
    request = _request()
    values: dict[str, Any] = {
        "flat": ["a", 1, 1.5, False, None, 'q"'], "map": {"a": 1, "b": ["z", None, True], "": {"k": "v"}}, "empty": [],
        "nothing": {}, "maps": [{"id": "x", "score": 0.5}, {}],
    }  # fmt: skip
    for key, value in values.items():
        _put(_only_span(request), key, value)
    _put(_only_span(request), "odd", [math.nan, -math.inf, b"\xff"])
    [span] = ingest(request)
    found = {key: json.loads(text) for key, text in span["attributes"].items()}
    assert {key: found[key] for key in values} == values
    assert found["odd"] == ["nan", "-inf", "/w=="]


def test_what_is_nested_deeper_is_kept_as_its_bytes(ingest: Callable[..., list[dict[str, Any]]]) -> None:
    request = _request()
    _put(_only_span(request), "deep", [["second", ["third", {"a": 1}]]])
    [span] = ingest(request)
    [[second, third]] = json.loads(span["attributes"]["deep"])
    kept = ArrayValue.FromString(base64.b64decode(third["$otlp"]))
    assert second == "second"
    assert kept.values[0].string_value == "third"
    assert kept.values[1].kvlist_value.values[0].key == "a"


def test_of_a_repeated_key_the_first_is_found(ingest: Callable[..., list[dict[str, Any]]], store: Store) -> None:
    request = _request()
    _put(_only_span(request), "user.id", "first")
    _put(_only_span(request), "user.id", "second")
    ingest(request)
    assert store.scalar("SELECT attributes['user.id'] FROM spans") == "first"


def test_events_links_scope_and_resource_are_kept(ingest: Callable[..., list[dict[str, Any]]]) -> None:
    request = _request()
    span = _only_span(request)
    event = span.events.add(name="exception", time_unix_nano=STARTED_NS + 1)
    _put(event, "exception.type", "ValueError")
    _put(event, "tags", ["a", "b"])
    link = span.links.add(trace_id=b"\x0a" * 16, span_id=b"\x0b" * 8)
    _put(link, "why", "retry")
    _put(request.resource_spans[0].scope_spans[0].scope, "library", "x")
    _put(request.resource_spans[0].resource, "process.command_args", ["python", "app.py"])
    [row] = ingest(request)
    assert row["events"][0]["name"] == "exception"
    assert row["events"][0]["attributes"] == {"exception.type": "ValueError", "tags": '["a","b"]'}
    assert row["links"][0] == {"trace_id": "0a" * 16, "span_id": "0b" * 8, "attributes": {"why": "retry"}}
    assert row["scope_attributes"] == {"library": "x"}
    assert row["service"] == "shop"
    assert json.loads(row["resource_attributes"]["process.command_args"]) == ["python", "app.py"]


@pytest.mark.parametrize(
    ("start", "end", "duration", "is_received"),
    [
        (STARTED_NS, STARTED_NS + 7, 7, 0),
        (STARTED_NS, STARTED_NS - 7, 0, 0),
        (STARTED_NS, 0, 0, 0),
        (STARTED_NS, 2**64 - 1, 0, 0),
        (0, STARTED_NS, 0, 1),
        (2**64 - 1, 2**64 - 1, 0, 1),
        (RECEIVED_NS + 2 * 86_400 * 10**9, 0, 0, 1),
        (RECEIVED_NS - 21 * 365 * 86_400 * 10**9, STARTED_NS, 0, 1),
        (RECEIVED_NS - 19 * 365 * 86_400 * 10**9, RECEIVED_NS - 19 * 365 * 86_400 * 10**9 + 1, 1, 0),
    ],
)
def test_an_impossible_time_is_replaced_by_the_time_of_receipt(  # noqa: PLR0917
    ingest: Callable[..., list[dict[str, Any]]], store: Store, start: int, end: int, duration: int, is_received: int
) -> None:
    [row] = ingest(_request(start_time_unix_nano=start, end_time_unix_nano=end))
    stored = store.scalar("SELECT toUnixTimestamp64Nano(start_time) FROM spans")
    assert (stored, row["duration_ns"], row["is_time_received"]) == (
        RECEIVED_NS if is_received else start, duration, is_received,
    )  # fmt: skip


def test_ids_of_a_wrong_length_and_numbers_out_of_range_fail_nothing(
    ingest: Callable[..., list[dict[str, Any]]],
) -> None:
    request = _request("a", "b")
    long, short = request.resource_spans[0].scope_spans[0].spans
    long.trace_id, long.span_id, long.parent_span_id = b"t" * 40, b"s" * 40, b"p" * 40
    short.trace_id, short.span_id = b"t", b""
    long.kind = 5000  # an open enum on the wire
    short.status.code = -7
    rows = ingest(request)
    assert [row["trace_id"] for row in rows] == [b"t" * 16, b"t" + bytes(15)]
    assert [row["span_id"] for row in rows] == [b"s" * 8, bytes(8)]
    assert (rows[0]["kind"], rows[1]["status_code"]) == (127, -1)


def test_broken_json_where_json_is_expected_fails_nothing(
    ingest: Callable[..., list[dict[str, Any]]], store: Store
) -> None:
    odd = [
        "",
        "{",
        "[",
        "[1, null, [[]]]",
        '{"role": 3, "parts": "x"}',
        '[{"role":"user","content":"a"}]',
        "plain text",
    ]
    request = _request(*(f"s{number}" for number in range(len(odd))))
    for span, text in zip(request.resource_spans[0].scope_spans[0].spans, odd, strict=True):
        for key in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "input.value",
                    "output.value", "llm.invocation_parameters", "gen_ai.retrieval.documents"):  # fmt: skip
            _put(span, key, text)
        for key in ("gen_ai.usage.input_tokens", "gen_ai.request.temperature", "gen_ai.request.stream"):
            _put(span, key, text or -1)
        _put(span, "llm.input_messages.99999999999.message.role", "user")
        _put(span, "llm.input_messages.3.message.tool_calls.70000.tool_call.id", "x")
        _put(span, "gen_ai.operation.name", "retrieval" if text == "{" else "chat")
    ingest(request)
    rows = store.rows("SELECT name, prompt, input_tokens, temperature, is_stream FROM generations ORDER BY name")
    assert len(rows) == len(odd)
    assert {(row["input_tokens"], row["temperature"], row["is_stream"]) for row in rows[1:]} == {(None, None, None)}


def test_a_span_that_is_no_genai_operation_is_a_span_only(
    ingest: Callable[..., list[dict[str, Any]]], store: Store
) -> None:
    request = _request("GET /")
    _put(_only_span(request), "http.method", "GET")
    assert len(ingest(request)) == 1
    assert store.scalar("SELECT count() FROM generations") == 0


def test_the_same_frames_under_one_token_are_stored_once(
    ingest: Callable[..., list[dict[str, Any]]], store: Store
) -> None:
    request = _request("chat")
    _put(_only_span(request), "gen_ai.operation.name", "chat")
    for _ in range(3):
        ingest(request, token="segment-1")
    assert store.scalar("SELECT count() FROM spans") == 1
    assert store.scalar("SELECT count() FROM generations FINAL") == 1
    ingest(request, token="segment-2")
    assert store.scalar("SELECT count() FROM spans") == 2
    assert store.scalar("SELECT count() FROM spans FINAL") == store.scalar("SELECT count() FROM generations FINAL") == 1


def test_a_repeat_completes_what_a_crash_between_the_tables_left_out(
    ingest: Callable[..., list[dict[str, Any]]], store: Store
) -> None:
    counts = {}
    definition = store.scalar("SHOW CREATE TABLE traces_ledger_view")
    store.command("DROP TABLE traces_ledger_view SYNC")
    ingest(_request(), token="segment-1")
    counts["before"] = store.scalar("SELECT count() FROM ingest_ledger")
    store.command(definition)
    ingest(_request(), token="segment-1")
    counts["after"] = store.scalar("SELECT count() FROM ingest_ledger")
    assert counts == {"before": 0, "after": 1}
    assert store.scalar("SELECT count() FROM spans") == 1


def test_spans_of_many_weeks_fit_one_insert(ingest: Callable[..., list[dict[str, Any]]]) -> None:
    requests = [
        _request(f"w{week}", start_time_unix_nano=RECEIVED_NS - week * 7 * 86_400 * 10**9) for week in range(150)
    ]
    assert len(ingest(*requests)) == 150


def test_ensure_ingest_builds_once_and_again_when_the_views_differ(empty_store: Store) -> None:
    store = empty_store
    migrate(store)
    assert ensure_ingest(store)
    assert not ensure_ingest(store)
    store.command("DROP TABLE spans_view SYNC")
    assert ensure_ingest(store)
    store.command("ALTER TABLE otlp_traces MODIFY COMMENT 'another version'")
    assert ensure_ingest(store)
    assert not ensure_ingest(store)


def test_an_impossible_time_of_receipt_holds_up_nothing(store: Store) -> None:
    frames = [
        framed(_request().SerializeToString(), project=project, received_at_ns=received_at_ns)
        for project, received_at_ns in (("zero", 0), ("sound", RECEIVED_NS), ("most", 2**64 - 1))
    ]
    insert(store, b"".join(frames), token="times")  # retention takes what was received in 1970 or after 2106 at once
    assert store.scalar("SELECT count() FROM spans WHERE project = 'sound'") == 1
