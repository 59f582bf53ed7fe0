import numpy as np
import pytest

from driftline_analyzers.grounding.head import pooled, probability, shipped_head

SUSPECT = 1.5
"""Log odds."""


def test_one_sentence_is_as_suspect_as_its_answer() -> None:
    for log_odds in (-6.0, -3.0, 0.0, 2.0):
        assert pooled(np.asarray([log_odds]), floor=-3.0) == pytest.approx(log_odds)


def test_sentences_with_nothing_against_them_add_nothing() -> None:
    for others in (0, 1, 30, 500):
        log_odds = np.asarray([-3.0] * others + [SUSPECT, -3.0])
        assert pooled(log_odds, floor=-3.0) == pytest.approx(SUSPECT)
        assert pooled(np.full(others + 1, -3.0), floor=-3.0) == pytest.approx(-3.0)


def test_a_second_suspect_sentence_adds_what_it_has_beyond_the_floor() -> None:
    p, p0 = probability(SUSPECT), probability(-3.0)
    beyond = (p - p0) / (1 - p0)
    together = probability(pooled(np.asarray([SUSPECT, SUSPECT]), floor=-3.0))
    assert together == pytest.approx(1 - (1 - p) * (1 - beyond))


def test_without_a_floor_every_sentence_counts_whole() -> None:
    log_odds = np.asarray([-3.0, -1.0, SUSPECT])
    assert probability(pooled(log_odds, floor=-np.inf)) == pytest.approx(1 - np.prod(1 - probability(log_odds)))


def test_more_against_any_sentence_is_more_against_the_answer() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        log_odds = rng.normal(-2, 2, size=8)
        more = log_odds + rng.uniform(0, 2, size=8) * (rng.uniform(size=8) < 0.3)
        assert pooled(more, floor=-3.0) >= pooled(log_odds, floor=-3.0)


def test_the_shipped_head_calls_no_answer_suspect_for_its_length() -> None:
    head = shipped_head()
    assert head.answer(np.full(1000, head.intercept)) == head.answer([head.intercept]) < head.threshold / 2
