"""A threshold that labels set flags the calls that are scored from then on, for the version of the scorer that was labelled."""

from datetime import UTC, datetime

import pytest

from driftline_analyzers.scoring.label_thresholds import flagged_by_labels
from driftline_analyzers.scoring.names import SCORER_NAMES
from driftline_analyzers.scoring.records import ScoreKey, ScoreRow
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.directions import DIRECTIONS
from driftline_core.store import Store
from driftline_core.thresholds import AnalyzerThreshold, remove_threshold, set_threshold
from tests.analyzers.scoring.scorers import Lengths
from tests.analyzers.scoring.spans import llm, scores, store_spans

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)


def wanted(threshold: float, *, version: str = "1", project: str = "default") -> AnalyzerThreshold:
    return AnalyzerThreshold(
        project=project, analyzer="lengths", field="completion", threshold=threshold, rule="precision", target=0.9,
        confidence=0.95, bound=0.91, n_labels=60, analyzer_version=version, from_time=MOMENT, to_time=MOMENT,
    )  # fmt: skip


def flags(store: Store) -> dict[int, bool]:
    ScoringRunner(AnalyzerSettings(), store, scorers=[Lengths()]).run_once()
    return {row["number"]: bool(row["is_flagged"]) for row in scores(store, field="completion")}


def test_calls_are_flagged_by_the_threshold_that_counts_when_they_are_scored(store: Store) -> None:
    store_spans(store, [llm(1, completion="x" * 30), llm(2, minutes=1, completion="x" * 200)])
    assert flags(store) == {1: False, 2: True}
    assert set_threshold(store, wanted(20.0)).version == 1
    set_threshold(store, wanted(5.0, version="2"))
    set_threshold(store, wanted(20.0))
    store_spans(
        store,
        [llm(3, minutes=2, completion="x" * 30), llm(4, minutes=3, completion=""), llm(5, minutes=4, completion="x")],
    )
    after = flags(store)
    assert {number: after[number] for number in (3, 4, 5)} == {3: True, 4: False, 5: False}
    by_number = {row["number"]: row for row in scores(store, field="completion")}
    assert by_number[3]["evidence"] == {"chars": 30, "threshold_from_labels": 20.0}
    assert by_number[4]["status"] == "unknown"
    remove_threshold(store, project="default", analyzer="lengths", field="")
    store_spans(store, [llm(6, minutes=5, completion="x" * 30)])
    assert flags(store)[6] is False


def test_a_threshold_of_another_version_or_project_says_nothing(store: Store) -> None:
    set_threshold(store, wanted(5.0, version="2"))
    set_threshold(store, wanted(5.0, project="other"))
    store_spans(store, [llm(1, completion="x" * 30)])
    assert flags(store) == {1: False}


def test_every_scorer_says_which_end_of_its_values_is_flagged() -> None:
    assert set(DIRECTIONS) == {*SCORER_NAMES, "judge", "outliers"}


@pytest.mark.parametrize(
    ("analyzer", "value", "expected"), [("relevance", 0.1, True), ("relevance", 0.75, False), ("grounding", 0.75, True)]
)
def test_the_low_end_is_flagged_where_low_is_bad(analyzer: str, value: float, expected: bool) -> None:
    key = ScoreKey(
        analyzer=analyzer, analyzer_version="1", field="completion", start_ns=0, trace_id="0" * 32, span_id="0" * 16
    )
    row = ScoreRow(key=key, service="", model="", prompt_version="", status="ok", value=value, is_flagged=not expected)
    (flagged,) = flagged_by_labels([row], {(analyzer, "1", "completion"): 0.25})
    assert flagged.is_flagged is expected
