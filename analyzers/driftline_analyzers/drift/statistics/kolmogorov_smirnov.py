"""The largest Kolmogorov-Smirnov distance over columns, each in units of its own null."""

from typing import ClassVar

import torch
from torch import Tensor

_ELEMENTS_PER_CHUNK = 1 << 23
_CALIBRATION_SPLITS = 256
_CALIBRATION_SEED = 1


class KolmogorovSmirnov:
    """Statistic for rows of plain numbers (style features, one number): which column's distribution differs most?

    T = max_j (D_j - m_j) / s_j with D_j the distance between the empirical distribution functions of column j on either side, ties counted
    at their end, and m_j, s_j its mean and standard deviation over random splits of the pooled blocks: a column of two values has a
    narrower null than a continuous one and would otherwise hide behind it. One permutation test of T corrects for the number of
    columns exactly, however they depend on each other (Westfall and Young 1993). n_leading: only so many columns are read, from the left.
    """

    name: ClassVar[str] = "kolmogorov_smirnov"

    def __init__(self, *, n_leading: int | None = None) -> None:
        self.n_leading = n_leading

    def prepare(self, pooled: Tensor, blocks: Tensor) -> "PreparedKolmogorovSmirnov":
        """pooled: (n, f); blocks: (n,) int64, 0..s-1, each used. A column of one value counts for nothing."""
        return PreparedKolmogorovSmirnov(pooled[:, : self.n_leading], blocks)


class PreparedKolmogorovSmirnov:
    """Columns sorted once; a split costs a running count over each. Memory: n times the splits of a chunk."""

    def __init__(self, pooled: Tensor, blocks: Tensor) -> None:
        n_rows = len(pooled)
        self._blocks = blocks
        self._n_blocks = int(blocks.max()) + 1
        self._sorted_rows = pooled.argsort(dim=0, stable=True).T.contiguous()  # (f, n)
        self._ends: list[Tensor] = []  # of each column: positions after which the sorted value changes
        for column, order in zip(pooled.T, self._sorted_rows, strict=True):
            values = column[order]
            self._ends.append((values[1:] != values[:-1]).nonzero()[:, 0])
        self._shares = torch.arange(1, n_rows + 1, device=pooled.device, dtype=torch.float32)[:, None] / n_rows
        self._null: dict[int, tuple[Tensor, Tensor]] = {}

    def of_splits(self, is_current: Tensor) -> Tensor:
        """T of each split: (s, p) bool -> (p,) float64. All splits have as many current blocks as the first."""
        mean, deviation = self._null_of(int(is_current[:, 0].sum()))
        return ((self._scaled(is_current) - mean) / deviation).amax(0)

    def distances(self, is_current: Tensor) -> Tensor:
        """D_j of each split: (s, p) bool -> (f, p) float64, between 0 and 1."""
        n_rows = len(self._blocks)
        n_current = torch.bincount(self._blocks, minlength=self._n_blocks).double() @ is_current.double()  # (p,)
        return self._scaled(is_current) * (n_rows / (n_current * (n_rows - n_current))).sqrt()

    def standardised(self, is_current: Tensor) -> Tensor:
        """(D_j - m_j) / s_j of each split: (s, p) bool -> (f, p) float64."""
        mean, deviation = self._null_of(int(is_current[:, 0].sum()))
        return (self._scaled(is_current) - mean) / deviation

    def _null_of(self, n_current_blocks: int) -> tuple[Tensor, Tensor]:
        """m and s of the scaled distances, (f, 1) each, over random splits with that many current blocks."""
        if n_current_blocks not in self._null:
            generator = torch.Generator().manual_seed(_CALIBRATION_SEED)
            keys = torch.rand(_CALIBRATION_SPLITS, self._n_blocks, generator=generator)
            chosen = keys.topk(n_current_blocks, dim=1, sorted=False).indices
            splits = torch.zeros(_CALIBRATION_SPLITS, self._n_blocks, dtype=torch.bool).scatter_(1, chosen, True)
            scaled = self._scaled(splits.T.to(self._blocks.device))  # (f, splits)
            deviation = scaled.std(1, keepdim=True)
            self._null[n_current_blocks] = (
                scaled.mean(1, keepdim=True),
                torch.where(deviation > 0, deviation, torch.ones_like(deviation)),
            )
        return self._null[n_current_blocks]

    def _scaled(self, is_current: Tensor) -> Tensor:
        """D_j sqrt(k (n - k) / n), k the current rows, which has nearly the same null for every k: (s, p) -> (f, p) float64."""
        n_rows, n_splits = len(self._blocks), is_current.shape[1]
        scaled = torch.zeros(len(self._ends), n_splits, dtype=torch.float64, device=is_current.device)
        per_chunk = max(_ELEMENTS_PER_CHUNK // n_rows, 1)
        for start in range(0, n_splits, per_chunk):
            rows = is_current[:, start : start + per_chunk].float()[self._blocks]  # (n, c)
            n_current = rows.sum(0)  # (c,)
            scale = (n_rows / (n_current * (n_rows - n_current))).double().sqrt()
            for column, (order, ends) in enumerate(zip(self._sorted_rows, self._ends, strict=True)):
                if len(ends):
                    excess = rows[order].cumsum(0)[ends] - self._shares[ends] * n_current  # (t, c)
                    scaled[column, start : start + per_chunk] = excess.abs_().amax(0).double() * scale
        return scaled
