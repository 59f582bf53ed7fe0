"""Shares of topics: k-means clusters and a chi-square. The population stability index is here too, as a number to show."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.drift.mmd import squared_distances
from driftline_analyzers.drift.statistics.moments import BlockSums, block_sums

_TEXTS_PER_CLUSTER = 40
_N_ITERATIONS = 10
_ROWS_PER_CHUNK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMix:
    """Pearson's chi-square of the window's counts over at most n_clusters k-means clusters of all texts; 40 texts or more a cluster."""

    name: ClassVar[str] = "cluster_mix"
    n_clusters: int = 50
    seed: int = 0

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedClusterMix":
        """See `Statistic.prepare`."""
        n_clusters = max(2, min(self.n_clusters, len(pooled) // _TEXTS_PER_CLUSTER))
        labels = k_means(pooled.float(), n_clusters=n_clusters, seed=self.seed)
        counts = torch.nn.functional.one_hot(labels, n_clusters).double()
        return PreparedClusterMix(counts=block_sums(counts, blocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedClusterMix:
    """Waits for splits. counts: of each cluster by block."""

    counts: BlockSums

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool -> (p,) float64.

        chi² = sum_k (o_k - n share_k)² / share_k N / (n (N - n)), o_k the counts in a window of n of the N texts.
        """
        observed, n_current = self.counts.of_current(is_current)  # (p, k), (p,)
        n_texts = self.counts.sizes.sum()
        shares = self.counts.sums.sum(0) / n_texts
        deviation = (observed - n_current[:, None] * shares) ** 2 / shares.clamp_min(0.5 / n_texts)
        return deviation.sum(1) * n_texts / (n_current * (n_texts - n_current))


def k_means(rows: Tensor, *, n_clusters: int, seed: int) -> Tensor:
    """Cluster of each row after ten of Lloyd's iterations from random rows: (n, d) -> (n,) int64."""
    centre_rows = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:n_clusters]
    centres = rows[centre_rows.to(rows.device)]
    labels = _nearest(rows, centres)
    for _ in range(_N_ITERATIONS):
        sums = block_sums(rows, labels, n_blocks=n_clusters)
        is_used = sums.sizes > 0
        centres = torch.where(is_used[:, None], sums.sums / sums.sizes.clamp_min(1)[:, None], centres)
        labels = _nearest(rows, centres)
    return labels


def population_stability_index(reference_counts: NDArray[np.integer], current_counts: NDArray[np.integer]) -> float:
    """sum_k (q_k - p_k) ln(q_k / p_k) of two counts by cluster: (k,), (k,); half a text is added to each. To show, never to test with:
    its null depends on the sample sizes and on k.
    """
    p = (reference_counts + 0.5) / (reference_counts + 0.5).sum()
    q = (current_counts + 0.5) / (current_counts + 0.5).sum()
    return float(((q - p) * np.log(q / p)).sum())


def _nearest(rows: Tensor, centres: Tensor) -> Tensor:
    return torch.cat([squared_distances(chunk, centres).argmin(1) for chunk in torch.split(rows, _ROWS_PER_CHUNK)])
