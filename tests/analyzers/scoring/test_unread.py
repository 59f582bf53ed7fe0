"""Texts that are too long and documents that are too many: what was not read is told, and nothing is called unsupported for it."""

from typing import Any

from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.safety.pii import PiiScorer
from driftline_analyzers.scoring.label_thresholds import flagged_by_labels
from driftline_analyzers.scoring.records import ScoreKey, ScoreRow
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.call_contexts import MAX_TEXTS
from driftline_core.store import Store
from tests.analyzers.scoring.spans import llm, retrieval, scores, store_spans

LIMIT = 1000
INVENTED = "The kettle was designed in Oslo by Ida Berg in 1961."
DOCUMENT = "The kettle is on its way and comes on Monday. "


def scored(store: Store, rows: list[dict[str, Any]], *, analyzer: str, field: str) -> list[dict[str, Any]]:
    store_spans(store, rows)
    settings = AnalyzerSettings(max_scored_chars=LIMIT)
    scorers = (GroundingScorer(max_chars=10 * LIMIT), PiiScorer())
    ScoringRunner(settings, store, scorers=scorers).run_once()
    return scores(store, analyzer=analyzer, field=field)


def documents(*texts: str) -> list[tuple[str, str, None]]:
    return [("", text, None) for text in texts]


def test_an_answer_on_documents_that_were_cut_is_unsure_and_not_flagged(store: Store) -> None:
    long = DOCUMENT * 30
    rows = scored(
        store,
        [
            llm(1, completion=INVENTED, documents=documents(DOCUMENT)),
            llm(2, completion=INVENTED, documents=documents(long, DOCUMENT)),
            llm(3, completion=INVENTED, documents=documents(*[f"{i}. {DOCUMENT}" for i in range(MAX_TEXTS + 6)])),
            llm(4, completion=DOCUMENT, documents=documents(long)),
        ],
        analyzer="grounding",
        field="completion",
    )
    found = {row["number"]: row for row in rows}
    assert {number: (row["evidence"]["verdict"], row["is_flagged"]) for number, row in found.items()} == {
        1: ("unsupported", 1),
        2: ("unsure", 0),
        3: ("unsure", 0),
        4: ("supported", 0),
    }
    assert found[2]["value"] == found[1]["value"]
    assert found[2]["evidence"]["n_unread_document_chars"] == len(long) - LIMIT
    assert found[3]["evidence"]["n_unread_documents"] == 6
    assert "not_flagged" in found[2]["evidence"]
    assert "not_flagged" in found[3]["evidence"]
    assert "not_flagged" not in found[4]["evidence"]
    assert found[4]["evidence"]["n_unread_document_chars"] == len(long) - LIMIT


def test_what_was_cut_from_retrievals_and_tools_of_the_trace_is_told_too(store: Store) -> None:
    rows = scored(
        store,
        [
            llm(1, trace=1, completion=INVENTED),
            retrieval(11, *[f"{i}. {DOCUMENT}" for i in range(MAX_TEXTS + 2)], trace=1, minutes=-2),
            retrieval(12, "x" * (LIMIT + 7), trace=1, minutes=-1),
            llm(13, trace=1, minutes=-1, kind="tool", tool_result="y" * (LIMIT + 3), input_tokens=None),
        ],
        analyzer="pii",
        field="document",
    )
    [row] = rows
    assert row["evidence"] == {"unread_chars": 7, "unread_texts": 3}
    [result] = scores(store, analyzer="pii", field="tool_result")
    assert result["evidence"] == {"unread_chars": 3}
    [answer] = scores(store, analyzer="grounding")
    assert (answer["evidence"]["verdict"], answer["evidence"]["n_unread_documents"]) == ("unsure", 3)


def test_personal_data_past_the_cut_is_not_said_to_be_absent(store: Store) -> None:
    text = "a" * LIMIT + " anna@example.org"
    [row] = scored(store, [llm(1, completion=text)], analyzer="pii", field="completion")
    assert (row["value"], row["evidence"]) == (0.0, {"unread_chars": len(text) - LIMIT})


def test_a_threshold_of_labels_flags_nothing_that_was_not_read() -> None:
    key = ScoreKey(analyzer="grounding", analyzer_version="3", field="completion", start_ns=0, trace_id="", span_id="")
    rows = [
        ScoreRow(key=key, service="", model="", prompt_version="", status="ok", value=0.9, evidence=evidence)
        for evidence in ('{"not_flagged": "not read"}', "{}")
    ]
    flagged = flagged_by_labels(rows, {("grounding", "3", "completion"): 0.5})
    assert [row.is_flagged for row in flagged] == [False, True]
