import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.style import STYLE_FEATURES, style_features
from driftline_analyzers.drift.style_shift import style_shifts
from driftline_core.errors import InputError

_DETECTOR = DriftDetector(n_permutations=199)
_WORDS = ("tea", "water", "leaves", "cup", "kettle", "garden", "morning", "bread", "honey", "window", "letter", "road")


def answers(n: int, *, seed: int, bold_share: float = 0.0) -> NDArray[np.float32]:
    """Style features of made-up answers, a share of which sets a word in bold."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(n):
        words = list(rng.choice(_WORDS, size=rng.integers(20, 200)))
        if rng.random() < bold_share:
            words[5] = f"**{words[5]}**"
        texts.append(" ".join(words) + ("." if rng.random() < 0.8 else ""))
    return style_features(texts)


def test_the_feature_that_moved_comes_first_and_says_from_what_to_what() -> None:
    shifts = style_shifts(_DETECTOR, answers(400, seed=0), answers(50, seed=1, bold_share=0.5))
    assert [shift.feature for shift in shifts[:1]] == ["bold_rate"]
    assert shifts[0].p_value == 1 / 200
    assert shifts[0].before == 0
    assert 0.3 < shifts[0].distance < 0.7
    assert shifts[0].sentence == f"bold spans in 100 words: 0 before, {shifts[0].after:.3g} now"
    assert sorted(shift.feature for shift in shifts) == sorted(STYLE_FEATURES)


def test_lengths_are_said_in_words_and_shares_in_per_cent() -> None:
    shifts = {shift.feature: shift for shift in style_shifts(_DETECTOR, answers(400, seed=2), answers(50, seed=3))}
    assert 90 < shifts["log_words"].before < 130
    assert shifts["ends_with_punctuation"].sentence.startswith("share of answers that end with punctuation: ")
    assert shifts["ends_with_punctuation"].sentence.endswith("% now")


def test_the_correction_holds_for_all_features_together() -> None:
    rows, alarms = answers(1000, seed=4), 0
    for trial in range(60):
        drawn = rows[np.random.default_rng(trial).choice(len(rows), size=180, replace=False)]
        detector = DriftDetector(n_permutations=99, seed=trial)
        alarms += style_shifts(detector, drawn[:160], drawn[160:])[0].p_value <= 0.05
    assert alarms / 60 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_other_columns_are_refused() -> None:
    with pytest.raises(InputError, match="expected 13 style features, got 12"):
        style_shifts(_DETECTOR, answers(400, seed=0)[:, :12], answers(50, seed=1)[:, :12])
