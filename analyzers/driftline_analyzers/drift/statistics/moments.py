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


def fold_of_blocks(n_blocks: int, *, n_folds: int, seed: int) -> Tensor:
    """A fold 0..n_folds - 1 for each block, at random, so that folds do not follow row order: (s,) int64 on the CPU."""
    order = torch.randperm(n_blocks, generator=torch.Generator().manual_seed(seed))
    folds = torch.empty(n_blocks, dtype=torch.int64)
    folds[order] = torch.arange(n_blocks) % n_folds
    return folds


def principal_axes(rows: Tensor, *, n_dims: int) -> tuple[Tensor, Tensor]:
    """rows: (n, d) -> scores (n, r) along the r <= n_dims directions of largest variance, and their variances (r,), largest first.

    Directions without variance are left out; r is at least 1.
    """
    return _axes(rows - rows.mean(0), n_dims=n_dims)


def whitened(rows: Tensor, *, n_samples: int) -> Tensor:
    """rows: (n, d), spread around 0, in coordinates in which their second moment, shrunk towards a multiple of the identity, is the
    identity: (n, r). Ledoit & Wolf 2004, with n_samples independent rows.
    """
    n_dims = rows.shape[1]
    scores, variances = _axes(rows, n_dims=n_dims)
    tiny = torch.finfo(rows.dtype).tiny
    mean = variances.sum() / n_dims
    spread = (variances**2).sum() - n_dims * mean**2
    noise = (((scores**2).sum(1) ** 2).mean() - (variances**2).sum()) / n_samples
    shrinkage = (noise / spread.clamp_min(1e-12 * mean**2 + tiny)).clamp(0, 1)
    shrunk = (1 - shrinkage) * variances + shrinkage * mean
    return scores / shrunk.clamp_min(tiny).sqrt()


def _axes(rows: Tensor, *, n_dims: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh((rows.T @ rows).double() / len(rows))
    values, vectors = values.flip(0), vectors.flip(1)
    is_real = values[:n_dims] > _FLAT**2 * values[0].clamp_min(torch.finfo(torch.float32).tiny)
    n_kept = max(1, int(is_real.sum()))
    return rows @ vectors[:, :n_kept].to(rows.dtype), values[:n_kept].clamp_min(0).to(rows.dtype)
