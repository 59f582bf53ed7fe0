"""Every outlier detector keeps the same contract: one suite over the registry."""

from typing import Any

import numpy as np
import pytest
import torch

from driftline_analyzers.outliers.detector import OutlierDetector
from driftline_analyzers.outliers.registry import DEFAULT_OUTLIER_DETECTOR, OUTLIER_DETECTORS
from driftline_core.errors import ConfigError, InputError, TooFewSamples
from tests.analyzers.synthetic import Sample, Topics

_TOPICS = Topics(n_topics=8, n_dims=16)
_MODELS = {"mahalanobis", "relative_mahalanobis", "isolation_forest", "density_clusters"}
"""Calibrated by folds, approximately; the others by leaving each group out, exactly."""
every_detector = pytest.mark.parametrize("name", list(OUTLIER_DETECTORS))


def make(name: str, *, n_trees: int = 25, **options: Any) -> OutlierDetector:
    """A detector that takes small references; fewer trees than usual, for time's sake."""
    trees = {"n_trees": n_trees} if name == "isolation_forest" else {}
    return OUTLIER_DETECTORS[name](**({"min_samples": 60} | trees | options))


def reference(n_sessions: int = 40, seed: int = 0) -> Sample:
    return _TOPICS.sample(n_sessions, seed=seed)


def test_the_default_is_one_of_them_and_each_bears_its_name() -> None:
    assert DEFAULT_OUTLIER_DETECTOR in OUTLIER_DETECTORS
    assert all(name == kind.name for name, kind in OUTLIER_DETECTORS.items())


@every_detector
def test_a_small_reference_is_refused_with_the_count(name: str) -> None:
    few = reference(10)
    with pytest.raises(TooFewSamples, match="need at least 60 embeddings in the reference, got 40"):
        make(name).fit(few.vectors, groups=few.groups)


@every_detector
def test_an_empty_side_is_refused(name: str) -> None:
    sample = reference()
    with pytest.raises(TooFewSamples, match="embeddings in the reference, got 0"):
        make(name).fit(sample.vectors[:0])
    with pytest.raises(TooFewSamples, match="embeddings in current, got 0"):
        make(name).fit(sample.vectors, groups=sample.groups).score(sample.vectors[:0])


@every_detector
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(name: str, bad: float) -> None:
    sample = reference()
    spoiled = sample.vectors.copy()
    spoiled[3, 2] = bad
    with pytest.raises(InputError, match="got NaN or infinity in 1 of"):
        make(name).fit(spoiled, groups=sample.groups)
    with pytest.raises(InputError, match="got NaN or infinity in 1 of"):
        make(name).fit(sample.vectors, groups=sample.groups).score(spoiled)


@every_detector
def test_other_shapes_are_refused(name: str) -> None:
    sample = reference()
    with pytest.raises(InputError, match="expected one group for each of 160 rows, got 3"):
        make(name).fit(sample.vectors, groups=[1, 2, 3])
    with pytest.raises(InputError, match="expected 16 dimensions as in the reference, got 15"):
        make(name).fit(sample.vectors, groups=sample.groups).score(sample.vectors[:, 1:])


@every_detector
def test_a_false_share_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="expected fdr between 0 and 1, got fdr=1"):
        make(name, fdr=1).fit(reference().vectors)


@every_detector
def test_it_is_deterministic_and_leaves_input_and_global_generators_alone(name: str) -> None:
    sample, current = reference(), _TOPICS.sample(10, seed=1, new_share=0.2)
    copies = sample.vectors.copy(), current.vectors.copy()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state(legacy=False)
    first = make(name, seed=3).fit(sample.vectors, groups=sample.groups).score(current.vectors)
    second = make(name, seed=3).fit(sample.vectors, groups=sample.groups).score(current.vectors)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.p_values, second.p_values)
    np.testing.assert_array_equal(sample.vectors, copies[0])
    np.testing.assert_array_equal(current.vectors, copies[1])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state(legacy=False)) == str(numpy_state)


