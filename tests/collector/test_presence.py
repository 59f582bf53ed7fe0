"""The SQL that is written for what a batch holds gives what the SQL of the whole table gives."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recordings import RECORDED_AT_NS, Recording, framed, insert, load_recordings
from driftline_collector import derivation
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import DialectTable, JsonMessages, load_table
from driftline_collector.presence import Presence, cut_down
from driftline_core.store import Store

RECORDINGS = load_recordings(Path(__file__).parent / "recordings")
# The whole table is slow to plan, some seconds a query: the richest recording of each dialect.
RICHEST = {
    recording.dialect: recording
    for recording in sorted(RECORDINGS, key=lambda one: sum(map(len, one.bodies["traces"])))
}
ROWS = "SELECT * EXCEPT (derived_at, stored_at, mapping) FROM generations WHERE project = {p:String} ORDER BY start_time, span_id"


@pytest.mark.parametrize("recording", [pytest.param(one, id=one.dialect) for one in RICHEST.values()])
def test_the_whole_table_gives_the_same_rows(
    ingest_store: Store, project: str, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    for signal in ("traces", "logs"):
        frames = [framed(body, project=project, received_at_ns=RECORDED_AT_NS) for body in recording.bodies[signal]]
        if frames:
            insert(ingest_store, b"".join(frames), token=f"{project}-{signal}", signal=signal)
    found: list[list[dict[str, Any]]] = []
    for is_whole in (False, True):
        if is_whole:
            ingest_store.command("DELETE FROM generations WHERE project = {p:String}", {"p": project})
            monkeypatch.setattr(derivation, "cut_down", _whole)
        derived = Deriver(ingest_store, load_table()).spans([f"{project}-traces"], since=since)
        assert derived.n_failed == 0
        found.append(ingest_store.rows(ROWS, {"p": project}))
    assert found[0]
    assert found[0] == found[1]


def _whole(table: DialectTable, presence: Presence) -> DialectTable:
    return table


def test_what_no_span_has_is_left_out() -> None:
    table = load_table()
    presence = Presence.of(
        ["gen_ai.operation.name", "gen_ai.request.model", "llm.input_messages.0.message.role"],
        resources=["service.version"],
        events=["exception"],
    )
    cut = cut_down(table, presence)
    assert [rule.dialect for rule in cut.recognise if rule.keys] == ["otel-genai"]
    assert [source.key for source in cut.fields_["request_model"].sources] == ["gen_ai.request.model"]
    assert [source.resource for source in cut.fields_["release"].sources] == ["service.version"]
    [flat] = cut.messages["input_messages"]
    assert not isinstance(flat, JsonMessages)
    assert flat.shape == "flat"
    assert flat.role == "llm.input_messages.{i}.message.role"
    assert cut == cut_down(table, presence)


def test_no_span_of_a_batch_without_a_recognisers_key_is_derived() -> None:
    nothing = Presence.of(["http.method"], resources=[], events=[])
    assert derivation.Derivation(load_table()).generations(nothing) is None
