"""A replay leaves what a store would hold that had known the new table from the start."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recordings import RECORDED_AT_NS, framed, insert
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import DialectTable, load_table
from driftline_collector.replay import Chunk, Replay
from driftline_core.store import Store
from driftline_core.store.rollup import Rollup
from tests.collector.otlp_requests import build_request, spans_of

START_NS = 1_795_219_200_000_000_000  # 2026-11-21T00:00:00Z
EXTENSION = Path(__file__).parents[2] / "docs" / "dialects_example.yaml"
SHIPPED = load_table()
OWN = load_table(extension=EXTENSION)
GENERATIONS = "SELECT * EXCEPT (derived_at, stored_at) FROM generations FINAL ORDER BY start_time, span_id"
ROLLUP = (
    "SELECT minute, model, kind, calls, input_tokens, duration_buckets FROM rollup_1m FINAL WHERE calls > 0 "
    "ORDER BY minute, model, kind"
)


@pytest.fixture
def filled(store: Store) -> Store:
    """Two days of calls of the fictitious SDK, of a known one, of both in one trace, and spans that are no calls; never derived."""
    frames = []
    for number in range(24):
        request = build_request(4, name="call")
        acme, known, inner, plain = spans_of(request)
        for span in (acme, known, inner, plain):
            span.start_time_unix_nano = START_NS + number * 7_200_000_000_000
            span.end_time_unix_nano = span.start_time_unix_nano + 10**9
        inner.trace_id, inner.parent_span_id = acme.trace_id, acme.span_id
        for span, attributes in (
            (acme, {"acme.call.id": "c", "acme.model": "outer", "acme.usage": '{"tokens": {"in": 5, "out": 1}}'}),
            (known, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "b", "gen_ai.usage.input_tokens": "7"}),
            (inner, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "a", "gen_ai.usage.input_tokens": "5"}),
            (plain, {"http.method": "GET"}),
        ):
            for key, value in attributes.items():
                span.attributes.add(key=key).value.string_value = value
        frames.append(framed(request.SerializeToString(), project="shop", received_at_ns=RECORDED_AT_NS))
    insert(store, b"".join(frames), token="history")
    return store


def derive(store: Store, table: DialectTable) -> None:
    assert Deriver(store, table).spans(["history"], since=datetime.now(UTC) - timedelta(hours=1)).n_failed == 0
    Rollup(store).tick()


def replayed(store: Store, table: DialectTable, **more: Any) -> tuple[int, int, int]:
    """Spans looked at, rows written and removed."""
    replay = Replay(store, table, **more)
    outcomes = [replay.run(chunk) for chunk in replay.plan() if not replay.is_current(chunk)]
    return (
        sum(outcome.n_spans for outcome in outcomes),
        sum(sum(outcome.written.values()) for outcome in outcomes),
        sum(outcome.n_removed for outcome in outcomes),
    )


@pytest.mark.parametrize(("before", "after", "counts"), [(SHIPPED, OWN, (96, 72, 0)), (OWN, SHIPPED, (96, 48, 24))])
def test_a_replay_leaves_what_the_new_table_would_have_left(
    filled: Store, before: DialectTable, after: DialectTable, counts: tuple[int, int, int]
) -> None:
    derive(filled, after)
    wanted, wanted_rollup = filled.rows(GENERATIONS), filled.rows(ROLLUP)
    filled.command("TRUNCATE TABLE generations")
    filled.command("TRUNCATE TABLE rollup_1m")
    derive(filled, before)
    assert filled.rows(GENERATIONS) != wanted
    assert filled.rows(ROLLUP) != wanted_rollup
    assert replayed(filled, after) == counts
    assert filled.rows(GENERATIONS) == wanted
    assert filled.scalar("SELECT count() FROM generations") == len(wanted), (
        "replaced versions are still read without FINAL"
    )
    Rollup(filled).tick()
    assert filled.rows(ROLLUP) == wanted_rollup
    assert sum(row["calls"] for row in wanted_rollup) == 48
    assert replayed(filled, after) == (0, 0, 0)


def test_an_interrupted_replay_is_taken_up(filled: Store) -> None:
    derive(filled, OWN)
    first = Replay(filled, SHIPPED, max_spans=20)
    chunks = first.plan()
    assert sum(chunk.n_spans for chunk in chunks) == 96
    assert max(chunk.n_spans for chunk in chunks) == 20
    first.run(chunks[0])
    again = Replay(filled, SHIPPED, max_spans=20)
    assert [again.is_current(chunk) for chunk in chunks] == [True] + [False] * (len(chunks) - 1)
    assert replayed(filled, SHIPPED) == (96, 48, 19)
    assert {row["dialect"] for row in filled.rows(GENERATIONS)} == {"otel-genai"}


def test_a_minute_that_holds_too_many_is_parted(filled: Store) -> None:
    [chunk] = Replay(filled, SHIPPED, max_spans=1000).plan(end=datetime.fromtimestamp(START_NS / 1e9 + 60, UTC))
    assert chunk.n_spans == 4
    chunks = Replay(filled, SHIPPED, max_spans=3).plan(end=datetime.fromtimestamp(START_NS / 1e9 + 60, UTC))
    assert [chunk.n_spans for chunk in chunks] == [4]
    assert chunks[0].end - chunks[0].start == timedelta(milliseconds=1)


def test_only_the_range_and_the_project_are_replayed(filled: Store) -> None:
    derive(filled, OWN)
    assert Replay(filled, SHIPPED, project="another").plan() == []
    noon = datetime.fromtimestamp(START_NS / 1e9, UTC) + timedelta(hours=12)
    replay = Replay(filled, SHIPPED, project="shop")
    for chunk in replay.plan(end=noon):
        replay.run(chunk)
    rows = filled.rows("SELECT start_time, mapping, dialect FROM generations FINAL")
    assert {row["mapping"] for row in rows if row["start_time"].replace(tzinfo=UTC) < noon} == {replay.mapping}
    assert {row["mapping"] for row in rows if row["start_time"].replace(tzinfo=UTC) >= noon} == {
        Replay(filled, OWN).mapping
    }
    assert sum(row["dialect"] == "acme" for row in rows) == 18


def test_what_is_derived_meanwhile_and_what_has_no_span_stays(filled: Store) -> None:
    derive(filled, OWN)
    day = datetime.fromtimestamp(START_NS / 1e9, UTC)
    replay = Replay(filled, SHIPPED)
    [chunk] = replay.plan(end=day + timedelta(minutes=1))
    old = (
        "INSERT INTO generations (project, service, start_time, trace_id, dialect, received_at, derived_at) "
        "VALUES ('shop', 'gone', {t:DateTime64(9)}, 'x', 'old', now(), 1)"
    )
    filled.command(old, {"t": "2026-11-21 00:00:00"})
    live = (
        "INSERT INTO generations SELECT * REPLACE (now64(6, 'UTC') + INTERVAL 1 HOUR AS derived_at) FROM generations "
        "WHERE dialect = 'acme' AND start_time < {t:DateTime64(3, 'UTC')}"
    )
    filled.command(live, {"t": f"{day + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"})
    outcome = replay.run(Chunk(start=chunk.start, end=chunk.end, n_spans=chunk.n_spans))
    assert outcome.n_removed == 0
    rows = filled.rows(
        "SELECT dialect FROM generations WHERE start_time < {t:DateTime64(3, 'UTC')}", {"t": "2026-11-21 00:01:00"}
    )
    assert sorted(row["dialect"] for row in rows) == ["acme", "old", "otel-genai", "otel-genai"]
