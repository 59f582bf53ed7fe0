"""Which clusters belong together: fine topics and the coarser ones that they make up."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering

_MAX_POOL_SHARE = 0.5
_ONE_CLUSTER = 1


def topic_nodes(vectors: NDArray[np.floating], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every topic of the tree over cluster centres by average linkage: (n, d), (n,) -> (t, k), True where node t holds cluster k.

    Clusters come first and in order, so that node i < k is cluster i. A node of more than half of all texts is no topic and is left
    out unless it is a cluster.
    """
    counts = np.bincount(labels)
    k = len(counts)
    leaves = np.eye(k, dtype=bool)
    if k <= _ONE_CLUSTER:
        return leaves
    sums = np.zeros((k, vectors.shape[1]))
    np.add.at(sums, labels, vectors)
    centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    nodes = list(leaves)
    tree = AgglomerativeClustering(n_clusters=None, distance_threshold=0.0, linkage="average").fit(centres)
    for left, right in tree.children_:
        nodes.append(nodes[left] | nodes[right])
    merged = [node for node in nodes[k:] if counts[node].sum() <= _MAX_POOL_SHARE * len(labels)]
    return np.stack([*leaves, *merged])
