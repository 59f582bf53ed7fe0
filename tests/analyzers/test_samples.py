"""Which texts count, which may be exchanged, which answer the same prompt; and which windows are the reference."""

import numpy as np
import pytest

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.runner.records import TextRow, WindowContent
from driftline_analyzers.runner.samples import field_sample, pair_answers, sample_sessions
from driftline_analyzers.runner.windows import is_settled, trailing_windows


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


def content(start_ms: int, *, model: str = "a", n_rows: int = 10) -> WindowContent:
    return WindowContent(
        start_ms=start_ms, service="s", model=model, n_rows=n_rows, last_stored_ms=0, prompt_version=""
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


def test_drifted_windows_are_skipped_until_nothing_else_is_left() -> None:
    history = [content(start) for start in range(0, 50, 10)]
    drifted = {(30, "a"): True, (40, "a"): True}

    def chosen(start_ms: int, horizon_ms: int) -> list[int]:
        trailing = trailing_windows(
            history, start_ms=start_ms, model="a", drifted=drifted, n_windows=2, horizon_ms=horizon_ms, min_texts=20
        )
        return [start for start, _ in trailing.windows]

    assert chosen(50, 100) == [10, 20]
    assert chosen(50, 20) == [30, 40]
    assert chosen(10, 100) == []


def test_a_model_without_history_is_compared_with_the_service() -> None:
    history = [content(0), content(10), content(10, model="b", n_rows=3)]
    trailing = trailing_windows(history, start_ms=20, model="b", drifted={}, n_windows=5, horizon_ms=100, min_texts=20)
    assert trailing.windows == [(0, "a"), (10, "a"), (10, "b")]
    assert "any model" in trailing.detail


@pytest.mark.parametrize(("now_ms", "expected"), [(1_109, False), (1_110, True)])
def test_a_window_is_settled_after_its_end_and_its_wait(now_ms: int, expected: bool) -> None:
    assert is_settled(1_000, window_ms=100, settle_ms=10, now_ms=now_ms) is expected


def test_benjamini_hochberg_by_hand() -> None:
    np.testing.assert_allclose(benjamini_hochberg([0.01, 0.04, 0.03, 0.5]), [0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]).shape == (0,)
