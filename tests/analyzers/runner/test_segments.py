"""Segments by any column: drift of one tenant is found in its slice, few texts are told, the rest is counted."""

import pytest

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.segments import Segment, biggest
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store
from tests.analyzers.runner.running import HOUR, findings, run, steady
from tests.analyzers.traffic import EPOCH, calls, store_calls


def test_drift_of_one_tenant_is_found_in_its_slice_and_attributed_in_the_whole(
    store: Store, embedder: SentenceEmbedder
) -> None:
    for number, tenant in enumerate(("acme", "bolt", "core")):
        for hour in range(6):
            is_strange = tenant == "bolt" and hour == 5
            store_calls(
                store,
                calls(25, start=EPOCH + hour * HOUR, seed=100 * number + hour, tenant=tenant, is_strange=is_strange),
            )
    run(store, embedder, hours=8, segments=("metadata.tenant", "service"))
    last = [row for row in findings(store, field="completion") if row["window_start"].hour == 5]
    assert {row["segment"]: row["status"] for row in last} == {
        "acme": "ok",
        "bolt": "drift",
        "core": "ok",
        "assistant": "drift",
    }
    whole = next(row for row in last if row["segment_by"] == "service")
    assert whole["model"] == ""
    carrier = whole["explanation"]["carried_by"]
    assert (carrier["name"], carrier["value"]) == ("metadata.tenant", "bolt")
    assert 0.15 < whole["moved_share"] < 0.6
    assert whole["explanation"]["n_permutations"] == 1999
    of_tenant = next(row for row in last if row["segment"] == "bolt")
    assert of_tenant["explanation"]["reference"] == "5 earlier windows of this tenant"


def test_a_small_segment_says_that_it_has_too_few_texts(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(5, tenant="large"))
    store_calls(store, calls(5, start=EPOCH + 4 * HOUR, seed=3, tenant="small"))
    run(store, embedder, hours=8, segments=("metadata.tenant",))
    (small, _) = findings(store, segment="small")
    assert (small["status"], small["n_current"], small["p_value"]) == ("insufficient", 10, None)
    assert "enough texts: 0 of 160" in small["explanation"]["reason"]


def test_segments_beyond_the_limit_are_counted_and_not_tested(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(1, tenant="a"))
    for seed, tenant in enumerate(("b", "c")):
        store_calls(store, calls(10, start=EPOCH, seed=seed, tenant=tenant))
    run(store, embedder, hours=2, segments=("metadata.tenant",), max_segments=1)
    assert {(row["segment"], row["explanation"]["segments_left_out"]) for row in findings(store)} == {("a", 2)}


def test_languages_are_told_apart_after_reading(store: Store, embedder: SentenceEmbedder) -> None:
    german = {
        "where is": "wo ist denn nur der bestellte Gegenstand namens",
        "that I ordered": "den ich im Laden bestellt habe",
        "can I return": "kann ich bitte folgendes wieder zurückgeben:",
        "I bought": "das ich gekauft habe",
        "came broken": "ist leider kaputt bei mir angekommen",
        "how do I pay for": "wie kann ich bitte bezahlen für",
        "I tried": "ich habe es versucht",
    }
    for hour in range(5):
        made = calls(25, start=EPOCH + hour * HOUR, seed=hour)
        translated = []
        for call in calls(25, start=EPOCH + hour * HOUR, seed=200 + hour):
            prompt = call.prompt
            for english, other in german.items():
                prompt = prompt.replace(english, other)
            translated.append(
                type(call)(start=call.start, prompt=prompt, completion=call.completion, session_id=call.session_id)
            )
        store_calls(store, made + translated)
    runner = run(store, embedder, hours=8, segments=("language",))
    last = {row["segment"]: row for row in findings(store, field="prompt") if row["window_start"].hour == 4}
    assert {"en", "de"} <= set(last)
    assert {last[name]["status"] for name in ("en", "de")} == {"ok"}
    assert runner.run_once().windows == 0


def test_the_biggest_segments_of_each_division_are_chosen_and_what_has_no_value_is_none() -> None:
    def of(by: str, value: str) -> Segment:
        return Segment(service="s", by=by, value=value)

    sizes = [(of("user_id", "a"), 5), (of("user_id", "b"), 3), (of("user_id", "b"), 3), (of("user_id", ""), 90)]
    chosen, left_out = biggest([*sizes, (of("model", ""), 1)], max_segments=1)
    assert chosen == {of("user_id", "b"), of("model", "")}
    assert left_out == {("s", "user_id"): 1}


@pytest.mark.parametrize("name", ["colour", "metadata.", ""])
def test_an_unknown_division_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected one of service, model"):
        AnalyzerSettings(segments=(name,))
