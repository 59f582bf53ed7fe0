import numpy as np
import pytest

from driftline_analyzers.explain.clusters import cluster
from driftline_analyzers.explain.effect import Effect, number_effect, topic_effect
from driftline_analyzers.explain.pool import pool_groups, pool_samples
from tests.analyzers.explain.worlds import sample, usual

NEW = 8


def _effect(new: int, n: int, *, seed: int, session_size: int = 1, small_share: float = 0.03) -> Effect:
    reference = sample(usual(2 * n, seed=seed), seed=seed + 1, session_size=session_size)
    current = sample([NEW] * new + usual(n - new, seed=seed + 2), seed=seed + 3, session_size=session_size)
    labels = cluster(np.concatenate([reference.vectors, current.vectors]))
    return topic_effect(labels, pool_samples(reference, current), small_share=small_share)


@pytest.mark.parametrize(("new", "session_size"), [(0, 1), (25, 1), (100, 1), (0, 5), (50, 5)])
def test_the_interval_holds_the_share_that_was_planted(new: int, session_size: int) -> None:
    effects = [_effect(new, 500 // session_size, seed=seed, session_size=session_size) for seed in range(0, 80, 10)]
    truth = new / (500 // session_size)
    n_held = sum(effect.low <= truth <= effect.high for effect in effects)
    assert n_held >= 6
    assert float(np.mean([effect.moved_share for effect in effects])) == pytest.approx(truth, abs=0.03)


def test_a_real_shift_of_a_large_window_can_be_small() -> None:
    effect = _effect(60, 3000, seed=5, small_share=0.06)
    assert effect.is_small
    assert effect.low <= 0.02 <= effect.high
    assert effect.sentence(is_drift=True).startswith("statistically real and practically small: about 2 %")


def test_a_large_shift_is_not_small_and_an_uncertain_one_neither() -> None:
    assert not _effect(100, 500, seed=5).is_small
    uncertain = _effect(0, 100, seed=5)
    assert not uncertain.is_small
    assert "uncertain" in uncertain.sentence(is_drift=True)
    assert uncertain.sentence(is_drift=False).startswith("no shift beyond chance")


def test_a_number_that_moved_has_its_distance_and_one_that_did_not_has_none() -> None:
    rng = np.random.default_rng(0)
    pool = pool_groups(None, None, n_reference=2000, n_current=1000)
    before = rng.normal(size=2000)
    after = np.concatenate([rng.normal(size=800), rng.normal(size=200) + 10])
    moved = number_effect(np.concatenate([before, after]), pool)
    assert moved.low < 0.2 < moved.high
    assert moved.moved_share == pytest.approx(0.2, abs=0.03)
    still = number_effect(rng.normal(size=3000), pool)
    assert still.low == 0
    assert still.moved_share < 0.04


def test_sessions_widen_the_interval_of_a_number() -> None:
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=120), 10)
    groups = np.repeat(np.arange(120), 10)
    pool = pool_groups(groups[:800], groups[800:], n_reference=800, n_current=400)
    alone = pool_groups(None, None, n_reference=800, n_current=400)
    by_session, by_text = number_effect(values, pool), number_effect(values, alone)
    assert by_session.high - by_session.low > by_text.high - by_text.low
    assert by_session.moved_share < by_text.moved_share


def test_degenerate_input_is_survived() -> None:
    assert number_effect(np.zeros(3), pool_groups(None, None, n_reference=3, n_current=0)).high == 1
    equal = pool_groups(["a"] * 5, ["a"] * 5, n_reference=5, n_current=5)
    assert number_effect(np.ones(10), equal).moved_share == 0
    assert topic_effect(np.zeros(10, dtype=np.int64), equal).moved_share == 0
    assert topic_effect(np.zeros(3, dtype=np.int64), pool_groups(None, None, n_reference=0, n_current=3)).high == 1
