"""A small exact drift test to explain with: energy distance, whole blocks redrawn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.covariates import Outcome
from driftline_analyzers.explain.pool import pool_groups

_N_DRAWS = 199


def energy_test(
    reference: NDArray[np.floating],
    current: NDArray[np.floating],
    reference_groups: Sequence[str] | None = None,
    current_groups: Sequence[str] | None = None,
) -> Outcome | None:
    """None under ten texts on a side. (m, d), (n, d)."""
    if min(len(reference), len(current)) < 10:
        return None
    pool = pool_groups(reference_groups, current_groups, n_reference=len(reference), n_current=len(current))
    points = np.concatenate([reference, current]).astype(np.float64)
    squares = (points**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0))
    s = len(pool.block_sizes)
    onehot = np.zeros((len(points), s))
    onehot[np.arange(len(points)), pool.blocks] = 1.0
    between = onehot.T @ distances @ onehot  # (s, s)
    np.fill_diagonal(between, 0.0)
    rng = np.random.default_rng(0)
    windows = [pool.block_is_current.astype(np.float64)]
    for _ in range(_N_DRAWS):
        window = np.zeros(s)
        for stratum in np.unique(pool.strata):
            members = np.flatnonzero(pool.strata == stratum)
            window[rng.permutation(members)[: int(pool.block_is_current[members].sum())]] = 1.0
        windows.append(window)
    w = np.stack(windows, axis=1)  # (s, draws)
    sizes = pool.block_sizes.astype(np.float64)[:, None]
    inside, total = between @ w, between.sum(1)
    within = (w * inside).sum(0)
    across = total @ w - within
    rest = between.sum() - 2 * across - within
    n = (sizes * w).sum(0)
    m = sizes.sum() - n
    pairs = n**2 - (sizes**2 * w).sum(0)
    rest_pairs = m**2 - (sizes**2 * (1 - w)).sum(0)
    energy = 2 * across / (n * m) - within / np.maximum(pairs, 1) - rest / np.maximum(rest_pairs, 1)
    null = energy[1:]
    spread = float(null.std())
    return Outcome(
        p_value=float((1 + (null >= energy[0] - 1e-12).sum()) / (1 + _N_DRAWS)),
        effect_size=float((energy[0] - null.mean()) / spread) if spread > 0 else 0.0,
    )
