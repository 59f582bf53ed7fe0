"""The runner over the embedded store, with the real model."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.references import create_reference
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store
from tests.analyzers.traffic import EPOCH, Call, calls, store_calls

HOUR = timedelta(hours=1)
SETTINGS = AnalyzerSettings(n_permutations=199, max_permutations=1999, alpha=0.01)


def runner(
    store: Store, embedder: SentenceEmbedder, *, now: datetime, settings: AnalyzerSettings = SETTINGS
) -> AnalysisRunner:
    return AnalysisRunner(settings, store, lambda: now, embedder=embedder)


def findings(store: Store) -> list[dict[str, Any]]:
    rows = store.rows(
        "SELECT * FROM findings FINAL WHERE project = 'default' ORDER BY window_start, service, model, field"
    )
    return [row | {"explanation": json.loads(row["explanation"])} for row in rows]


def week(*, hours: int = 3) -> list[Call]:
    """Two services, `hours` usual hours; then `assistant` gets a prompt that talks like a pirate and `billing` goes on."""
    made: list[Call] = []
    for hour in range(hours):
        made += calls(25, start=EPOCH + hour * HOUR, seed=hour)
        made += calls(25, start=EPOCH + hour * HOUR, seed=100 + hour, service="billing")
    made += calls(25, start=EPOCH + hours * HOUR, seed=50, is_strange=True, prompt_version="v2")
    made += calls(25, start=EPOCH + hours * HOUR, seed=150, service="billing")
    return made


def test_planted_drift_is_found_in_its_service_and_field_and_nowhere_else(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, week())
    report = runner(store, embedder, now=EPOCH + 5 * HOUR).run_once()
    assert (report.windows, report.findings, report.errors, report.is_complete) == (4, 16, 0, True)
    drifts = [row for row in findings(store) if row["status"] == "drift"]
    assert [(row["service"], row["field"], row["window_start"].hour) for row in drifts] == [
        ("assistant", "completion", 3)
    ]
    (drift,) = drifts
    assert drift["p_value"] <= drift["p_value_corrected"] <= 0.01
    assert drift["effect_size"] > 5
    assert drift["reference"] == "trailing"
    assert drift["prompt_version"] == "v2"
    explanation = drift["explanation"]
    assert explanation["carried_by"] == {"name": "prompt_version", "value": "v2"}
    assert all("arrr" in example["text"].lower() for example in explanation["examples"])
    assert not any("arrr" in example["text"].lower() for example in explanation["reference_examples"])
    example = explanation["examples"][0]
    found = store.scalar(
        "SELECT count() FROM generations WHERE trace_id = unhex({trace_id:String}) AND span_id = unhex({span_id:String})",
        {"trace_id": example["trace_id"], "span_id": example["span_id"]},
    )
    assert found == 1
    scores = store.rows(
        "SELECT service, countIf(is_flagged = 1) AS n FROM scores FINAL GROUP BY service ORDER BY service"
    )
    flagged = {row["service"]: row["n"] for row in scores}
    unmatched = (
        "SELECT count() FROM scores WHERE (start_time, trace_id) NOT IN (SELECT start_time, trace_id FROM generations)"
    )
    assert store.scalar(unmatched) == 0  # to the nanosecond: whoever joins them finds the text
    assert flagged["assistant"] > 20 * max(1, flagged["billing"]) / 10


def test_the_first_windows_have_no_reference_and_say_so(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    report = runner(store, embedder, now=EPOCH + 2 * HOUR).run_once()
    assert report.insufficient == 2
    assert {row["status"] for row in findings(store)} == {"insufficient"}
    assert "in the reference, got 0" in findings(store)[0]["explanation"]["reason"]
    assert findings(store)[0]["p_value"] is None


def test_a_second_run_tests_nothing_and_a_lost_cursor_changes_nothing(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(hours=1))
    once = runner(store, embedder, now=EPOCH + 5 * HOUR)
    first = once.run_once()
    before = findings(store)
    again = once.run_once()
    assert (again.windows, again.findings, again.texts_embedded) == (0, 0, 0)
    store.command("TRUNCATE TABLE cursors")
    assert runner(store, embedder, now=EPOCH + 6 * HOUR).run_once().windows == 0
    store.command("TRUNCATE TABLE findings")  # as if killed before it wrote them
    store.command("TRUNCATE TABLE cursors")
    repeated = runner(store, embedder, now=EPOCH + 6 * HOUR).run_once()
    assert (repeated.windows, repeated.texts_embedded) == (first.windows, 0)
    assert [strip(row) for row in findings(store)] == [strip(row) for row in before]


def strip(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "computed_at"}


def test_late_data_tests_its_window_again_and_replaces_its_findings(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week())
    now = EPOCH + 5 * HOUR
    one = runner(store, embedder, now=now)
    one.run_once()
    n_rows = len(findings(store))
    late = calls(30, start=EPOCH + 2 * HOUR, seed=77, service="billing", is_strange=True)
    store_calls(store, late)
    report = one.run_once()
    assert report.windows == 1
    assert report.texts_embedded > 0
    assert len(findings(store)) == n_rows
    changed = {
        (row["service"], row["window_start"].hour): row for row in findings(store) if row["field"] == "completion"
    }
    assert changed[("billing", 2)]["status"] == "drift"
    assert changed[("billing", 2)]["n_current"] > 50


def test_an_open_window_waits_and_holds_the_cursor(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(hours=1))
    early = runner(store, embedder, now=EPOCH + HOUR + timedelta(minutes=30))
    assert early.run_once().windows == 1
    just_over = runner(store, embedder, now=EPOCH + 2 * HOUR + timedelta(minutes=1))
    assert just_over.run_once().windows == 0  # over, but not settled
    assert runner(store, embedder, now=EPOCH + 2 * HOUR + timedelta(minutes=3)).run_once().windows == 1
    assert {row["status"] for row in findings(store) if row["window_start"].hour == 1} == {"ok", "drift"}


def test_a_named_reference_set_is_used_and_is_not_tested_against_itself(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    store_calls(store, calls(25, start=EPOCH + HOUR, seed=2, is_strange=True, model="gpt-5"))
    create_reference(
        store, project="default", name="launch", service="assistant", from_time=EPOCH, to_time=EPOCH + HOUR
    )
    report = runner(store, embedder, now=EPOCH + 5 * HOUR).run_once()
    assert report.findings == 2
    rows = {row["field"]: row for row in findings(store)}
    assert {row["reference"] for row in rows.values()} == {"launch"}
    assert {row["model"] for row in rows.values()} == {"gpt-5"}
    assert rows["completion"]["status"] == "drift"
    assert rows["prompt"]["status"] == "ok"
    assert rows["completion"]["explanation"]["models"] == {"before": {"gpt-4o": 1.0}, "after": {"gpt-5": 1.0}}


def test_a_new_model_is_compared_with_what_the_service_said_before(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    store_calls(store, calls(25, start=EPOCH + HOUR, seed=2, is_strange=True, model="gpt-5"))
    runner(store, embedder, now=EPOCH + 5 * HOUR).run_once()
    newest = [row for row in findings(store) if row["model"] == "gpt-5" and row["field"] == "completion"]
    assert [row["status"] for row in newest] == ["drift"]
    assert "any model" in newest[0]["explanation"]["reference"]


def test_drifted_windows_do_not_become_the_reference(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    for hour in range(1, 4):
        store_calls(store, calls(25, start=EPOCH + hour * HOUR, seed=hour + 1, is_strange=True))
    runner(store, embedder, now=EPOCH + 5 * HOUR).run_once()
    statuses = [row["status"] for row in findings(store) if row["field"] == "completion"]
    assert statuses == ["insufficient", "drift", "drift", "drift"]


def test_failed_calls_and_other_projects_are_left_out(store: Store, embedder: SentenceEmbedder) -> None:
    usual = calls(25, start=EPOCH, seed=1) + calls(25, start=EPOCH + HOUR, seed=2)
    failed = [replace(call, is_error=True) for call in calls(25, start=EPOCH + HOUR, seed=3, is_strange=True)]
    other = calls(25, start=EPOCH + HOUR, seed=4, is_strange=True, project="other")
    store_calls(store, usual + failed + other)
    report = runner(store, embedder, now=EPOCH + 5 * HOUR).run_once("default")
    assert (report.windows, report.drifts) == (2, 0)
    assert {row["project"] for row in store.rows("SELECT DISTINCT project FROM findings")} == {"default"}


def test_a_stopped_run_says_so_and_the_next_one_finishes(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(hours=1))
    seen: list[tuple[str, int, int]] = []

    def progress(phase: str, done: int, total: int) -> None:
        seen.append((phase, done, total))
        if (phase, done) == ("windows", 1):
            one.stop()

    one = AnalysisRunner(SETTINGS, store, lambda: EPOCH + 5 * HOUR, embedder=embedder, progress=progress)
    stopped = one.run_once()
    assert (stopped.windows, stopped.is_complete) == (1, False)
    one.resume()
    assert one.run_once().windows == 1
    assert ("windows", 0, 2) in seen


def test_a_window_that_fails_is_counted_and_tried_again(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, week(hours=1))
    broken = AnalysisRunner(SETTINGS, store, lambda: EPOCH + 5 * HOUR, embedder=SentenceEmbedder(model="no/such-model"))
    with pytest.raises(Exception, match="cannot load the embedding model"):
        broken.run_once()
    assert findings(store) == []
    assert runner(store, embedder, now=EPOCH + 5 * HOUR).run_once().windows == 2


def test_the_service_tests_in_the_background_and_stops(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, calls(25, start=EPOCH, seed=1))
    service = runner(store, embedder, now=EPOCH + 5 * HOUR).service()
    service.start()
    for _ in range(600):
        if findings(store):
            break
        service._stopping.wait(0.1)
    assert service.health().is_ok
    service.stop(deadline_s=30)
    assert len(findings(store)) == 2
