"""Intervals for shares of texts that are not independent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of labels on one side and their 95 % intervals, each (k,). n_effective: (k,) independent texts worth as much."""

    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_effective: NDArray[np.float64]


def block_shares(profile: NDArray[np.int64], block_sizes: NDArray[np.int64]) -> Shares:
    """Shares of labels with Wilson intervals on the effective number of texts. profile: (s, k) counts by block; block_sizes: (s,).

    Var(share) is that of a ratio over blocks, s/(s-1) sum_b (x_b - share n_b)^2 / n^2; n_effective = share (1 - share) / Var,
    between n^2 / sum n_b^2 (each block says one thing) and n. A label that is nowhere gets the lower end.
    """
    n = int(block_sizes.sum())
    n_labels = profile.shape[1]
    if n == 0:
        nothing = np.zeros(n_labels)
        return Shares(share=nothing, low=nothing, high=np.ones(n_labels), n_effective=nothing)
    share = profile.sum(0) / n
    n_least = n**2 / float((block_sizes.astype(np.float64) ** 2).sum())
    s = len(block_sizes)
    deviations = profile - share[None, :] * block_sizes[:, None]  # (s, k)
    variance = (deviations**2).sum(0) * (s / max(1, s - 1)) / n**2
    binomial = share * (1 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_effective = np.where((variance > 0) & (binomial > 0), binomial / variance, n_least)
    n_effective = np.clip(n_effective, n_least, n)
    low, high = wilson(share, n_effective)
    return Shares(share=share, low=low, high=high, n_effective=n_effective)


def wilson(
    share: NDArray[np.float64], n: NDArray[np.float64], *, z: float = Z_95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score interval of a share of n texts, elementwise; never below 0 nor above 1. Wilson 1927."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)


def difference(before: Shares, after: Shares) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of after - before, by squaring and adding the two intervals. Newcombe 1998, method 10."""
    delta = after.share - before.share
    low = delta - np.sqrt((after.share - after.low) ** 2 + (before.high - before.share) ** 2)
    high = delta + np.sqrt((after.high - after.share) ** 2 + (before.share - before.low) ** 2)
    return low, high
