import numpy as np

from driftline_analyzers.explain.examples import spread_out, typical_examples
from driftline_analyzers.explain.pool import Sample
from tests.analyzers.explain.worlds import WORDS, sample, usual

NEW = 8


def test_new_examples_are_of_the_new_topic() -> None:
    reference = sample(usual(400, seed=1), seed=2)
    current = sample([NEW] * 12 + usual(188, seed=3), seed=4)
    found = typical_examples(reference, current, limit=10)
    assert all(WORDS[NEW] in example.text for example in found.crowding)
    assert all(WORDS[NEW] in example.text for example in found.new(8))
    assert all(example.window_share > 0.5 for example in found.crowding)


def test_a_single_strange_text_is_among_the_new_ones() -> None:
    reference = sample(usual(400, seed=1), seed=2)
    current = sample([NEW, *usual(199, seed=3)], seed=4)
    found = typical_examples(reference, current, limit=10)
    assert found.unlike_reference[0].row == 0
    assert 0 in {example.row for example in found.new(10)}
    assert len({example.row for example in found.new(10)}) == 10


def test_vanished_examples_are_of_the_topic_that_is_gone() -> None:
    reference = sample([NEW] * 40 + usual(360, seed=1), seed=2)
    found = typical_examples(reference, sample(usual(200, seed=3), seed=4), limit=10)
    assert all(WORDS[NEW] in example.text for example in found.thinned)


def test_a_session_does_not_vouch_for_itself() -> None:
    reference = sample(usual(80, seed=1), seed=2, session_size=5)
    current = sample([NEW, *usual(39, seed=3)], seed=4, session_size=5)
    of_session = [one for one in typical_examples(reference, current, limit=200).crowding if WORDS[NEW] in one.text]
    assert all(example.window_share < 0.9 for example in of_session)


def test_near_copies_are_shown_once() -> None:
    vectors = np.array([[1, 0], [0.999, 0.0447], [0, 1]], dtype=np.float32)
    assert spread_out(vectors, np.array([3.0, 2.0, 1.0]), limit=3) == [0, 2]


def test_tiny_and_equal_input_is_survived() -> None:
    one = Sample(texts=["x"], vectors=np.array([[1.0, 0.0]], dtype=np.float32))
    none = Sample(texts=[], vectors=np.zeros((0, 2), dtype=np.float32))
    assert len(typical_examples(one, one).crowding) == 1
    assert typical_examples(one, none).crowding == ()
    same = Sample(texts=["x"] * 50, vectors=np.tile(one.vectors, (50, 1)), groups=["one"] * 50)
    assert len(typical_examples(same, same).new(5)) == 1
