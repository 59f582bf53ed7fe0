"""Means of both sides of many splits, and the coordinates in which they are compared. All of it label-free."""

from dataclasses import dataclass

import torch
from torch import Tensor

_FLAT = 1e-6
"""Directions with less than this share of the largest standard deviation hold rounding noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSums:
    """sums: (s, d) of the texts of a block; sizes: (s,) texts in it, of the same dtype."""

    sums: Tensor
    sizes: Tensor

    def of_current(self, is_current: Tensor) -> tuple[Tensor, Tensor]:
        """(s, p) bool -> sums (p, d) and texts (p,) of each window."""
        indicator = is_current.T.to(self.sums.dtype)  # (p, s)
        return indicator @ self.sums, indicator @ self.sizes

    def means(self, is_current: Tensor) -> tuple[Tensor, Tensor]:
        """(s, p) bool -> means of current and of the reference, (p, d) each. A side without texts has mean 0."""
        current, n_current = self.of_current(is_current)
        reference, n_reference = self.sums.sum(0) - current, self.sizes.sum() - n_current
        return current / n_current.clamp_min(1)[:, None], reference / n_reference.clamp_min(1)[:, None]


def block_sums(rows: Tensor, blocks: Tensor, *, n_blocks: int | None = None) -> BlockSums:
    """rows: (n, d); blocks: (n,) int64."""
    n = int(blocks.max()) + 1 if n_blocks is None else n_blocks
    sums = rows.new_zeros(n, rows.shape[1]).index_add_(0, blocks, rows)
    return BlockSums(sums=sums, sizes=torch.bincount(blocks, minlength=n).to(rows.dtype))


def principal_axes(rows: Tensor, *, n_dims: int) -> tuple[Tensor, Tensor]:
    """rows: (n, d) -> scores (n, r) along the r <= n_dims directions of largest variance, and their variances (r,), largest first.

    Directions without variance are left out; r is at least 1.
    """
    centred = rows - rows.mean(0)
    covariance = (centred.T @ centred).double() / len(rows)
    values, vectors = torch.linalg.eigh(covariance)
    values, vectors = values.flip(0), vectors.flip(1)
    n_kept = int((values[:n_dims] > _FLAT**2 * values[0].clamp_min(torch.finfo(torch.float32).tiny)).sum())
    kept = max(1, n_kept)
    return centred @ vectors[:, :kept].to(rows.dtype), values[:kept].clamp_min(0).to(rows.dtype)


def whitened(rows: Tensor, *, n_samples: int) -> Tensor:
    """rows: (n, d) in coordinates whose covariance, shrunk towards a multiple of the identity, is the identity: (n, r).

    Ledoit & Wolf 2004, with n_samples independent rows.
    """
    scores, variances = principal_axes(rows, n_dims=rows.shape[1])
    n_dims = rows.shape[1]
    mean = variances.sum() / n_dims
    spread = (variances**2).sum() - n_dims * mean**2
    noise = (((scores**2).sum(1) ** 2).mean() - (variances**2).sum()) / n_samples
    shrinkage = (noise / spread.clamp_min(1e-12 * mean**2 + torch.finfo(rows.dtype).tiny)).clamp(0, 1)
    shrunk = (1 - shrinkage) * variances + shrinkage * mean
    return scores / shrunk.clamp_min(torch.finfo(rows.dtype).tiny).sqrt()
