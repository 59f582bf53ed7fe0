import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.style import STYLE_FEATURES, style_features
from driftline_analyzers.drift.style_words import N_WORDS, STYLE_STATISTICS, style_matrices, word_columns

_COMMON = [f"word{i}" for i in range(50)]


def answers(n: int, *, seed: int, favourite_share: float = 0.3) -> list[str]:
    """Made-up answers of equal style features; a share of them uses the word 'however'."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(n):
        words = list(rng.choice(_COMMON, size=25, replace=False))
        words[3] = "however" if rng.random() < favourite_share else "whereas"
        texts.append(" ".join(words))
    return texts


def p_value(before: NDArray[np.float32], after: NDArray[np.float32], *, n_columns: int) -> float:
    detector = DriftDetector(STYLE_STATISTICS[:n_columns], n_permutations=199, max_permutations=199)
    return detector.fit(before).score(after).p_value


def test_the_columns_are_the_features_and_then_the_words_of_both_sides() -> None:
    reference, current = ["A cat sat.", "A dog ran!", "Dogs bark."], ["A cat ran."]
    before, after = style_matrices(reference, current)
    assert before.shape == (3, len(STYLE_FEATURES) + N_WORDS)
    assert after.shape == (1, len(STYLE_FEATURES) + N_WORDS)
    np.testing.assert_array_equal(before[:, : len(STYLE_FEATURES)], style_features(reference))
    np.testing.assert_array_equal(after[:, : len(STYLE_FEATURES)], style_features(current))


def test_the_words_are_those_nearest_to_half_of_the_texts() -> None:
    columns = word_columns([{"a", "cat", "."}, {"a", "dog"}, {"dogs", "."}, {"a", "cat", "."}])
    # shares: a and . 3/4, cat 1/2, dog and dogs 1/4; ties in alphabetical order
    np.testing.assert_array_equal(
        columns[:, :5].T, [[1, 0, 0, 1], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]
    )
    assert not columns[:, 5:].any()


def test_the_words_do_not_depend_on_the_side_of_a_text() -> None:
    texts = answers(60, seed=0)
    forth, back = style_matrices(texts[:40], texts[40:]), style_matrices(texts[40:], texts[:40])
    np.testing.assert_array_equal(np.vstack(forth), np.vstack(back[::-1]))


@pytest.mark.parametrize("text", ["", "😀", "\ud800 \x00", "，。"])
def test_any_text_has_its_row(text: str) -> None:
    before, after = style_matrices([text, "Hello there."], [text])
    assert np.isfinite(before).all()
    np.testing.assert_array_equal(before[0], after[0])


def test_a_favourite_word_is_found_where_no_feature_moves() -> None:
    found_by_words = found_by_features = 0
    for trial in range(10):
        before, after = style_matrices(
            answers(400, seed=2 * trial), answers(50, seed=2 * trial + 1, favourite_share=0.9)
        )
        found_by_words += p_value(before, after, n_columns=3) <= 0.05
        found_by_features += p_value(before, after, n_columns=2) <= 0.05
    assert found_by_words >= 9
    assert found_by_features <= 3


def test_the_default_style_test_holds_its_rate() -> None:
    pool, alarms, trials = answers(1200, seed=5), 0, 50
    rng = np.random.default_rng(6)
    for trial in range(trials):
        drawn = [pool[i] for i in rng.choice(len(pool), size=225, replace=False)]
        before, after = style_matrices(drawn[:200], drawn[200:])
        detector = DriftDetector(STYLE_STATISTICS, n_permutations=99, max_permutations=99, seed=trial)
        alarms += detector.fit(before).score(after).p_value <= 0.05
    assert alarms / trials <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)
