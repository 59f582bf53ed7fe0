"""Which texts count, which may be exchanged, which answer the same prompt; and which windows are the reference."""

from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np
import pytest

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.runner.records import TextRow, WindowContent
from driftline_analyzers.runner.samples import call_sample, field_sample, limit_sample, pair_answers, sample_sessions
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.runner.trailing import trailing_windows
from driftline_analyzers.runner.windows import count_windows, is_settled


def row(number: int, *, prompt: str = "", completion: str = "answer", session: str = "") -> TextRow:
    return TextRow(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_ns=number,
        model="m",
        prompt_version="",
        session_id=session,
        prompt=prompt or f"prompt {number}",
        completion=completion,
    )


def content(start_ms: int, *, value: str = "a", n_rows: int = 10, by: str = "model") -> WindowContent:
    return WindowContent(
        segment=Segment(service="s", by=by, value=value),
        start_ms=start_ms,
        end_ms=start_ms + 10,
        n_rows=n_rows,
        n_retrievals=0,
        last_stored_ms=0,
        prompt_version="",
    )


def test_a_session_is_one_block_and_its_exact_repeats_count_once() -> None:
    rows = [row(1, session="a"), row(2, session="a"), row(3, session="b"), row(4, session="a", completion="other")]
    sample = field_sample(rows, field="completion", block_texts=5)
    assert [kept.start_ns for kept in sample.rows] == [1, 3, 4]
    assert sample.groups == ["session:a", "session:b", "session:a"]


def test_texts_without_a_session_are_blocks_of_consecutive_ones_and_keep_their_repeats() -> None:
    sample = field_sample([row(i) for i in range(7)], field="completion", block_texts=3)
    assert sample.groups == ["block:0"] * 3 + ["block:1"] * 3 + ["block:2"]


def test_empty_texts_are_left_out() -> None:
    assert field_sample([row(1, completion=" \n")], field="completion", block_texts=5).texts == []


def test_answers_are_paired_one_to_one_by_prompt() -> None:
    reference = field_sample(
        [row(1, prompt="p"), row(2, prompt="q"), row(3, prompt="p")], field="completion", block_texts=9
    )
    current = field_sample(
        [row(4, prompt="p"), row(5, prompt="p"), row(6, prompt="p"), row(7)], field="completion", block_texts=9
    )
    pairs = pair_answers(reference, current)
    assert list(zip(pairs.reference, pairs.current, strict=True)) == [(0, 0), (2, 1)]
    assert pairs.n_units == 2


def test_pairs_that_share_a_session_on_either_side_are_one_unit() -> None:
    reference = field_sample(
        [row(1, prompt="p", session="r1"), row(2, prompt="q", session="r1"), row(3, prompt="t")],
        field="prompt",
        block_texts=9,
    )
    current = field_sample(
        [row(4, prompt="p", session="c1"), row(5, prompt="q", session="c2"), row(6, prompt="t", session="c3")],
        field="prompt",
        block_texts=9,
    )
    assert pair_answers(reference, current).units == [0, 0, 1]


def test_sampling_takes_whole_sessions_and_always_the_same() -> None:
    rows = [row(i, session=f"s{i % 10}") for i in range(100)]
    once, again = sample_sessions(rows, max_texts=30), sample_sessions(list(reversed(rows)), max_texts=30)
    assert once == again
    assert len(once) == 30
    assert len({kept.session_id for kept in once}) == 3


def trailing(
    history: list[WindowContent],
    value: str,
    *,
    start_ms: int,
    drifted: AbstractSet[int] = frozenset(),
    horizon_ms: int = 100,
    n: int = 5,
) -> tuple[list[tuple[str, int]], str]:
    found = trailing_windows(
        history,
        Segment(service="s", by=history[0].segment.by, value=value),
        start_ms=start_ms,
        is_drifted=lambda window: window.start_ms in drifted and window.segment.value == value,
        n_windows=n,
        horizon_ms=horizon_ms,
        min_texts=20,
    )
    return [(window.segment.value, window.start_ms) for window in found.windows], found.detail


def test_drifted_windows_are_skipped_until_they_are_all_that_the_horizon_has() -> None:
    history = [content(start) for start in range(0, 50, 10)]
    assert trailing(history, "a", start_ms=50, drifted={30, 40}, n=2)[0] == [("a", 10), ("a", 20)]
    assert trailing(history, "a", start_ms=50, drifted={30, 40}, horizon_ms=20)[0] == [("a", 30), ("a", 40)]
    assert trailing(history, "a", start_ms=10)[0] == []


def test_a_new_model_is_compared_with_the_service_and_a_new_tenant_with_nobody() -> None:
    history = [content(0), content(10), content(20, value="b", n_rows=3)]
    chosen, detail = trailing(history, "b", start_ms=30)
    assert chosen == [("a", 0), ("a", 10), ("b", 20)]
    assert "any model" in detail
    side_by_side = [content(start, value=value, n_rows=5) for start in (0, 10) for value in ("a", "b")]
    chosen, detail = trailing(side_by_side, "b", start_ms=20)
    assert chosen == []  # it was there from the start, and is no change of the other
    assert "10 of 20" in detail
    tenants = [content(0, by="metadata.tenant"), content(10, by="metadata.tenant")]
    chosen, detail = trailing(tenants, "new", start_ms=20)
    assert chosen == []
    assert "0 of 20" in detail


def test_windows_by_count_follow_one_another_however_far_an_earlier_run_got() -> None:
    starts = [1, 2, 2, 2, 3, 5, 5, 8, 9]
    at_once = count_windows(starts, from_ms=0, n_texts=3)
    assert at_once == [(1, 3, 4), (3, 6, 3)]
    assert count_windows(starts, from_ms=3, n_texts=3) == at_once[1:]
    assert count_windows(starts[:3], from_ms=0, n_texts=4) == []


def test_documents_of_a_retrieval_stay_together_and_numbers_count_however_often_they_repeat() -> None:
    found = field_sample(
        [replace(row(i), documents=("a", "b", " ")) for i in range(4)], field="document", block_texts=2
    )
    assert found.texts == ["a", "b"] * 4
    assert found.groups == ["block:0"] * 4 + ["block:1"] * 4
    assert limit_sample(found, max_texts=4).n_blocks == 1
    assert call_sample([row(1, session="a"), row(2, session="a"), row(3)], block_texts=2).groups == [
        "session:a", "session:a", "block:0",
    ]  # fmt: skip


@pytest.mark.parametrize(("now_ms", "expected"), [(1_109, False), (1_110, True)])
def test_a_window_is_settled_after_its_end_and_its_wait(now_ms: int, expected: bool) -> None:
    assert is_settled(1_100, settle_ms=10, now_ms=now_ms) is expected


def test_benjamini_hochberg_by_hand() -> None:
    np.testing.assert_allclose(benjamini_hochberg([0.01, 0.04, 0.03, 0.5]), [0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]).shape == (0,)
