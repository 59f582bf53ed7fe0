"""What becomes of log records: those that real SDKs sent, and odd ones."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks.recordings import RECORDED_AT_NS, framed, insert
from driftline_collector.errors import RequestRefused
from driftline_collector.shallow_logs import may_be_deep
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store
from tests.collector.otlp_signals import OBSERVED_NS, logs_request, put, recorded, records_of

Land = Callable[..., list[dict[str, Any]]]
_LOGS = SIGNALS["logs"]
_CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages")


@pytest.fixture
def land(store: Store) -> Land:
    """Sends requests the way that the collector does and gives the rows."""

    def send(*requests: Any, token: str = "one") -> list[dict[str, Any]]:
        frames = []
        for request in requests:
            body = request if isinstance(request, bytes) else request.SerializeToString()
            checked = _LOGS.check(_LOGS.request.FromString(body), body)
            frames.append(framed(checked.body, project="p", received_at_ns=RECORDED_AT_NS, n_items=checked.n_items))
        insert(store, b"".join(frames), token=token, signal="logs")
        return store.rows(
            "SELECT *, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, toUnixTimestamp64Nano(time) AS time_ns, "
            "toUnixTimestamp64Nano(observed_time) AS observed_ns FROM logs FINAL ORDER BY time, event_name, body"
        )

    return send


def _plain(value: Any) -> Any:
    """An AnyValue as Python, the way that JSON shows it."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {kv.key: _plain(kv.value) for kv in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


def test_every_recorded_log_lands_with_its_body_event_name_and_ids(land: Land) -> None:
    bodies = [body for _, body in recorded("logs")]
    sent = [record for body in bodies for record in records_of(ExportLogsServiceRequest.FromString(body))]
    rows = land(*bodies)
    assert len(rows) == len(sent) == 111
    expected: Counter[tuple[str, str, str]] = Counter()
    for record in sent:
        attributes = {kv.key: _plain(kv.value) for kv in record.attributes}
        name = record.event_name or attributes.get("event.name") or attributes.get("event_name") or ""
        expected[(record.trace_id.hex() or "0" * 32, record.span_id.hex() or "0" * 16, name)] += 1
    assert Counter((row["trace"], row["span"], row["event_name"]) for row in rows) == expected
    assert sum(bool(row["event_name"]) for row in rows) > 90
    structured = [_plain(record.body) for record in sent if record.body.WhichOneof("value") == "kvlist_value"]
    structured += [json.loads(text) for record in sent if (text := record.body.string_value).startswith("{")]
    landed = [json.loads(row["body"]) for row in rows if row["body"].startswith("{")]
    assert sorted(map(json.dumps, landed)) == sorted(map(json.dumps, structured))


def test_the_messages_of_genai_events_are_json_with_nothing_left_undecoded(land: Land) -> None:
    bodies = [body for _, body in recorded("logs")]
    messages = [row["attributes"][key] for row in land(*bodies) for key in _CONTENT if key in row["attributes"]]
    assert len(messages) > 20
    for text in messages:
        assert "$otlp" not in text
        assert all("role" in message and "parts" in message for message in json.loads(text))


@pytest.mark.parametrize("levels", range(1, 13))
def test_a_value_of_any_depth_is_the_same_as_json(land: Land, levels: int) -> None:
    value: Any = {"text": 'a "quote"\n', "whole": 2**53 + 1, "half": 0.5, "yes": True, "none": None}
    for level in range(levels - 1):
        value = [value, level] if level % 3 else {"inner": value, "list": [[]]}
    request = logs_request(value)
    put(records_of(request)[0], "deep", value)
    put(records_of(request)[0], "flat", "as it is")
    (row,) = land(request)
    assert json.loads(row["body"]) == value
    assert json.loads(row["attributes"]["deep"]) == value
    assert row["attributes"]["flat"] == "as it is"


