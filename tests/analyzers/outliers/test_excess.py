import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.outliers.duplicates import is_repeat
from driftline_analyzers.outliers.excess import outlier_excess
from driftline_analyzers.outliers.knn import KnnOutliers
from driftline_core.errors import ConfigError, InputError, TooFewSamples
from tests.analyzers.synthetic import Topics

_TOPICS = Topics(n_topics=8, n_dims=16)


def uniform(n: int, seed: int) -> NDArray[np.float64]:
    return 1 - np.random.default_rng(seed).random(n)


def bursts(n_sessions: int, *, size: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Every text of a session has the p-value of the session: the hardest null."""
    return np.repeat(uniform(n_sessions, seed), size), np.repeat(np.arange(n_sessions), size)


@pytest.mark.parametrize("size", [1, 5, 20])
def test_false_alarms_are_within_their_binomial_bound_however_bursty(size: int) -> None:
    trials, rejected = 300, 0
    for trial in range(trials):
        reference, reference_groups = bursts(400, size=size, seed=2 * trial)
        current, groups = bursts(40, size=size, seed=2 * trial + 1)
        excess = outlier_excess(
            current, reference, groups=groups, reference_groups=reference_groups, n_draws=199, seed=trial
        )
        rejected += excess.p_value <= 0.05
    assert rejected / trials <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)


def test_false_alarms_on_scores_of_a_detector_with_sessions() -> None:
    trials, rejected = 150, 0
    for trial in range(trials):
        sample, current = _TOPICS.sample(80, seed=2 * trial), _TOPICS.sample(20, seed=2 * trial + 1)
        fitted = KnnOutliers().fit(sample.vectors, groups=sample.groups)
        excess = outlier_excess(
            fitted.score(current.vectors).p_values,
            fitted.reference_p_values,
            groups=current.groups,
            reference_groups=fitted.reference_groups,
            n_draws=199,
        )
        rejected += excess.p_value <= 0.05
    assert rejected / trials <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)


def test_an_excess_in_many_sessions_is_found_and_told() -> None:
    p = uniform(200, 1)
    p[:20] = 0.001
    excess = outlier_excess(p, uniform(2000, 0))
    assert excess.p_value == 1 / 10_000
    assert excess.effect_size > 5
    assert excess.shares[0.05] >= 0.1
    assert 0.04 < excess.expected[0.05] < 0.07
    assert (excess.n_texts, excess.n_blocks) == (200, 200)


def test_one_session_of_twenty_attacks_is_one_piece_of_evidence() -> None:
    reference, reference_groups = bursts(200, size=10, seed=0)
    current, groups = bursts(20, size=10, seed=1)
    current = np.concatenate([np.maximum(current, 0.06), np.full(20, 0.001)])
    together = outlier_excess(
        current, reference, groups=[*groups, *[99] * 20], reference_groups=reference_groups, n_draws=999
    )
    apart = outlier_excess(
        current, reference, groups=[*groups, *range(100, 120)], reference_groups=reference_groups, n_draws=999
    )
    assert together.p_value > 0.05
    assert apart.p_value < 0.01


def test_a_text_pasted_again_in_its_session_counts_once() -> None:
    vectors = np.repeat(_TOPICS.sample(10, seed=0).vectors, 3, axis=0)
    groups = np.repeat(_TOPICS.sample(10, seed=0).groups, 3)
    excess = outlier_excess(
        np.full(120, 0.5), uniform(800, 0), groups=groups, is_repeat=is_repeat(vectors, groups), n_draws=99
    )
    assert (excess.n_texts, excess.n_blocks) == (40, 10)


def test_of_a_window_that_is_large_for_its_reference_whole_sessions_are_tested() -> None:
    reference, reference_groups = bursts(200, size=10, seed=0)
    current, groups = bursts(100, size=10, seed=1)
    excess = outlier_excess(current, reference, groups=groups, reference_groups=reference_groups, n_draws=99)
    assert (excess.n_texts, excess.n_blocks, excess.n_tested) == (1000, 100, 250)
    everything = outlier_excess(
        current, reference, groups=groups, reference_groups=reference_groups, reference_ratio=2, n_draws=99
    )
    assert everything.n_tested == 1000
    assert everything.shares == excess.shares


def test_it_is_deterministic_under_a_seed() -> None:
    first = outlier_excess(uniform(100, 1), uniform(1000, 0), seed=4)
    assert first == outlier_excess(uniform(100, 1), uniform(1000, 0), seed=4)
    assert 0 < first.p_value <= 1


def test_what_cannot_be_tested_is_refused() -> None:
    p = uniform(50, 0)
    with pytest.raises(TooFewSamples, match="need at least 1 p-values in current, got 0"):
        outlier_excess([], p)
    with pytest.raises(InputError, match="expected p-values above 0 and at most 1 in current"):
        outlier_excess([0.0, 0.5], p)
    with pytest.raises(InputError, match="expected one is_repeat for each of 50 rows, got 1"):
        outlier_excess(p, p, is_repeat=[True])
    with pytest.raises(ConfigError, match="n_draws=0"):
        outlier_excess(p, p, n_draws=0)
