"""Like with like: calls whose prompts ask for the same thing once the words for groups are masked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.clusters import cluster


def prompt_strata(
    vectors: NDArray[np.float32], matched_by: Sequence[str], *, is_template: Sequence[bool] = (), seed: int = 0
) -> NDArray[np.int64]:
    """Stratum of each call: (n,) from vectors: (n, d) of the masked prompts, clustered together, and the values that must be equal.

    is_template: (n,) where matched_by says what is asked already (a declared template), so that no cluster divides it further.
    """
    clusters = cluster(vectors, seed=seed) if len(vectors) else np.zeros(0, dtype=np.int64)
    if len(is_template):
        clusters = np.where(np.asarray(is_template, dtype=bool), -1, clusters)
    numbers = np.unique(np.asarray(matched_by, dtype=np.str_), return_inverse=True)[1].reshape(-1)
    keys = np.stack([numbers, clusters], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
