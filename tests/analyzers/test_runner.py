"""The runner over the embedded store, with the real model: what is tested, when, and what a killed run leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.references import create_reference
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_core.store import Store
from tests.analyzers.runner.running import HOUR, findings, run, settings, statuses, steady, without_time
from tests.analyzers.traffic import EPOCH, Call, calls, store_calls


def week(*, hours: int = 8) -> list[Call]:
    """Two services, `hours` usual hours; then `assistant` gets a prompt that talks like a pirate and `billing` goes on."""
    made = steady(hours) + steady(hours + 1, service="billing")
    return made + calls(25, start=EPOCH + hours * HOUR, seed=50, is_strange=True, prompt_version="v2")


def test_planted_drift_is_found_in_its_service_and_field_and_nowhere_else(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, week())
    run(store, embedder, hours=10, analyzers=("semantic_drift", "outliers"))
    drifts = [row for row in findings(store) if row["status"] == "drift"]
    assert {(row["service"], row["field"], row["window_start"].hour) for row in drifts} == {
        ("assistant", "completion", 8)
    }
    (drift,) = [row for row in drifts if row["analyzer"] == "semantic_drift"]
    assert drift["p_value"] <= drift["p_value_corrected"] <= 0.01
    assert drift["effect_size"] > 5
    assert (drift["reference"], drift["reference_version"], drift["prompt_version"]) == ("trailing", "", "v2")
    assert (drift["segment_by"], drift["segment"], drift["model"]) == ("model", "gpt-4o", "gpt-4o")
    assert drift["moved_share_low"] <= drift["moved_share"] <= drift["moved_share_high"]
    assert drift["moved_share"] > 0.5
    explanation = drift["explanation"]
    assert explanation["topics"]["psi"] > 0.25
    assert (explanation["carried_by"]["name"], explanation["carried_by"]["value"]) == ("prompt_version", "v2")
    assert all(
        "arrr" in example["text"].lower() or "matey" in example["text"].lower() for example in explanation["examples"]
    )
    assert not any("arrr" in example["text"].lower() for example in explanation["reference_examples"])
    example = explanation["examples"][0]
    found = store.scalar(
        "SELECT count() FROM generations WHERE trace_id = unhex({trace_id:String}) AND span_id = unhex({span_id:String})",
        {"trace_id": example["trace_id"], "span_id": example["span_id"]},
    )
    assert found == 1
    scores = store.rows("SELECT service, countIf(is_flagged = 1) AS n FROM scores FINAL GROUP BY service")
    flagged = {row["service"]: row["n"] for row in scores}
    assert flagged["assistant"] > 10 * max(1, flagged["billing"])
    unmatched = (
        "SELECT count() FROM scores WHERE (start_time, trace_id) NOT IN (SELECT start_time, trace_id FROM generations)"
    )
    assert store.scalar(unmatched) == 0  # to the nanosecond: whoever joins them finds the text


def test_the_first_windows_have_no_reference_and_say_so(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    run(store, embedder, hours=2)
    first = findings(store)
    assert [row["status"] for row in first] == ["insufficient"] * 2
    assert "no earlier windows with enough texts: 0 of 160" in first[0]["explanation"]["reason"]
    assert first[0]["p_value"] is None


def test_a_second_run_tests_nothing_and_a_lost_cursor_changes_nothing(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(hours=5))
    once = run(store, embedder, hours=10)
    before = findings(store)
    again = once.run_once()
    assert (again.windows, again.findings, again.texts_embedded) == (0, 0, 0)
    store.command("TRUNCATE TABLE cursors")
    assert once.run_once().windows == 0
    store.command("TRUNCATE TABLE findings")  # as if killed before it wrote them
    store.command("TRUNCATE TABLE cursors")
    repeated = once.run_once()
    assert (repeated.windows, repeated.texts_embedded) == (6, 0)
    assert [without_time(row) for row in findings(store)] == [without_time(row) for row in before]


def test_runs_window_by_window_say_what_one_run_says(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(hours=5) + calls(25, start=EPOCH + 6 * HOUR, seed=51, is_strange=True))
    analyzers = ("semantic_drift", "sequential")
    for hour in range(1, 8):
        run(store, embedder, hours=hour + 0.1, analyzers=analyzers)
    step_by_step = [without_time(row) for row in findings(store)]
    store.command("TRUNCATE TABLE findings")
    store.command("TRUNCATE TABLE cursors")
    run(store, embedder, hours=8, analyzers=analyzers)
    assert [without_time(row) for row in findings(store)] == step_by_step


def test_late_data_tests_its_window_again_and_the_one_that_leans_on_it(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, steady(10))
    store_calls(store, calls(25, start=EPOCH + 10 * HOUR, seed=70, is_strange=True))
    one = run(store, embedder, hours=12, max_permutations=199)
    n_rows = len(findings(store))
    assert findings(store, field="completion")[-1]["status"] == "drift"
    store_calls(store, calls(40, start=EPOCH + 9 * HOUR, seed=77, is_strange=True))
    report = one.run_once()
    assert report.windows == 2
    assert len(findings(store)) == n_rows
    changed = findings(store, field="completion")[-2:]
    assert [row["status"] for row in changed] == ["drift", "drift"]
    assert changed[0]["n_current"] > 50
    assert [row["is_confirmed"] for row in changed][1] == 1


def test_an_open_window_waits_and_holds_the_cursor(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(2))
    run(store, embedder, hours=1.5)
    assert len(findings(store)) == 2
    run(store, embedder, hours=2 + 1 / 60)
    assert len(findings(store)) == 2  # over, but not settled
    run(store, embedder, hours=2 + 3 / 60)
    assert len(findings(store)) == 4


def test_a_named_reference_set_is_used_and_is_not_tested_against_itself(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, steady(5))
    store_calls(store, calls(25, start=EPOCH + 5 * HOUR, seed=2, is_strange=True, model="gpt-5"))
    create_reference(
        store, project="default", name="launch", service="assistant", from_time=EPOCH, to_time=EPOCH + 5 * HOUR
    )
    run(store, embedder, hours=8)
    rows = {row["field"]: row for row in findings(store)}
    assert len(findings(store)) == 2
    assert {(row["reference"], row["reference_version"]) for row in rows.values()} == {("launch", "1")}
    assert {row["model"] for row in rows.values()} == {"gpt-5"}
    assert (rows["completion"]["status"], rows["prompt"]["status"]) == ("drift", "ok")
    assert rows["completion"]["explanation"]["models"] == {"before": {"gpt-4o": 1.0}, "after": {"gpt-5": 1.0}}


def test_a_new_model_is_compared_with_what_the_service_said_before(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(5))
    store_calls(store, calls(25, start=EPOCH + 5 * HOUR, seed=2, is_strange=True, model="gpt-5"))
    run(store, embedder, hours=8)
    (newest,) = findings(store, model="gpt-5", field="completion")
    assert newest["status"] == "drift"
    assert "any model" in newest["explanation"]["reference"]


def test_drifted_windows_do_not_become_the_reference(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(4))
    for hour in range(4, 7):
        store_calls(store, calls(25, start=EPOCH + hour * HOUR, seed=hour + 1, is_strange=True))
    run(store, embedder, hours=8)
    assert statuses(store) == ["insufficient"] * 4 + ["drift"] * 3
    assert [row["n_reference"] for row in findings(store, field="completion")][4:] == [
        findings(store, field="completion")[4]["n_reference"]
    ] * 3


def test_failed_calls_and_other_projects_are_left_out(store: Store, embedder: SentenceEmbedder) -> None:
    usual = steady(6)
    failed = [replace(call, is_error=True) for call in calls(25, start=EPOCH + 5 * HOUR, seed=3, is_strange=True)]
    other = calls(25, start=EPOCH + HOUR, seed=4, is_strange=True, project="other")
    store_calls(store, usual + failed + other)
    runner = AnalysisRunner(settings(), store, lambda: EPOCH + 8 * HOUR, embedder=embedder)
    report = runner.run_once("default")
    assert (report.windows, report.drifts) == (6, 0)
    assert {row["project"] for row in store.rows("SELECT DISTINCT project FROM findings")} == {"default"}


def test_a_stopped_run_says_so_and_the_next_one_finishes(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(2))
    seen: list[tuple[str, int, int]] = []

    def progress(phase: str, done: int, total: int) -> None:
        seen.append((phase, done, total))
        if (phase, done) == ("windows", 1):
            one.stop()

    one = AnalysisRunner(settings(), store, lambda: EPOCH + 5 * HOUR, embedder=embedder, progress=progress)
    stopped = one.run_once()
    assert (stopped.windows, stopped.is_complete) == (1, False)
    one.resume()
    assert one.run_once().windows == 1
    assert ("windows", 0, 2) in seen


def test_a_window_that_fails_is_counted_and_tried_again(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(5))
    broken = AnalysisRunner(
        settings(), store, lambda: EPOCH + 8 * HOUR, embedder=SentenceEmbedder(model="no/such-model")
    )
    with pytest.raises(Exception, match="cannot load the embedding model"):
        broken.run_once()
    assert findings(store) == []
    run(store, embedder, hours=8)
    assert len(findings(store)) == 10


def test_the_service_tests_in_the_background_and_stops(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    runner = AnalysisRunner(settings(), store, lambda: EPOCH + timedelta(hours=5), embedder=embedder)
    service = runner.service()
    service.start()
    for _ in range(600):
        if findings(store):
            break
        service._stopping.wait(0.1)
    assert service.health().is_ok
    service.stop(deadline_s=30)
    assert len(findings(store)) == 2
