"""Groups of near texts in reference and window together, blind to which is which."""

import numpy as np
from numpy.typing import NDArray

_TEXTS_PER_CLUSTER = 25
_MAX_CLUSTERS = 100
_SAME_CLUSTER_COSINE = 0.9
_MAX_ITERATIONS = 25
_CANDIDATES = 4


def cluster(vectors: NDArray[np.floating], *, seed: int = 0, max_clusters: int = _MAX_CLUSTERS) -> NDArray[np.int64]:
    """Cluster number of each text: (n, d) unit length -> (n,), 0 the largest. The same for the same vectors and seed.

    k-means with one cluster for about 25 texts, at most max_clusters; centres with a cosine above 0.9 become one cluster.
    """
    points = np.ascontiguousarray(vectors, dtype=np.float32)
    n_distinct = len({row.tobytes() for row in np.round(points, 4)})
    k = min(max_clusters, len(points) // _TEXTS_PER_CLUSTER, n_distinct)
    if k < 2:
        return np.zeros(len(points), dtype=np.int64)
    labels, centres = _lloyd(points, _seeds(points, k, rng=np.random.default_rng(seed)))
    merged = _merged(centres)[labels]
    _, numbers, counts = np.unique(merged, return_inverse=True, return_counts=True)
    by_size = np.argsort(np.argsort(-counts, kind="stable"))
    return by_size[numbers].astype(np.int64)


def _seeds(points: NDArray[np.float32], k: int, *, rng: np.random.Generator) -> NDArray[np.float32]:
    """k points to start from, each the best of a few drawn by squared distance to those before: (n, d) -> (k, d).

    Arthur & Vassilvitskii 2007, section 2 (greedy). scikit-learn's does the same in float64 and takes ten times as long.
    """
    norms = (points**2).sum(1)
    chosen = [int(rng.integers(len(points)))]
    nearest = np.maximum(norms + norms[chosen[0]] - 2 * points @ points[chosen[0]], 0)  # (n,)
    while len(chosen) < k:
        cumulated = nearest.astype(np.float64).cumsum()
        drawn = np.searchsorted(cumulated, rng.random(_CANDIDATES) * cumulated[-1])
        drawn = np.minimum(drawn, len(points) - 1)
        squared = np.maximum(norms[:, None] + norms[drawn] - 2 * points @ points[drawn].T, 0)  # (n, c)
        after = np.minimum(squared, nearest[:, None])
        best = int(after.sum(0).argmin())
        chosen.append(int(drawn[best]))
        nearest = after[:, best]
    return points[chosen]


def _lloyd(points: NDArray[np.float32], centres: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Assign and average until nothing moves: (n, d), (k, d) -> (n,), (k, d). An empty cluster keeps its centre.

    Not scikit-learn's, whose threads add up in any order, so that two runs may differ.
    """
    labels = np.full(len(points), -1)
    for _ in range(_MAX_ITERATIONS):
        nearest = (points @ centres.T - 0.5 * (centres**2).sum(1)).argmax(1)
        if (nearest == labels).all():
            break
        labels = nearest
        is_in = (labels[None, :] == np.arange(len(centres))[:, None]).astype(np.float32)  # (k, n)
        counts = is_in.sum(1, keepdims=True)
        centres = np.where(counts > 0, (is_in @ points) / np.maximum(counts, 1), centres)
    return labels, centres


def _merged(centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """Centres that are near the same get one number: (k, d) -> (k,)."""
    unit = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    is_near = unit @ unit.T > _SAME_CLUSTER_COSINE
    numbers = np.arange(len(centres))
    for i in range(len(centres)):
        for j in np.flatnonzero(is_near[i, :i]):
            numbers[numbers == numbers[i]] = numbers[j]
    return numbers
