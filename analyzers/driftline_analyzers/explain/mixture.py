"""How much of each topic comes from the window, when most of the differences between topics are chance."""

import numpy as np
from numpy.typing import NDArray

_GRID = np.linspace(0.005, 0.995, 24)
_EXPECTED_WEIGHT = 10.0
_ITERATIONS = 40
_CELLS_PER_BATCH = 500_000


def window_fractions(counts: NDArray[np.float64], totals: NDArray[np.float64], expected: float) -> NDArray[np.float64]:
    """Posterior mean of each topic's fraction from the window. counts: (b, k) of totals (k,), in independent texts; rows alone.

    Empirical Bayes: counts are binomial and a row's fractions are drawn from a distribution on a grid that holds `expected`, the
    fraction without a shift; it is fitted by EM (the nonparametric maximum likelihood estimate of Kiefer & Wolfowitz 1956, with the
    weight of ten topics on `expected`). Where nothing moved all fractions shrink to it; many topics that are new together are told
    from chance although none of them is alone.
    """
    grid = np.unique(np.append(_GRID, np.clip(expected, 1e-3, 1 - 1e-3)))
    at_expected = int(np.abs(grid - expected).argmin())
    step = max(1, _CELLS_PER_BATCH // (len(totals) * len(grid)))
    parts = [_fit(counts[i : i + step], totals, grid, at_expected) for i in range(0, len(counts), step)]
    return np.concatenate(parts)


def _fit(
    counts: NDArray[np.float64], totals: NDArray[np.float64], grid: NDArray[np.float64], at_expected: int
) -> NDArray[np.float64]:
    log_density = counts[..., None] * np.log(grid) + (totals - counts)[..., None] * np.log1p(-grid)  # (b, k, g)
    density = np.exp(log_density - log_density.max(-1, keepdims=True))
    weights = np.full((len(counts), 1, len(grid)), 1 / len(grid))
    for _ in range(_ITERATIONS):
        given = weights * density
        given /= given.sum(-1, keepdims=True)
        mass = given.sum(1, keepdims=True)
        mass[..., at_expected] += _EXPECTED_WEIGHT - 1
        weights = mass / mass.sum(-1, keepdims=True)
    given = weights * density
    given /= given.sum(-1, keepdims=True)
    fractions: NDArray[np.float64] = given @ grid
    return fractions
