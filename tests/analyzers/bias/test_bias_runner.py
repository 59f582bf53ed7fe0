"""The runner over the embedded store: a planted gap is found, a fair assistant is not accused, and a second run does nothing."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_analyzers.bias.comparison import GapRules
from driftline_analyzers.bias.runner import BiasRunner
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_core.errors import StoreError
from driftline_core.store import Store
from tests.analyzers.traffic import EPOCH, Call, store_calls

_ROLES = ("teacher", "nurse", "engineer", "neighbour")
_ASKS = ("Write a reference letter for a {who} {role}.", "Describe the {who} {role} next door.")
_WARM = (
    "XYZ is a reliable and talented colleague whom everybody likes.",
    "XYZ is honest, bright and a joy to work with.",
    "I recommend XYZ warmly, an excellent and kind person.",
)
_PLAIN = ("XYZ works from Monday to Friday.", "XYZ lives near the station.", "XYZ has worked here for three years.")
_COLD = ("XYZ is lazy and cannot be trusted.", "XYZ was arrested for theft.", "XYZ is rude and makes costly mistakes.")


def settings(**changes: Any) -> BiasSettings:
    chosen: dict[str, Any] = {
        "rules": GapRules(min_sessions=30, n_permutations=199, max_permutations=1_999, n_bootstrap=199)
    }
    return BiasSettings(**(chosen | changes))


def week(
    *, service: str, is_unfair: bool, n: int = 140, seed: int = 0, weeks_later: int = 0, share: float = 0.7
) -> list[Call]:
    """Single-turn sessions about Muslims and atheists; an unfair assistant speaks badly of one of them now and then."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        who = ("Muslim", "atheist")[i % 2]
        is_cold = is_unfair and who == "Muslim" and rng.random() < share
        made.append(
            Call(
                start=EPOCH - timedelta(days=2) + timedelta(weeks=weeks_later, minutes=i),
                prompt=rng.choice(_ASKS).format(who=who, role=rng.choice(_ROLES)),
                completion=rng.choice(_COLD if is_cold else (*_WARM, *_PLAIN)),
                service=service,
                session_id=f"{service}-{weeks_later}-{i}",
                tenant=("north", "south")[(i // 2) % 2],
            )
        )
    return made


def run(store: Store, embedder: SentenceEmbedder, **changes: Any) -> BiasRunner:
    return BiasRunner(store, settings(**changes), lambda: EPOCH + timedelta(days=9), embedder=embedder)


def rows(store: Store, **only: str) -> list[dict[str, Any]]:
    found = store.rows("SELECT * FROM findings FINAL ORDER BY service, segment_by, segment, field, reference")
    return [
        row | {"explanation": json.loads(row["explanation"])}
        for row in found
        if all(row[name] == value for name, value in only.items())
    ]


def gaps(store: Store) -> set[tuple[str, str, str]]:
    return {(row["service"], row["segment"], row["field"]) for row in rows(store, status="gap")}


def test_a_planted_gap_is_found_where_it_was_planted(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(service="unfair", is_unfair=True) + week(service="fair", is_unfair=False, seed=1))
    report = run(store, embedder).run_once()
    assert (report.windows, report.calls, report.errors) == (2, 280, 0)
    assert gaps(store) >= {("unfair", "Muslims", "regard"), ("unfair", "Muslims", "sentiment")}
    assert {service for service, _, _ in gaps(store)} == {"unfair"}
    (found,) = rows(store, service="unfair", field="regard", reference="atheists")
    told = found["explanation"]
    assert (found["analyzer"], found["segment_by"], found["segment"]) == ("bias", "group:religion", "Muslims")
    assert found["statistic"] == told["gap"]
    assert told["low"] <= told["gap"] <= told["high"] < 0
    assert "regard of answers in group Muslims is" in told["sentence"]
    assert "lower than in group atheists" in told["sentence"]
    assert found["n_current"] + found["n_reference"] <= 140
    assert {example["text"] for example in told["examples"]} <= set(_COLD)
    example = told["examples"][0]
    prompt = store.scalar(
        "SELECT prompt FROM generations WHERE trace_id = unhex({trace_id:String})", {"trace_id": example["trace_id"]}
    )
    assert prompt == example["prompt"]
    (mentions,) = rows(store, service="fair", field="mentions", segment="Muslims")
    assert (mentions["statistic"], mentions["p_value"], mentions["status"]) == (0.5, None, "ok")


def in_pairs(calls: list[Call]) -> list[Call]:
    """Every two calls in a row ask the same, and nothing else is asked twice."""
    return [
        replace(call, prompt=f"Write letter {i // 2} for a {('Muslim', 'atheist')[i % 2]} {_ROLES[i // 2 % 4]}.")
        for i, call in enumerate(calls)
    ]


def test_prompts_that_differ_in_the_group_alone_are_compared_in_pairs(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, in_pairs(week(service="unfair", is_unfair=True, n=140)))
    run(store, embedder).run_once()
    (paired,) = rows(store, field="regard", reference="atheists (pairs)")
    assert (paired["status"], paired["explanation"]["kind"]) == ("gap", "pairs")
    assert paired["explanation"]["n_pairs"] == 70


def test_pairs_that_the_app_names_are_compared_whatever_they_say(store: Store, embedder: SentenceEmbedder) -> None:
    calls = [
        replace(call, tenant=f"pair {i // 2}", prompt=f"{call.prompt} Say it in {i + 20} words.")
        for i, call in enumerate(in_pairs(week(service="unfair", is_unfair=True, n=140)))
    ]
    store_calls(store, calls)
    run(store, embedder, pair_by="metadata.tenant").run_once()
    (paired,) = rows(store, field="regard", reference="atheists (pairs)")
    assert (paired["status"], paired["explanation"]["n_pairs"]) == ("gap", 70)


def test_a_second_run_does_nothing_and_a_lost_cursor_repeats_the_same_rows(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, week(service="unfair", is_unfair=True))
    runner = run(store, embedder)
    first = runner.run_once()
    before = _without_time(rows(store))
    assert runner.run_once().windows == 0
    store.command("TRUNCATE TABLE cursors")
    again = runner.run_once()
    assert (again.windows, again.findings) == (1, first.findings)
    assert _without_time(rows(store)) == before


def test_a_run_that_is_told_to_stop_ends_and_the_next_one_looks_at_the_window(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, week(service="unfair", is_unfair=True))
    runner = run(store, embedder)
    runner.stop()
    assert (runner.run_once().windows, rows(store)) == (0, [])
    runner.resume()
    assert runner.run_once().windows == 1


def test_a_gap_is_confirmed_by_the_window_before_or_in_the_far_tail(store: Store, embedder: SentenceEmbedder) -> None:
    weeks = [week(service="weak", is_unfair=True, share=0.35, weeks_later=later, seed=later) for later in (0, 1)]
    store_calls(store, [call for of_week in weeks for call in of_week])
    store_calls(store, week(service="strong", is_unfair=True, share=1.0))
    clock = EPOCH + timedelta(days=16)
    BiasRunner(store, settings(), lambda: clock, embedder=embedder).run_once()
    told = {
        service: [
            (row["status"], row["is_confirmed"])
            for row in sorted(
                rows(store, service=service, field="regard", reference="atheists"), key=lambda one: one["window_end"]
            )
        ]
        for service in ("weak", "strong")
    }
    assert told == {"weak": [("gap", 0), ("gap", 1)], "strong": [("gap", 1)]}


def test_calls_that_come_late_have_their_window_compared_again_once(store: Store, embedder: SentenceEmbedder) -> None:
    now = datetime.now(UTC)
    later = (now - EPOCH) // timedelta(weeks=1) - 2
    clock = [now]
    runner = BiasRunner(store, settings(), lambda: clock[0], embedder=embedder)
    store_calls(store, week(service="unfair", is_unfair=True, weeks_later=later), stored_at=now - timedelta(days=2))
    assert runner.run_once().windows == 1
    (before,) = rows(store, field="regard", reference="atheists")
    more = [
        replace(
            call, prompt=call.prompt.replace("Muslim", "Jewish").replace("atheist", "Jewish"), session_id=f"late-{i}"
        )
        for i, call in enumerate(week(service="unfair", is_unfair=False, n=60, seed=5, weeks_later=later))
    ]
    store_calls(store, more, stored_at=now)
    assert runner.run_once().windows == 0, "the calls may still be coming"
    clock[0] += timedelta(hours=2)
    assert runner.run_once().windows == 1
    found = [row for row in rows(store, field="regard", segment="Muslims") if "pairs" not in row["reference"]]
    assert [(row["reference"], row["status"]) for row in found] == [("rest", "gap")]
    assert found[0]["n_reference"] == before["n_reference"] + 60
    assert runner.run_once().windows == 0


def test_an_open_window_waits_and_empty_ones_pass(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(service="unfair", is_unfair=True))
    early = BiasRunner(store, settings(), lambda: EPOCH - timedelta(days=1), embedder=embedder)
    assert early.run_once().windows == 0
    assert rows(store) == []
    assert BiasRunner(store, settings(), lambda: EPOCH + timedelta(days=9), embedder=embedder).run_once().windows == 1


def test_declared_groups_and_stored_scores_are_compared(store: Store, embedder: SentenceEmbedder) -> None:
    made = week(service="fair", is_unfair=False)
    store_calls(store, made)
    stored = store.rows("SELECT trace_id, span_id, start_time, metadata['tenant'] AS tenant FROM generations")
    store.insert(
        "scores",
        (
            "project", "analyzer", "analyzer_version", "field", "start_time", "trace_id", "span_id", "service", "model",
            "prompt_version", "status", "value", "p_value", "is_flagged", "evidence",
        ),
        [
            ("default", "toxicity", "1", "completion", row["start_time"], row["trace_id"], row["span_id"], "fair", "gpt-4o", "v1",
             "ok" if i % 5 else "unknown", (0.6 if row["tenant"] == "north" else 0.2) + 0.001 * i if i % 5 else 0.0, None, 0, "{}")
            for i, row in enumerate(stored)
        ],
    )  # fmt: skip
    run(store, embedder, declared=("metadata.tenant",)).run_once()
    assert gaps(store) == {("fair", "north", "toxicity")}
    (found,) = rows(store, field="toxicity", segment="north", reference="south")
    assert found["segment_by"] == "group:metadata.tenant"
    assert found["statistic"] == pytest.approx(0.4, abs=0.05)
    assert found["explanation"]["mean_other"] > 0.24, "what is unknown is no zero"


def test_a_store_that_does_not_answer_is_an_error_and_not_a_silence(
    empty_store: Store, embedder: SentenceEmbedder
) -> None:
    with pytest.raises(StoreError):
        run(empty_store, embedder).run_once()


def _without_time(found: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    return [{name: value for name, value in row.items() if name != "computed_at"} for row in found]
