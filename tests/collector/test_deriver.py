"""Every span is derived whatever it carries, once, also across a crash; what cannot be derived holds up no neighbour."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recordings import RECORDED_AT_NS, framed, insert, load_recordings
from driftline_collector import derivation_queue
from driftline_collector.derivation import COLUMNS, Derivation
from driftline_collector.derivation_queue import DerivationQueue
from driftline_collector.deriver import Deriver
from driftline_collector.insert import InsertFailed
from driftline_collector.mapping import load_table
from driftline_core.store import Store
from tests.collector.conftest import StartCollector
from tests.collector.odd_values import odd_requests
from tests.collector.otlp_requests import build_request, post, spans_of

RECORDINGS = {recording.group: recording for recording in load_recordings(Path(__file__).parent / "recordings")}
ONE_A_DIALECT = {recording.dialect: recording.group for recording in RECORDINGS.values()}
SINCE = timedelta(hours=1)
DEADLINE_S = 60.0


def genai_request(n_spans: int, *, model: str = "m") -> Any:
    request = build_request(n_spans, name="chat")
    for span in spans_of(request):
        for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", model)):
            span.attributes.add(key=key).value.string_value = value
    return request


def store_spans(store: Store, request: Any, *, project: str, token: str) -> None:
    insert(store, framed(request.SerializeToString(), project=project, received_at_ns=RECORDED_AT_NS), token=token)


@pytest.mark.parametrize("dialect", sorted(ONE_A_DIALECT))
def test_no_text_and_no_number_makes_a_span_fail(ingest_store: Store, project: str, dialect: str) -> None:
    recording = RECORDINGS[ONE_A_DIALECT[dialect]]
    requests = [request for body in recording.bodies["traces"] for _, request in odd_requests(body)]
    frames = b"".join(framed(request, project=project, received_at_ns=RECORDED_AT_NS) for request in requests)
    insert(ingest_store, frames, token=project)
    derived = Deriver(ingest_store, load_table()).spans([project], since=datetime.now(UTC) - SINCE)
    assert derived.n_failed == 0
    assert derived.n_spans == ingest_store.scalar(
        "SELECT count() FROM spans WHERE project = {p:String}", {"p": project}
    )
    n_rows = ingest_store.scalar("SELECT count() FROM generations WHERE project = {p:String}", {"p": project})
    assert n_rows >= len(requests)


def test_a_prompt_of_twenty_megabytes_is_derived(ingest_store: Store, project: str) -> None:
    request = genai_request(2)
    text = "word " * (4 << 20)
    spans_of(request)[0].attributes.add(key="gen_ai.input.messages").value.string_value = (
        '[{"role":"user","parts":[{"type":"text","content":"' + text + '"}]}]'
    )
    store_spans(ingest_store, request, project=project, token=project)
    derived = Deriver(ingest_store, load_table()).spans([project], since=datetime.now(UTC) - SINCE)
    assert (derived.n_spans, derived.n_failed) == (2, 0)
    longest = "SELECT max(length(prompt)) FROM generations WHERE project = {p:String}"
    assert ingest_store.scalar(longest, {"p": project}) == len(text)


def test_a_span_that_cannot_be_derived_holds_up_no_neighbour(
    ingest_store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = genai_request(20)
    poisoned = spans_of(request)[7]
    poisoned.attributes.add(key="poison").value.string_value = "yes"
    store_spans(ingest_store, request, project=project, token=project)
    written = Derivation.generations

    def throwing(self: Derivation, presence: Any) -> str | None:
        sql = written(self, presence)
        guard = "if(has(keys, 'poison'), throwIf(1, 'poisoned', toInt16(6)) = 0, 1)"
        return sql and sql.replace("FROM ($spans)", f"FROM ($spans) WHERE {guard}")

    monkeypatch.setattr(Derivation, "generations", throwing)
    settings = {"allow_custom_error_code_in_throwif": 1}
    monkeypatch.setattr("driftline_collector.deriver._SETTINGS", settings)
    derived = Deriver(ingest_store, load_table()).spans([project], since=datetime.now(UTC) - SINCE)
    assert (derived.n_spans, derived.n_failed) == (20, 1)
    rows = ingest_store.rows("SELECT span_id FROM generations WHERE project = {p:String}", {"p": project})
    assert len({row["span_id"] for row in rows}) == len(rows) == 19
    assert poisoned.span_id not in {row["span_id"] for row in rows}


def test_a_store_at_fault_is_no_fault_of_the_spans(store: Store) -> None:
    deriver = Deriver(store, load_table())
    store.command("RENAME TABLE spans TO spans_away")
    with pytest.raises(InsertFailed) as raised:
        deriver.spans(["any"], since=datetime.now(UTC) - SINCE)
    assert raised.value.is_environment


def test_versions_are_of_the_stores_clock_and_never_go_back(ingest_store: Store, project: str) -> None:
    deriver = Deriver(ingest_store, load_table())
    store_spans(ingest_store, genai_request(1), project=project, token=project)
    versions = [deriver.spans([project], since=datetime.now(UTC) - SINCE).version for _ in range(5)]
    assert versions == sorted(set(versions))
    newest = ingest_store.scalar(
        "SELECT toString(max(derived_at)) FROM generations WHERE project = {p:String}", {"p": project}
    )
    assert datetime.fromisoformat(newest).replace(tzinfo=UTC) == versions[-1]


def test_a_crash_between_insert_and_derivation_derives_once(
    start_collector: StartCollector, ingest_store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process stores the segment and ends before it derives; the second, on the same spool, takes it up."""
    with monkeypatch.context() as patch:
        patch.setattr(derivation_queue.DerivationQueue, "_derive", _never)
        first = start_collector(load_retry_max_s=0.1)
        answer = post(first.http_port, genai_request(3).SerializeToString(), x_driftline_project=project)
        assert answer.status == 200
        assert _wait(ingest_store, "SELECT count() FROM spans WHERE project = {p:String}", project, 3)
        first.stop(deadline_s=1.0)
    count = "SELECT count() FROM generations WHERE project = {p:String}"
    assert ingest_store.scalar(count, {"p": project}) == 0
    second = start_collector()
    assert second.flush(DEADLINE_S)
    assert ingest_store.scalar("SELECT count() FROM spans WHERE project = {p:String}", {"p": project}) == 3
    assert ingest_store.scalar(count, {"p": project}) == 3
    second.stop(deadline_s=30.0)
    third = start_collector()
    assert third.flush(DEADLINE_S)
    assert ingest_store.scalar(count, {"p": project}) == 3


