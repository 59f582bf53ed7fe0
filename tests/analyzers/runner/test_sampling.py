"""What a sample misses and is looked at all the same, and how a window that waited long is tested on less."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.load import load_of
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_core.store import Store
from tests.analyzers.runner.running import HOUR, N_WINDOWS, findings, run, settings, steady
from tests.analyzers.traffic import EPOCH, Call, calls, store_calls

LAST = EPOCH + N_WINDOWS * HOUR
SAMPLED: dict[str, Any] = {"analyzers": ("outliers",), "max_window_texts": 40, "min_samples": 15, "max_kept_texts": 8}


def failures(n_sessions: int = 3) -> list[Call]:
    """Calls of the last window that failed, asked by pirates."""
    made = calls(n_sessions, start=LAST, seed=77, is_strange=True)
    return [replace(call, prompt=call.completion, completion="", is_error=True) for call in made]


def kept_scores(store: Store, **only: object) -> list[dict[str, Any]]:
    """Scores of calls that were kept beside a sample: what they were kept for, whether flagged, their trace."""
    rows = store.rows(
        "SELECT lower(hex(trace_id)) AS trace, field, is_flagged, evidence, start_time FROM scores FINAL "
        "WHERE JSONHas(evidence, 'kept_for') ORDER BY start_time, trace_id, span_id, field"
    )
    told = [row | {"kept_for": json.loads(row["evidence"])["kept_for"]} for row in rows]
    return [row for row in told if all(row[name] == value for name, value in only.items())]


def last_finding(store: Store, field: str) -> dict[str, Any]:
    """The newest window's."""
    return findings(store, field=field)[-1]


def verdict(finding: dict[str, Any]) -> dict[str, Any]:
    """What the tests said, which kept calls must not touch."""
    told = finding["explanation"]
    return {name: finding[name] for name in ("p_value", "statistic", "n_tested", "n_current", "status")} | {
        name: told[name] for name in ("n_outliers", "novel_share")
    }


def test_failed_calls_are_scored_and_grouped_beside_the_sample_and_enter_no_test(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, [*steady(N_WINDOWS + 1), *failures()])
    runner = run(store, embedder, hours=N_WINDOWS + 2, **SAMPLED | {"keep": ()})
    without = last_finding(store, "prompt")
    assert kept_scores(store) == []
    assert "kept" not in without["explanation"]

    keeping = AnalysisRunner(settings(**SAMPLED), store, lambda: LAST + 2 * HOUR, embedder=embedder)
    assert keeping.run_range(from_time=EPOCH, to_time=LAST + HOUR).errors == 0
    kept = kept_scores(store, kept_for="error")
    n_distinct = len({(call.session_id, call.prompt) for call in failures()})
    assert len(kept) == n_distinct
    assert all(row["is_flagged"] and row["field"] == "prompt" for row in kept)
    found = last_finding(store, "prompt")
    told = found["explanation"]
    assert told["kept"]["error"] == {"n": n_distinct, "n_outliers": n_distinct}
    (pirates,) = told["groups"]
    assert {example["kept_for"] for example in pirates["examples"]} == {"error"}
    assert pirates["n_texts"] == n_distinct
    assert verdict(found) == verdict(without)
    assert runner.stats().reduced_windows == 0


def test_the_longest_call_is_looked_at_however_small_the_sample(store: Store, embedder: SentenceEmbedder) -> None:
    usual = steady(N_WINDOWS + 1)
    longest = replace(usual[-1], prompt=usual[-1].prompt + " please" * 200, session_id="z")
    slowest = replace(usual[-1], duration_ms=1e7, session_id="y")
    store_calls(store, [*usual, longest, slowest])
    run(store, embedder, hours=N_WINDOWS + 2, **SAMPLED)
    scored = store.rows(
        "SELECT DISTINCT session_id FROM generations WHERE session_id IN ('z', 'y') "
        "AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM scores FINAL WHERE analyzer = 'outliers')"
    )
    assert {row["session_id"] for row in scored} == {"y", "z"}
    extremes = kept_scores(store, kept_for="extreme", field="prompt")
    windows = {row["start_time"].replace(minute=0, second=0, microsecond=0) for row in extremes}
    assert all(len([r for r in extremes if r["start_time"].hour == window.hour]) <= 8 for window in windows)


def test_an_outlier_stays_looked_at_when_late_data_crowds_it_out_of_the_sample(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, steady(N_WINDOWS))
    first = [*calls(8, start=LAST, seed=5), *calls(3, start=LAST, seed=6, is_strange=True)]
    store_calls(store, first)
    run(store, embedder, hours=N_WINDOWS + 2, **SAMPLED | {"keep": ("outliers",)})
    flagged = "SELECT uniqExact(trace_id) FROM scores FINAL WHERE is_flagged AND field = 'completion' AND start_time >= {at:DateTime}"
    n_flagged = store.scalar(flagged, {"at": LAST})
    assert n_flagged == 6
    store_calls(store, calls(150, start=LAST, seed=8))
    run(store, embedder, hours=N_WINDOWS + 3, **SAMPLED | {"keep": ("outliers",)})
    again = store.rows(
        "SELECT uniqExact(trace_id) AS n FROM scores FINAL WHERE field = 'completion' AND start_time >= {at:DateTime} "
        "AND computed_at = (SELECT max(computed_at) FROM scores WHERE field = 'completion') AND is_flagged",
        {"at": LAST},
    )
    assert again == [{"n": 6}]
    assert kept_scores(store, kept_for="outlier")


@pytest.mark.parametrize(("waited", "max_texts"), [(0, 500), (15, 500), (30, 250), (60, 125), (600, 120), (-5, 500)])
def test_texts_fall_with_the_time_that_a_window_waited(waited: int, max_texts: int) -> None:
    load = load_of(settings(min_samples=30), waited_ms=waited * 60_000)
    assert (load.max_texts, load.is_reduced) == (max_texts, max_texts < 500)
    never = load_of(settings(max_wait=timedelta(0)), waited_ms=10**9)
    assert not never.is_reduced


def test_a_window_that_waited_is_tested_on_whole_sessions_of_fewer_texts_and_says_so(
    store: Store, embedder: SentenceEmbedder
) -> None:
    stored = datetime.now(UTC)
    store_calls(store, [*steady(N_WINDOWS), *calls(60, start=LAST, seed=9)], stored_at=stored)
    chosen = settings(max_window_texts=160, min_samples=10)
    runner = AnalysisRunner(chosen, store, lambda: stored + timedelta(hours=2), embedder=embedder)
    assert runner.run_once().reduced == N_WINDOWS + 1
    found = last_finding(store, "completion")
    assert 35 <= found["n_current"] <= 40
    assert found["n_reference"] > 49 * N_WINDOWS
    told = found["explanation"]["back_pressure"]
    assert told["max_texts"] == 40
    assert 7190 <= told["waited_s"] <= 7200
    assert runner.stats().reduced_windows == N_WINDOWS + 1
    runner.run_range(from_time=LAST, to_time=LAST + HOUR)
    again = last_finding(store, "completion")
    assert again["n_current"] > 100
    assert "back_pressure" not in again["explanation"]


def test_what_is_kept_follows_its_language(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, [*steady(N_WINDOWS + 1), *failures()])
    run(store, embedder, hours=N_WINDOWS + 2, **SAMPLED | {"segments": ("language", "model"), "keep": ("errors",)})
    assert kept_scores(store, kept_for="error")
    told = [row for row in findings(store, field="prompt") if "kept" in row["explanation"]]
    assert {row["segment_by"] for row in told} == {"language"}
