"""Fréchet distance between two Gaussians: mean and covariance together."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from driftline_analyzers.drift.statistics.moments import BlockSums, block_sums, principal_axes

_CELLS_PER_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Frechet:
    """|m_1 - m_2|² + tr(C_1 + C_2 - 2 (C_1 C_2)^1/2) on n_dims principal axes of all texts. Dowson & Landau 1982."""

    name: ClassVar[str] = "frechet"
    n_dims: int = 32

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedFrechet":
        """See `Statistic.prepare`."""
        scores, _ = principal_axes(pooled, n_dims=self.n_dims)
        n_blocks, n_dims = int(blocks.max()) + 1, scores.shape[1]
        products = scores.new_zeros(n_blocks, n_dims, n_dims)
        products.index_add_(0, blocks, scores[:, :, None] * scores[:, None, :])
        return PreparedFrechet(sums=block_sums(scores, blocks), products=products.flatten(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFrechet:
    """Waits for splits. products: (s, r²) sums of x x' of a block."""

    sums: BlockSums
    products: Tensor

    def of_splits(self, is_current: Tensor) -> Tensor:
        """(s, p) bool -> (p,) float64."""
        step = max(1, _CELLS_PER_CHUNK // self.products.shape[1])
        return torch.cat([self._distance(chunk) for chunk in torch.split(is_current, step, dim=1)])

    def _distance(self, is_current: Tensor) -> Tensor:
        n_dims = self.sums.sums.shape[1]
        current, n_current = self.sums.of_current(is_current)
        reference, n_reference = self.sums.sums.sum(0) - current, self.sums.sizes.sum() - n_current
        products = is_current.T.to(self.products.dtype) @ self.products  # (p, r²)
        rest = self.products.sum(0) - products
        current, reference = (current / n_current[:, None]).double(), (reference / n_reference[:, None]).double()
        c_current = _covariance(products / n_current[:, None], current, n_dims)
        c_reference = _covariance(rest / n_reference[:, None], reference, n_dims)
        values, vectors = torch.linalg.eigh(c_reference)
        root = vectors * values.clamp_min(0).sqrt()[:, None, :] @ vectors.mT
        cross = torch.linalg.eigvalsh(root @ c_current @ root).clamp_min(0).sqrt().sum(1)
        traces = c_current.diagonal(dim1=1, dim2=2).sum(1) + c_reference.diagonal(dim1=1, dim2=2).sum(1)
        distances: Tensor = ((current - reference) ** 2).sum(1) + traces - 2 * cross
        return distances


def _covariance(products: Tensor, mean: Tensor, n_dims: int) -> Tensor:
    """(p, r²), (p, r) -> (p, r, r) float64."""
    return products.double().reshape(-1, n_dims, n_dims) - mean[:, :, None] * mean[:, None, :]