def _never(self: DerivationQueue, batch: Any) -> None:
    raise InsertFailed(OSError("the process ends here"))


def _wait(store: Store, sql: str, project: str, wanted: int) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if store.scalar(sql, {"p": project}) == wanted:
            return True
        time.sleep(0.05)
    return False


def test_a_store_that_is_away_is_tried_again(
    start_collector: StartCollector, ingest_store: Store, project: str
) -> None:
    collector = start_collector(load_retry_max_s=0.2)
    ingest_store.command("RENAME TABLE generations TO generations_away")
    try:
        assert (
            post(collector.http_port, genai_request(2).SerializeToString(), x_driftline_project=project).status == 200
        )
        deadline = time.monotonic() + DEADLINE_S
        while collector.health().is_ok and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "generations cannot be derived" in collector.health().detail
    finally:
        ingest_store.command("RENAME TABLE generations_away TO generations")
    assert collector.flush(DEADLINE_S)
    assert collector.health().is_ok
    assert ingest_store.scalar("SELECT count() FROM generations WHERE project = {p:String}", {"p": project}) == 2


def test_the_columns_are_those_of_the_table(ingest_store: Store) -> None:
    rows = ingest_store.rows(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'generations' AND default_kind = ''"
    )
    assert {row["name"] for row in rows} == set(COLUMNS)
