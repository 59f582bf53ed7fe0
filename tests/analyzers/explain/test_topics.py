import json

import numpy as np
import pytest

from driftline_analyzers.explain.clusters import cluster
from driftline_analyzers.explain.pool import Sample
from driftline_analyzers.explain.topics import topic_shift
from tests.analyzers.explain.worlds import WORDS, sample, usual

NEW = 8


def test_a_new_topic_is_named_with_its_share_and_examples() -> None:
    reference = sample(usual(400, seed=1), seed=2)
    current = sample([NEW] * 20 + usual(180, seed=3), seed=4)
    shift = topic_shift(reference, current)
    top = shift.grown[0]
    assert top.is_significant
    assert top.terms[0] == WORDS[NEW]
    assert top.share_before == 0
    assert top.share_after == pytest.approx(0.1)
    assert top.low < 0.1 < top.high
    assert all(WORDS[NEW] in text for text in top.examples)
    assert set(top.rows) == set(range(20))
    json.dumps(shift.as_dict())


def test_a_topic_that_vanished_is_told_with_texts_of_the_reference() -> None:
    reference = sample([NEW] * 40 + usual(360, seed=1), seed=2)
    shift = topic_shift(reference, sample(usual(200, seed=3), seed=4))
    top = shift.shrunk[0]
    assert top.is_significant
    assert top.terms[0] == WORDS[NEW]
    assert top.share_after == 0
    assert all(WORDS[NEW] in text for text in top.examples)


@pytest.mark.parametrize("session_size", [1, 5])
def test_windows_without_a_shift_are_rarely_called_one(session_size: int) -> None:
    n_found = 0
    for seed in range(60):
        reference = sample(usual(80, seed=10 * seed), seed=10 * seed + 1, session_size=session_size)
        current = sample(usual(40, seed=10 * seed + 2), seed=10 * seed + 3, session_size=session_size)
        n_found += topic_shift(reference, current, max_draws=1999).is_significant
    assert n_found <= 8  # P(X >= 9) = 0.2 % for X ~ Bin(60, 0.05)


def test_one_long_session_is_not_a_new_topic() -> None:
    reference = sample(usual(60, seed=1), seed=2, session_size=5)
    talkative = sample([NEW, *usual(29, seed=3)], seed=4, session_size=5)
    assert topic_shift(reference, Sample(texts=talkative.texts, vectors=talkative.vectors)).grown[0].is_significant
    assert not topic_shift(reference, talkative).is_significant


def test_without_a_significant_topic_the_first_one_is_told_as_such() -> None:
    shift = topic_shift(sample(usual(200, seed=1), seed=2), sample(usual(100, seed=3), seed=4))
    assert len(shift.grown) == 1
    assert not shift.grown[0].is_significant


def test_the_same_input_gives_the_same_topics() -> None:
    reference, current = sample(usual(200, seed=1), seed=2), sample(usual(100, seed=3), seed=4)
    first, second = topic_shift(reference, current), topic_shift(reference, current)
    assert first.as_dict() == second.as_dict()
    assert (first.labels == second.labels).all()


def test_equal_vectors_are_one_cluster() -> None:
    vectors = np.tile(np.eye(4, dtype=np.float32)[0], (300, 1))
    assert (cluster(vectors) == 0).all()
    same = Sample(texts=["same"] * 300, vectors=vectors)
    assert not topic_shift(same, same).is_significant


def test_empty_sides_blocks_and_texts_are_survived() -> None:
    empty = Sample(texts=[], vectors=np.zeros((0, 24), dtype=np.float32))
    some = sample(usual(30, seed=1), seed=2)
    assert topic_shift(some, empty).grown == ()
    assert topic_shift(empty, some).grown == ()
    blank = Sample(texts=["", "🙂", "\ud800", "  "], vectors=some.vectors[:4], groups=["a"] * 4)
    assert not topic_shift(some, blank).is_significant
    assert not topic_shift(blank, blank).is_significant
