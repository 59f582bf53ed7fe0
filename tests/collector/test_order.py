"""Span, log record and score of one trace may arrive in any order, twice and hours apart: what is stored in the end is the same."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.recordings import RECORDED_AT_NS, Recording, framed, insert, load_recordings
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import load_table
from driftline_core.store import Store
from tests.collector.conftest import StartCollector
from tests.collector.otlp_requests import post

GROUPS = ("openai-v2-chat_legacy", "genai-openai-chat_events", "semantic-kernel-chat", "util-genai-evaluation")
RECORDINGS = {recording.group: recording for recording in load_recordings(Path(__file__).parent / "recordings")}
HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Requests of one signal that arrive together."""

    signal: str
    bodies: tuple[bytes, ...]


def evaluation_of(recording: Recording) -> bytes:
    """A score of the recording's first span, as an evaluator sends it a while later."""
    span = next(
        span
        for body in recording.bodies["traces"]
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    record = resource_logs.scope_logs.add().log_records.add()
    record.event_name = "gen_ai.evaluation.result"
    record.time_unix_nano = span.end_time_unix_nano + HOUR_NS
    record.trace_id, record.span_id = span.trace_id, span.span_id
    for key, value in (("gen_ai.evaluation.name", "Relevance"), ("gen_ai.evaluation.score.label", "pass")):
        record.attributes.add(key=key).value.string_value = value
    record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.75
    return bytes(request.SerializeToString())


def arrivals(recording: Recording) -> list[Arrival]:
    """The recording's spans, its log records and a score."""
    kept = [Arrival(signal=signal, bodies=recording.bodies[signal]) for signal in ("traces", "logs")]
    return [*kept, Arrival(signal="logs", bodies=(evaluation_of(recording),))]


def orders(of: Sequence[Arrival]) -> list[tuple[Arrival, ...]]:
    """Every order in which each comes once, and every order in which each comes twice."""
    places = [*itertools.permutations(range(len(of))), *sorted(set(itertools.permutations([*range(len(of))] * 2)))]
    return [tuple(of[place] for place in order) for order in places]


def receive(store: Store, deriver: Deriver, arrived: Mapping[str, Arrival], *, hour: int) -> None:
    """What comes to several projects within an hour: an INSERT a signal, then the deriver's runs."""
    since = datetime.now(UTC) - timedelta(hours=1)
    for signal, derive in (("traces", deriver.spans), ("logs", deriver.logs)):
        frames = [
            framed(body, project=project, received_at_ns=RECORDED_AT_NS + hour * HOUR_NS)
            for project, arrival in arrived.items()
            if arrival.signal == signal
            for body in arrival.bodies
        ]
        if frames:
            token = f"{next(iter(arrived))}-{signal}-{hour}"
            insert(store, b"".join(frames), token=token, signal=signal)
            assert derive([token], since=since).n_failed == 0


def stored(store: Store, projects: Sequence[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """What is read of each project, without the times of its arrival and derivation. llm_calls: of every ninth, they take long."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        project: {"generations": [], "evaluations": [], "llm_calls": []} for project in projects
    }
    for table, more, order in (("generations", "stored_at,", "start_time, span_id"), ("evaluations", "", "time, name")):
        sql = (
            f"SELECT * EXCEPT ({more} derived_at, received_at) FROM {table} FINAL "
            f"WHERE project IN {{projects:Array(String)}} ORDER BY {order}"
        )
        for row in store.rows(sql, {"projects": list(projects)}):
            found[row.pop("project")][table].append(row)
    for project in projects[::9]:
        found[project]["llm_calls"] = store.rows(
            "SELECT * EXCEPT (project, derived_at, stored_at, received_at) FROM llm_calls(project = {project:String}, "
            "from_time = {from_time:DateTime64(3)}, to_time = {to_time:DateTime64(3)}) ORDER BY start_time, span_id",
            {"project": project, "from_time": "2000-01-01 00:00:00.000", "to_time": "2100-01-01 00:00:00.000"},
        )
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_the_order_of_arrival_and_repeats_change_nothing(ingest_store: Store, project: str, group: str) -> None:
    recording = RECORDINGS[group]
    deriver = Deriver(ingest_store, load_table())
    sent = {f"{project}-{number}": order for number, order in enumerate(orders(arrivals(recording)))}
    assert len(sent) == 6 + 90
    for hour in range(6):
        arrived = {mine: order[hour] for mine, order in sent.items() if hour < len(order)}
        receive(ingest_store, deriver, arrived, hour=hour)
    results = stored(ingest_store, list(sent))
    first = results[f"{project}-0"]
    assert first["generations"]
    assert [row["score"] for row in first["evaluations"] if row["name"] == "Relevance"][-1] == 0.75
    assert recording.expected["output"] in "\n".join(row["completion"] for row in first["llm_calls"])
    assert sum(bool(result["llm_calls"]) for result in results.values()) == 11
    for mine, result in results.items():
        is_sampled = bool(result["llm_calls"])
        assert result == (first if is_sampled else {**first, "llm_calls": []}), (
            f"another result of {[arrival.signal for arrival in sent[mine]]}"
        )


def test_batches_of_whatever_cut_give_the_same(ingest_store: Store, project: str) -> None:
    """Neighbours in a batch change nothing, also for records that lie beside the time of their own span and within a neighbour's."""
    deriver = Deriver(ingest_store, load_table())
    recording = RECORDINGS["openai-v2-chat_legacy"]
    late = ExportLogsServiceRequest.FromString(recording.bodies["logs"][0])
    for scope in (scope for resource in late.resource_logs for scope in resource.scope_logs):
        for record in scope.log_records:
            record.time_unix_nano += 2 * HOUR_NS
            record.observed_time_unix_nano += 2 * HOUR_NS
    neighbour = ExportTraceServiceRequest.FromString(recording.bodies["traces"][0])
    for span in neighbour.resource_spans[0].scope_spans[0].spans:
        span.trace_id = b"n" * 16
        span.start_time_unix_nano += 2 * HOUR_NS
        span.end_time_unix_nano += 2 * HOUR_NS
    lonely, beside = f"{project}-lonely", f"{project}-beside"
    spans = recording.bodies["traces"]
    records = Arrival(signal="logs", bodies=(late.SerializeToString(),))
    receive(ingest_store, deriver, {lonely: records}, hour=0)
    receive(ingest_store, deriver, {lonely: Arrival(signal="traces", bodies=spans)}, hour=1)
    receive(ingest_store, deriver, {beside: records}, hour=0)
    receive(
        ingest_store,
        deriver,
        {beside: Arrival(signal="traces", bodies=(*spans, neighbour.SerializeToString()))},
        hour=1,
    )
    found = stored(ingest_store, [lonely, beside])
    alone, together = found[lonely], found[beside]
    assert len(together["generations"]) == 2 * len(alone["generations"])
    assert together["generations"][: len(alone["generations"])] == alone["generations"]


def test_over_http_the_last_comes_first_and_again(
    start_collector: StartCollector, ingest_store: Store, project: str
) -> None:
    results = []
    for number, is_reversed in enumerate((False, True)):
        collector = start_collector(derive_pause_max_s=0.0)
        sent = arrivals(RECORDINGS["openai-v2-chat_legacy"])
        order = [*reversed(sent), *sent] if is_reversed else sent
        mine = f"{project}-{number}"
        for signal, body in ((arrival.signal, body) for arrival in order for body in arrival.bodies):
            answer = post(collector.http_port, body, path=f"/v1/{signal}", x_driftline_project=mine)
            assert answer.status == 200
            assert collector.flush(60.0)
        results.append(stored(ingest_store, [mine])[mine])
        collector.stop(deadline_s=30.0)
    assert results[0] == results[1]
    assert results[0]["llm_calls"][0]["completion"]
