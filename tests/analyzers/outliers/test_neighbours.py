from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from driftline_analyzers.outliers import neighbours
from driftline_analyzers.outliers.detector import OutlierDetector
from driftline_analyzers.outliers.knn import KnnOutliers
from driftline_analyzers.outliers.local_knn import LocalKnnOutliers
from driftline_analyzers.outliers.lof import LofOutliers
from driftline_analyzers.outliers.neighbours import nearest
from driftline_core.errors import TooFewSamples
from tests.analyzers.synthetic import Topics

_TOPICS = Topics(n_topics=8, n_dims=16)


def test_neighbours_are_those_of_scikit_learn_in_any_size_of_block(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, queries = _TOPICS.sample(50, seed=0).vectors, _TOPICS.sample(20, seed=1).vectors
    distances, rows = NearestNeighbors(n_neighbors=7).fit(reference).kneighbors(queries)
    for cells in (2**24, 1000):
        monkeypatch.setattr(neighbours, "_CELLS_PER_BLOCK", cells)
        found = nearest(torch.from_numpy(queries), torch.from_numpy(reference), k=7)
        np.testing.assert_array_equal(found.rows.numpy(), rows)
        np.testing.assert_allclose(found.distances.numpy(), distances, atol=1e-6)


def test_a_copy_is_at_distance_zero() -> None:
    reference = _TOPICS.sample(50, seed=0).vectors
    found = nearest(torch.from_numpy(reference[:9]), torch.from_numpy(reference), k=2)
    assert found.distances[:, 0].tolist() == [0.0] * 9
    assert found.rows[:, 0].tolist() == list(range(9))


def test_lof_is_that_of_scikit_learn() -> None:
    reference, queries = _TOPICS.sample(60, seed=0).vectors, _TOPICS.sample(20, seed=1, new_share=0.3).vectors
    theirs = -LocalOutlierFactor(n_neighbors=20, novelty=True).fit(reference).score_samples(queries)
    ours = LofOutliers(min_samples=60).fit(reference).score(queries).scores
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        partial(KnnOutliers, min_samples=20, dtype=torch.float64),
        partial(LocalKnnOutliers, min_samples=20, dtype=torch.float64),
        partial(LofOutliers, min_samples=20, dtype=torch.float64),
        partial(LofOutliers, k=3, min_samples=20, dtype=torch.float64),
    ],
)
def test_a_reference_text_is_scored_as_if_its_session_had_never_been(make: Callable[[], OutlierDetector]) -> None:
    """The shortcut over neighbour lists gives what a fit without the session gives, for small and large sessions."""
    sample = _TOPICS.sample(30, seed=0)
    groups = np.array([0] * 24 + list(np.repeat(np.arange(1, 25), 4)))
    fitted = make().fit(sample.vectors, groups=groups)
    p_values = fitted.reference_p_values
    scores = np.empty(len(groups))
    for group in np.unique(groups):
        rest = make().fit(sample.vectors[groups != group], groups=groups[groups != group])
        scores[groups == group] = rest.score(sample.vectors[groups == group]).scores
    expected = [(scores >= one - 1e-6 * max(1, scores.max())).mean() for one in scores]
    np.testing.assert_allclose(p_values, expected, atol=1e-9)


def test_sessions_that_are_nearly_all_of_the_reference_are_refused() -> None:
    sample = _TOPICS.sample(10, seed=0)
    groups = [0] * 20 + [1] * 18 + [2, 3]
    with pytest.raises(TooFewSamples, match="need at least 5 reference texts outside the two largest groups, got 2"):
        KnnOutliers().fit(sample.vectors, groups=groups)


def test_a_contamination_of_four_percent_hardly_hurts() -> None:
    """The reference holds some of what shall be found; it still ranks far above the ordinary."""
    clean, dirty = _TOPICS.sample(250, seed=0), _TOPICS.sample(250, seed=0)
    strays = np.random.default_rng(5).normal(size=(60, 16)).astype(np.float32)
    strays /= np.linalg.norm(strays, axis=1, keepdims=True)
    vectors = dirty.vectors.copy()
    vectors[:: len(vectors) // 40][:40] = strays[:40]
    current = np.concatenate([_TOPICS.sample(50, seed=1).vectors, strays[40:]])
    is_new = np.arange(len(current)) >= 200

    def auroc(reference: np.ndarray) -> float:
        scores = LocalKnnOutliers().fit(reference, groups=clean.groups).score(current).scores
        return float((scores[is_new][:, None] > scores[~is_new][None, :]).mean())

    assert auroc(clean.vectors) >= 0.97
    assert auroc(vectors) >= auroc(clean.vectors) - 0.02
