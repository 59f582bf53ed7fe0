"""Every settled call is scored once, with what it was given to read, whatever comes late, fails or is killed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_analyzers.embed.embedder import Embeddings, OnBatch, SentenceEmbedder
from driftline_analyzers.quality.json_format import JsonFormatScorer
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.scoring.scorer import CallScore, CallScorer, Embed
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import DriftlineError
from driftline_core.store import Store
from tests.analyzers.scoring.scorers import Embedding, Fragile, Lengths, NotANumber, Unready
from tests.analyzers.scoring.spans import NOON, counts, llm, retrieval, scores, store_spans


class DeafEmbedder(SentenceEmbedder):
    """Fails until it is told not to."""

    is_deaf = True

    def embed(self, texts: Sequence[str], *, on_batch: OnBatch | None = None) -> Embeddings:
        if self.is_deaf:
            raise RuntimeError("no model")
        return super().embed(texts, on_batch=on_batch)


def runner(
    store: Store, *scorers: CallScorer, embedder: SentenceEmbedder | None = None, **changes: Any
) -> ScoringRunner:
    return ScoringRunner(AnalyzerSettings(**changes), store, scorers=scorers, embedder=embedder)


def test_every_call_is_scored_once_in_batches_and_a_second_run_finds_nothing_to_do(store: Store) -> None:
    store_spans(store, [llm(n, minutes=n % 3, completion="x" * n) for n in range(1, 8)])
    scorer = Lengths()
    report = runner(store, scorer, scoring_batch_calls=3).run_once()
    assert (report.calls, report.errors, report.is_complete) == (7, (), True)
    assert sorted(span for batch in scorer.batches for span in batch) == [
        n.to_bytes(8, "big").hex() for n in range(1, 8)
    ]
    assert [len(batch) for batch in scorer.batches] == [3, 3, 1]
    assert sorted((row["number"], row["value"]) for row in scores(store)) == [(n, float(n)) for n in range(1, 8)]
    assert counts(store) == [(minute, "lengths", "completion", n, 0, 0, 0) for minute, n in ((0, 2), (1, 3), (2, 2))]
    again = runner(store, scorer)
    again.run_once()
    calls = again.run_once().calls
    assert calls == 0


def test_a_repeated_run_and_a_back_fill_replace_what_is_there(store: Store) -> None:
    store_spans(store, [llm(n, minutes=n) for n in range(1, 5)])
    first = runner(store, Lengths())
    first.run_once()
    written = scores(store), counts(store)
    store.command("TRUNCATE TABLE cursors")
    assert runner(store, Lengths()).run_once().calls == 4
    assert (scores(store), counts(store)) == written
    report = first.run_range(from_time=NOON + timedelta(minutes=2), to_time=NOON + timedelta(minutes=4))
    assert (report.calls, report.scores) == (2, {"lengths": 2})
    assert (scores(store), counts(store)) == written


def test_a_trace_waits_until_nothing_comes_any_more(store: Store) -> None:
    store_spans(store, [llm(1), llm(2, stored_at=datetime.now(UTC))])
    patient = runner(store, Lengths(), scoring_settle=timedelta(minutes=5))
    assert patient.run_once().calls == 1
    assert patient.stats().lag_s == {"default": 0.0}
    assert patient.run_once(is_settled=True).calls == 1
    assert [row["number"] for row in scores(store)] == [1, 2]


def test_a_call_is_judged_on_what_it_was_given_to_read_and_again_when_more_comes(store: Store) -> None:
    late = {"trace": 1, "minutes": 5}
    tool_turn = '[{"role": "tool", "content": "21 degrees"}, {"role": "user", "content": "so?"}]'
    store_spans(
        store,
        [
            llm(1),
            llm(2, trace=2, documents=[("", "its own", None)], input_messages=tool_turn),
            retrieval(12, "of the trace", trace=2, minutes=-1),
            llm(13, trace=2, minutes=-1, kind="tool", tool_result="sunny", input_tokens=None),
        ],
    )
    reading = runner(store, Lengths())
    reading.run_once()
    assert [(row["number"], row["field"], row["value"]) for row in scores(store) if row["field"] != "completion"] == [
        (2, "document", 1.0),
        (2, "tool_result", 2.0),
    ]
    store_spans(store, [retrieval(11, "a", "b", "a", trace=1, minutes=-1), retrieval(15, "too late", **late)])
    assert reading.run_once().calls == 1
    assert [row["value"] for row in scores(store, field="document")] == [2.0, 1.0]


def test_what_turns_out_to_be_another_span_of_a_call_has_no_score_any_more(store: Store) -> None:
    store_spans(store, [llm(1, input_tokens=None)])
    watching = runner(store, Lengths())
    watching.run_once()
    assert [row["number"] for row in scores(store)] == [1]
    store_spans(store, [llm(2, trace=1, parent_span_id=(1).to_bytes(8, "big"))])
    report = watching.run_once()
    assert report.withdrawn == 1
    assert [row["number"] for row in scores(store)] == [2]
    assert counts(store) == [(0, "lengths", "completion", 1, 0, 0, 0)]


def test_a_failed_call_has_no_answer_to_judge(store: Store) -> None:
    store_spans(store, [llm(1, is_error=1, completion="half an ans")])
    runner(store, Lengths(), Fragile()).run_once()
    found = [(row["analyzer"], row["field"], row["status"]) for row in scores(store)]
    assert found == [("fragile", "prompt", "ok"), ("lengths", "completion", "unknown")]


def test_a_scorer_that_fails_on_a_call_holds_up_neither_the_others_nor_the_other_calls(store: Store) -> None:
    store_spans(store, [llm(1), llm(2, prompt="boom"), llm(3)])
    fragile = Fragile()
    stubborn = runner(store, fragile, Lengths())
    report = stubborn.run_once()
    assert (report.failed["fragile"], report.scores["fragile"], report.scores["lengths"]) == (1, 2, 3)
    assert len(report.errors) == 1
    failed = scores(store, status="error")
    assert [(row["number"], row["field"], row["evidence"]) for row in failed] == [
        (2, "call", {"unknown": "the scorer failed: ValueError"})
    ]
    assert counts(store)[0] == (0, "fragile", "call", 0, 0, 0, 1)
    fragile.is_mended = True
    assert stubborn.run_once().errors == ()
    assert scores(store, status="error") == []
    assert [row["number"] for row in scores(store, analyzer="fragile")] == [1, 2, 3]


def test_a_call_that_a_scorer_always_fails_on_is_tried_three_times_and_keeps_nothing_waiting(store: Store) -> None:
    store_spans(store, [llm(1, prompt="boom"), llm(2)])
    stubborn = runner(store, Fragile())
    reports = [stubborn.run_once() for _ in range(4)]
    assert [report.failed.get("fragile", 0) for report in reports] == [1, 1, 1, 0]
    assert len(scores(store, status="error")) == 1


def test_calls_wait_while_nothing_can_be_embedded_and_other_scorers_go_on(store: Store) -> None:
    store_spans(store, [llm(1), llm(2)])
    embedder = DeafEmbedder(dtype="float32")
    waiting = runner(store, Embedding(), Lengths(), embedder=embedder)
    report = waiting.run_once()
    assert (report.scores["lengths"], report.failed["lengths"], report.scores.get("embedding", 0)) == (2, 0, 0)
    assert "no model" in report.errors[0]
    assert waiting.stats().waiting == {"default": 2}
    assert waiting.stats().lag_s["default"] > 3000
    embedder.is_deaf = False
    assert waiting.run_once().scores == {"embedding": 2, "lengths": 2}
    assert waiting.stats().waiting == {"default": 0}
    assert [row["analyzer"] for row in scores(store)] == ["embedding", "lengths"] * 2


def test_a_scorer_that_is_set_up_wrongly_says_so_and_the_others_go_on(store: Store) -> None:
    store_spans(store, [llm(1), llm(2)])
    mixed = runner(store, Unready(), Lengths())
    report = mixed.run_once()
    assert report.errors == ("unready cannot work: expected a model, got none",)
    assert [row["analyzer"] for row in scores(store)] == ["lengths", "lengths"]
    assert mixed.run_once().calls == 0


def test_what_is_no_number_is_unknown_and_says_why(store: Store) -> None:
    store_spans(store, [llm(1)])
    runner(store, NotANumber()).run_once()
    (row,) = scores(store)
    assert (row["status"], row["value"], row["is_flagged"]) == ("unknown", 0.0, 0)
    assert row["evidence"] == {"unknown": "the scorer gave no number"}
    assert counts(store) == [(0, "not_a_number", "prompt", 0, 0, 1, 0)]


def test_a_share_of_the_traces_is_always_the_same_share_and_nothing_of_it_is_withdrawn(store: Store) -> None:
    store_spans(store, [llm(n) for n in range(1, 41)])
    sampling: Any = {"scorer_shares": {"refusal": 0.25}}

    class Sampled(Lengths):
        name = "refusal"

    for _ in range(2):
        runner(store, Sampled(), **sampling).run_once()
    half = runner(store, Sampled(), **sampling)
    chosen = [row["number"] for row in scores(store)]
    assert 3 <= len(chosen) <= 18
    half.run_range(from_time=NOON, to_time=NOON + timedelta(hours=1))
    assert [row["number"] for row in scores(store)] == chosen
    runner(store, Sampled()).run_range(from_time=NOON, to_time=NOON + timedelta(hours=1))
    assert len(scores(store)) == 40
    half.run_range(from_time=NOON, to_time=NOON + timedelta(hours=1))
    assert len(scores(store)) == 40


def test_a_run_that_is_stopped_goes_on_where_it_was(store: Store) -> None:
    store_spans(store, [llm(n) for n in range(1, 7)])
    scorer = Lengths()
    stopped = runner(store, scorer, scoring_batch_calls=2)
    stopped.stop()
    report = stopped.run_once()
    assert (report.calls, report.is_complete) == (0, False)
    stopped.resume()
    assert stopped.run_once().calls == 6
    assert len(scores(store)) == 6


def test_many_traces_stored_in_one_moment_are_all_scored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftline_analyzers.scoring.runner._MAX_TRACES", 4)
    moment = datetime.now(UTC) - timedelta(hours=1)
    rows = [llm(n, stored_at=moment) for n in range(1, 20)]
    store.insert("generations", list(rows[0]), [list(row.values()) for row in rows])
    paged = runner(store, Lengths())
    assert paged.run_once().calls == 19
    assert len(scores(store)) == 19
    assert paged.run_once().calls == 0


def test_the_service_is_not_well_while_a_scorer_fails(store: Store) -> None:
    store_spans(store, [llm(1, prompt="boom")])
    service = runner(store, Fragile()).service()
    with pytest.raises(DriftlineError, match="1 traces that a scorer failed on"):
        service._tick()


class Killed(BaseException):
    """Ends a run as a signal would, wherever it is."""


class Deadly(Lengths):
    """Kills the run at a batch."""

    def __init__(self, *, at_batch: int) -> None:
        super().__init__()
        self.at_batch = at_batch

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        if len(self.batches) == self.at_batch:
            raise Killed
        return super().score(calls, embed=embed)


@pytest.mark.parametrize("at_batch", [0, 1, 3])
def test_a_killed_run_loses_nothing_and_counts_nothing_twice(store: Store, at_batch: int) -> None:
    store_spans(store, [llm(n, minutes=n, completion="x" * 20 * n) for n in range(1, 9)])
    with pytest.raises(Killed):
        runner(store, Deadly(at_batch=at_batch), scoring_batch_calls=2).run_once()
    assert len(scores(store)) == 2 * at_batch
    runner(store, Lengths()).run_once()
    assert [(row["number"], row["value"]) for row in scores(store)] == [(n, 20.0 * n) for n in range(1, 9)]
    assert counts(store) == [(n, "lengths", "completion", 1, int(n >= 5), 0, 0) for n in range(1, 9)]


def test_a_runner_of_its_own_waits_for_its_scorers_alone_and_begins_with_what_is_new(store: Store) -> None:
    store_spans(store, [llm(1), llm(2)])
    store.command(
        "ALTER TABLE generations UPDATE stored_at = stored_at - INTERVAL 2 DAY WHERE 1 SETTINGS mutations_sync = 1"
    )
    store_spans(store, [llm(3)])

    judging = ScoringRunner(
        AnalyzerSettings(), store, scorers=[Fragile()], name="judging", looks_back=timedelta(days=1)
    )
    assert runner(store, Lengths()).run_once(is_settled=True).calls == 3
    first, second = judging.run_once(is_settled=True), judging.run_once(is_settled=True)
    assert (first.calls, second.calls) == (1, 0)
    again = runner(store, Lengths()).run_range(from_time=NOON - timedelta(hours=1), to_time=NOON + timedelta(hours=1))
    both = again + first
    assert both.calls == 4
    assert set(both.scores) == {"lengths", "fragile"}


@pytest.mark.parametrize(
    ("attributes", "is_asked"),
    [
        ({"gen_ai.output.type": "json"}, True),
        ({"gen_ai.openai.request.response_format": "json_schema"}, True),
        ({"gen_ai.request.structured_output_schema": '{"type": "object"}'}, True),
        ({"llm.invocation_parameters": '{"response_format": {"type": "json_object"}}'}, True),
        ({"ai.operationId": "ai.generateObject.doGenerate"}, True),
        ({"gen_ai.output.type": "text", "llm.invocation_parameters": "{not json"}, False),
    ],
)
def test_json_is_expected_where_a_parameter_of_the_request_asks_for_it(
    store: Store, attributes: dict[str, str], is_asked: bool
) -> None:
    call = llm(1)
    store_spans(store, [call])
    names = ["project", "service", "start_time", "trace_id", "span_id", "received_at"]
    store.insert("spans", [*names, "attributes"], [[*(call[name] for name in names), attributes]])
    runner(store, JsonFormatScorer()).run_once()
    assert [(one["value"], one["evidence"]["asked_by"]) for one in scores(store)] == [(0.0, "parameter")] * is_asked
