"""The decoders against input that is nearly right, a few thousand of it; `make fuzz` runs a million. The engine against a sample."""

import base64
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_collector import Collector
from driftline_collector.errors import RequestRefused
from driftline_collector.letters import find_letters
from driftline_core.store import Store
from tests.collector import oracles
from tests.collector.mutations import mutated, recorded, written
from tests.collector.otlp_requests import build_request, post, spans_of

SEEDS = oracles.seeds()


def test_no_input_breaks_a_decoder_and_what_is_accepted_is_sound() -> None:
    outcomes = {oracles.one(random.Random(number), SEEDS) for number in range(6000)}
    kinds = {kind for kind, _ in outcomes}
    assert outcomes == {(kind, accepted) for kind in kinds for accepted in (False, True)}  # each oracle saw both
    assert len(kinds) == 5


@settings(max_examples=500, deadline=None, derandomize=True)
@given(body=st.binary(max_size=400))
def test_any_bytes_are_accepted_soundly_or_refused(body: bytes) -> None:
    oracles.protobuf(body)
    oracles.json(body)
    oracles.frames(body, [])
    oracles.inflated(random.Random(0), "gzip", body)
    oracles.inflated(random.Random(0), "deflate", body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "resourceSpans",
                    "scope_spans",
                    "spans",
                    "traceId",
                    "span_id",
                    "attributes",
                    "key",
                    "value",
                    "arrayValue",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tree=_JSON)
def test_any_json_is_accepted_soundly_or_refused(tree: object) -> None:
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [tree]}]}]})
    oracles.json(text.encode())
    oracles.json(json.dumps(tree).encode())


def sample(n_bodies: int, seed: int) -> dict[str, bytes]:
    """Bodies that the door accepts, by a project of their own each."""
    rng = random.Random(seed)
    bodies = recorded("bin")
    found: dict[str, bytes] = {}
    while len(found) < n_bodies:
        body = written(rng) if rng.random() < 0.6 else mutated(rng, bodies)
        try:
            checked = oracles.checked_protobuf(body)
        except RequestRefused:
            continue
        if checked.n_items:
            found[f"fuzz-{seed}-{len(found)}"] = body
    return found


@pytest.mark.parametrize("seed", [1])
def test_what_the_door_accepts_the_engine_stores_or_it_is_set_aside_alone(
    start_collector: Callable[..., Collector], ingest_store: Store, project: str, tmp_path: Path, seed: int
) -> None:
    collector = start_collector(linger_s=60.0, linger_max_s=60.0)  # all in one segment: every one has many neighbours
    bodies = sample(80, seed)
    neighbours = build_request(7).SerializeToString()
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(
            lambda item: post(collector.http_port, item[1], x_driftline_project=item[0]),
            [*bodies.items(), (project, neighbours)],
        )
        assert {answer.status for answer in answers} == {200}
    assert collector.flush(200.0)
    rows = ingest_store.rows(
        "SELECT project, groupUniqArray((lower(hex(trace_id)), lower(hex(span_id)), base64Encode(name))) AS found FROM spans"
        " WHERE startsWith(project, {prefix:String}) OR project = {project:String} GROUP BY project",
        {"prefix": f"fuzz-{seed}-", "project": project},
    )
    stored = {row["project"]: set(row["found"]) for row in rows}
    set_aside = {letter.project for letter in find_letters(tmp_path / "spool")}
    assert len(stored[project]) == 7
    assert project not in set_aside
    for name, body in bodies.items():
        assert (name in stored) != (name in set_aside), name
        if name in stored:
            assert stored[name] == _read(oracles.checked_protobuf(body).body), name


def _read(body: bytes) -> set[tuple[str, str, str]]:
    return {
        (span.trace_id.hex(), span.span_id.hex(), base64.b64encode(span.name.encode()).decode())
        for span in spans_of(ExportTraceServiceRequest.FromString(body))
    }