@every_detector
def test_float32_and_float64_agree(name: str) -> None:
    sample, current = reference(), _TOPICS.sample(10, seed=1)
    single = make(name).fit(sample.vectors, groups=sample.groups).score(current.vectors)
    double = (
        make(name, dtype=torch.float64)
        .fit(sample.vectors.astype(np.float64), groups=sample.groups)
        .score(current.vectors.astype(np.float64))
    )
    np.testing.assert_allclose(single.scores, double.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(single.p_values, double.p_values, atol=2.5 / 161)


@every_detector
def test_the_result_is_whole(name: str) -> None:
    sample, current = reference(), _TOPICS.sample(10, seed=1)
    result = make(name).fit(sample.vectors, groups=sample.groups).score(current.vectors)
    assert result.scores.shape == result.p_values.shape == result.is_flagged.shape == (40,)
    assert result.neighbours.shape == result.distances.shape == (40, 5)
    assert result.n_calibration == 160
    assert (result.p_values >= 1 / 161).all()
    assert (result.p_values <= 1).all()
    expected = np.linalg.norm(sample.vectors[result.neighbours] - current.vectors[:, None], axis=2)
    np.testing.assert_allclose(result.distances, expected, atol=1e-6)
    assert (np.diff(result.distances) >= 0).all()


@every_detector
def test_p_values_of_texts_from_new_sessions_are_super_uniform(name: str) -> None:
    """One text of one new session a trial, against a reference of its own: independent trials, so the bound is binomial.

    It holds for any score, so for a forest of eight trees too.
    """
    trials = 40 if name in _MODELS else 150
    p = np.empty(trials)
    for trial in range(trials):
        sample, current = reference(seed=2 * trial), _TOPICS.sample(1, seed=2 * trial + 1)
        p[trial] = make(name, n_trees=8).fit(sample.vectors, groups=sample.groups).score(current.vectors).p_values[0]
    for level in (0.05, 0.1, 0.25, 0.5):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / trials)
    if name not in _MODELS:
        assert (p <= 0.25).mean() >= 0.25 - 3 * np.sqrt(0.25 * 0.75 / trials)


@every_detector
def test_something_new_stands_out(name: str) -> None:
    sample, current = reference(100), _TOPICS.sample(20, seed=1, new_share=0.5)
    result = make(name).fit(sample.vectors, groups=sample.groups).score(current.vectors)
    is_new = np.arange(80) < 40
    beats = (result.scores[is_new][:, None] > result.scores[~is_new][None, :]).mean()
    assert beats >= (0.7 if name == "isolation_forest" else 0.95)


@every_detector
def test_ties_are_never_evidence(name: str) -> None:
    """A reference of copies, and a current of the same: everything reaches everything."""
    sample = reference()
    result = make(name).fit(sample.vectors).score(sample.vectors)
    repeated = make(name).fit(np.repeat(sample.vectors, 2, axis=0)).score(sample.vectors)
    assert result.p_values.mean() >= 0.5
    assert repeated.p_values.mean() >= 0.45


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every_detector
def test_a_gpu_gives_the_same(name: str) -> None:
    sample, current = reference(200), _TOPICS.sample(20, seed=1)
    on_cpu = make(name).fit(sample.vectors, groups=sample.groups).score(current.vectors)
    on_gpu = make(name, device="cuda").fit(sample.vectors, groups=sample.groups).score(current.vectors)
    np.testing.assert_allclose(on_cpu.scores, on_gpu.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(on_cpu.p_values, on_gpu.p_values, atol=2.5 / 801)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("knn", {"k": 0}, "expected k >= 1, got k=0"),
        ("lof", {"k": 0}, "expected k >= 1, got k=0"),
        ("local_knn", {"weight": 2.0}, "weight from 0 to 1"),
        ("knn_lof", {"lof_k": 0}, "lof_k >= 1"),
        ("mahalanobis", {"n_folds": 1}, "expected n_folds >= 2"),
        ("relative_mahalanobis", {"max_classes": 0}, "max_classes >= 1"),
        ("isolation_forest", {"n_trees": 0}, "n_trees >= 1"),
        ("density_clusters", {"min_cluster_size": 1}, "min_cluster_size >= 2"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        OUTLIER_DETECTORS[name](**options).fit(reference().vectors)