def test_shallow_and_deep_values_read_the_same(land: Land) -> None:
    leaf = [1.0, -2.5, b"\x00\xff", float("inf"), 7, None, ""]
    request = logs_request({"a": leaf}, {"a": leaf, "deep": [[[[]]]]})
    shallow, deep = sorted((json.loads(row["body"]) for row in land(request)), key=len)
    assert shallow["a"] == deep["a"] == [1, -2.5, base64.b64encode(b"\x00\xff").decode(), "inf", 7, None, ""]


def test_bodies_of_every_kind_are_text(land: Land) -> None:
    rows = land(logs_request("plain {", 5, 0.25, False, None))
    assert sorted(row["body"] for row in rows) == ["", "0.25", "5", "false", "plain {"]
    assert {row["severity_number"] for row in rows} == {9}


def test_time_is_the_events_own_else_observed_else_received(land: Land) -> None:
    requests = [
        logs_request("own", time_unix_nano=OBSERVED_NS - 1, observed_time_unix_nano=OBSERVED_NS),
        logs_request("observed", time_unix_nano=0, observed_time_unix_nano=OBSERVED_NS),
        logs_request("received", time_unix_nano=2**63, observed_time_unix_nano=5),
    ]
    rows = {row["body"]: row for row in land(*requests)}
    assert (rows["own"]["time_ns"], rows["own"]["observed_ns"]) == (OBSERVED_NS - 1, OBSERVED_NS)
    assert rows["observed"]["time_ns"] == OBSERVED_NS
    assert rows["received"]["time_ns"] == rows["received"]["observed_ns"] == RECORDED_AT_NS
    assert {name: row["is_time_received"] for name, row in rows.items()} == {"own": 0, "observed": 0, "received": 1}


def test_records_of_one_instant_are_one_row_only_when_they_are_equal(land: Land) -> None:
    land(logs_request("a", "b", "a"), token="one")
    assert [row["body"] for row in land(logs_request("b", "c"), token="two")] == ["a", "b", "c"]


def test_the_event_name_is_the_field_or_the_attribute_that_came_before_it(land: Land) -> None:
    requests = [
        logs_request("field", event_name="f"),
        logs_request("dotted"),
        logs_request("flat"),
        logs_request("none"),
    ]
    put(records_of(requests[1])[0], "event.name", "d")
    put(records_of(requests[2])[0], "event_name", "u")
    assert {row["body"]: row["event_name"] for row in land(*requests)} == {
        "field": "f", "dotted": "d", "flat": "u", "none": "",
    }  # fmt: skip


def test_a_record_with_an_id_of_a_wrong_length_is_taken_out() -> None:
    request = logs_request("good", "none", "short")
    good, _, short = records_of(request)
    good.trace_id, good.span_id = b"t" * 16, b"s" * 8
    short.trace_id = b"t" * 15
    checked = _LOGS.check(request, request.SerializeToString())
    assert (checked.n_items, checked.n_rejected) == (2, 1)
    assert "expected a trace_id of 16 bytes or none, got 15 (1 log records)" in checked.complaint
    with pytest.raises(RequestRefused, match="every log record of the request is invalid") as refused:
        _LOGS.check(logs_request("x", span_id=b"s"), None)
    assert refused.value.n_items == 1


def test_only_requests_with_deep_values_are_changed_at_the_door() -> None:
    shallow = logs_request("text", 0, 0.0, False, "", b"", [], {}, [{"a": 1}], {"a": [1, ""]}, None)
    put(records_of(shallow)[0], "list", [["x"]])
    body = shallow.SerializeToString()
    assert not may_be_deep(body)
    assert _LOGS.check(_LOGS.request.FromString(body), body).body is body
    nested: list[Any] = [[[[]]], {"a": {"b": {}}}, [{"a": [0]}]]
    for value in nested:
        deep = logs_request(value).SerializeToString()
        assert may_be_deep(deep)
        checked = _LOGS.check(_LOGS.request.FromString(deep), deep)
        (record,) = records_of(_LOGS.request.FromString(checked.body))
        assert json.loads(record.body.string_value) == value
    n_unchanged = sum(_LOGS.check(_LOGS.request.FromString(sent), sent).body is sent for _, sent in recorded("logs"))
    assert 0 < n_unchanged < 27
