"""Drift detectors: they permute, calibrate and decide; what they measure is in `mmd`."""

from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftline_analyzers.drift.mmd import (
    block_gram,
    median_bandwidth,
    mmd2_of_splits,
    mmd2_of_swaps,
    paired_gram,
    witness,
)
from driftline_analyzers.drift.permutation import calibrate
from driftline_analyzers.drift.result import DriftResult
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors
from driftline_core.errors import ConfigError, InputError, TooFewSamples

__all__ = ["DriftResult", "MMDDrift", "PairedMMDDrift"]


class _PermutationTest:
    """The hyperparameters that both tests have; min_blocks: None takes the test's own default."""

    _MIN_BLOCKS: ClassVar[int]

    def __init__(
        self,
        *,
        alpha: float = 0.005,
        n_permutations: int = 999,
        max_permutations: int = 19_999,
        bandwidth_factors: tuple[float, ...] = (0.5, 1.0, 2.0),
        min_samples: int = 20,
        min_blocks: int | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        self.alpha = alpha
        self.n_permutations = n_permutations
        self.max_permutations = max_permutations
        self.bandwidth_factors = bandwidth_factors
        self.min_samples = min_samples
        self.min_blocks = self._MIN_BLOCKS if min_blocks is None else min_blocks
        self.device = device
        self.dtype = dtype
        self.seed = seed


class MMDDrift(_PermutationTest):
    """Unbiased MMD² with Gaussian kernels around the median distance, and a permutation p-value that moves whole blocks.

    groups name the blocks (session ids); without them every row is its own block, which is right only for independent texts.
    A group that occurs in the reference and in current is two blocks. The null: blocks are exchangeable between the two.

    bandwidth_factors: kernel widths in units of the median distance of the pooled texts. n_permutations are always drawn, up to
    max_permutations in a far tail (`calibrate`). min_samples: texts a side; min_blocks: blocks a side.
    """

    _MIN_BLOCKS: ClassVar[int] = 4

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference: (m, d), groups: (m,). Raises TooFewSamples; InputError on NaN or a wrong shape."""
        _validate(alpha=self.alpha, n_permutations=self.n_permutations)
        self._reference = as_vectors(reference, device=self.device, dtype=self.dtype)
        self._blocks = as_groups(groups, n_rows=len(self._reference)).to(self.device)
        self._require(self._reference, self._blocks, side="the reference")
        return self

    def score(self, current: Vectors, *, groups: Groups | None = None) -> DriftResult:
        """Compare current: (n, d), groups: (n,), with the reference. Raises TooFewSamples; InputError on NaN or a wrong shape."""
        vectors = as_vectors(current, device=self.device, dtype=self.dtype)
        _require_dimensions(vectors, self._reference)
        blocks = as_groups(groups, n_rows=len(vectors)).to(self.device)
        self._require(vectors, blocks, side="current")
        n_reference_blocks = int(self._blocks.max()) + 1
        pooled = torch.cat([self._reference, vectors])
        pooled_blocks = torch.cat([self._blocks, blocks + n_reference_blocks])
        gram = block_gram(pooled, pooled_blocks, bandwidths=_bandwidths(pooled, self.bandwidth_factors))
        n_blocks = len(gram.sizes)
        split = (torch.arange(n_blocks, device=self.device) < n_reference_blocks)[:, None]  # (s, 1)
        observed = mmd2_of_splits(gram, split)

        def draw(count: int, generator: torch.Generator) -> Tensor:
            keys = torch.rand(count, n_blocks, generator=generator)
            chosen = keys.topk(n_reference_blocks, dim=1, sorted=False).indices  # (p, s_reference)
            splits = torch.zeros(count, n_blocks, dtype=torch.bool).scatter_(1, chosen, True)
            return mmd2_of_splits(gram, splits.T.to(self.device))[None]

        null = calibrate(
            observed, draw, n_permutations=self.n_permutations, max_permutations=self.max_permutations, seed=self.seed
        )
        return DriftResult(
            statistic=null.statistic,
            p_value=null.p_value,
            effect_size=null.effect_size,
            alpha=self.alpha,
            is_drift=null.p_value <= self.alpha,
            n_reference=len(self._reference),
            n_current=len(vectors),
            n_tested=len(vectors),
            n_effective=n_blocks - n_reference_blocks,
            n_effective_reference=n_reference_blocks,
            n_permutations=null.n_permutations,
            parts={},
        )

    def witness(self, texts: Vectors, current: Vectors) -> NDArray[np.float64]:
        """How typical of current, against the reference, each row of texts: (k, d) is -> (k,). Larger is more typical of current."""
        rows = as_vectors(texts, device=self.device, dtype=self.dtype)
        vectors = as_vectors(current, device=self.device, dtype=self.dtype)
        bandwidths = _bandwidths(torch.cat([self._reference, vectors]), self.bandwidth_factors)
        values = witness(rows, reference=self._reference, current=vectors, bandwidths=bandwidths)
        array: NDArray[np.float64] = values.double().cpu().numpy()
        return array

    def _require(self, vectors: Tensor, blocks: Tensor, *, side: str) -> None:
        if len(vectors) < self.min_samples:
            raise TooFewSamples(what=f"embeddings in {side}", needed=self.min_samples, got=len(vectors))
        n_blocks, needed = int(blocks.max()) + 1, max(self.min_blocks, 2)
        if n_blocks < needed:
            raise TooFewSamples(what=f"sessions or blocks in {side}", needed=needed, got=n_blocks)


class PairedMMDDrift(_PermutationTest):
    """MMD² between two answers to each of the same prompts; the null swaps the two answers of a prompt.

    Use it where reference and current answer the same prompts (an evaluation suite, a replay, canary prompts): sharing prompts makes
    the two sides more alike than any random split of them, so the unpaired test can hardly ever alarm there, and pairing takes the
    prompts' own spread out of the comparison. fit(reference) and score(current) take rows in the same order: row i of both is pair i.
    groups name pairs that are swapped together because they are not independent (prompts of one session).
    """

    _MIN_BLOCKS: ClassVar[int] = 12

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference's side of the pairs: (n, d), groups: (n,). Raises TooFewSamples; InputError on NaN or a wrong shape."""
        _validate(alpha=self.alpha, n_permutations=self.n_permutations)
        self._reference = as_vectors(reference, device=self.device, dtype=self.dtype)
        if len(self._reference) < self.min_samples:
            raise TooFewSamples(what="pairs", needed=self.min_samples, got=len(self._reference))
        self._units = as_groups(groups, n_rows=len(self._reference)).to(self.device)
        n_units, needed = int(self._units.max()) + 1, max(self.min_blocks, 2)
        if n_units < needed:
            raise TooFewSamples(what="independent pairs", needed=needed, got=n_units)
        return self

    def score(self, current: Vectors) -> DriftResult:
        """Compare current: (n, d), row i the other side of pair i. Raises TooFewSamples; InputError on NaN or a wrong shape."""
        vectors = as_vectors(current, device=self.device, dtype=self.dtype)
        _require_dimensions(vectors, self._reference)
        if len(vectors) < self.min_samples:
            raise TooFewSamples(what="pairs", needed=self.min_samples, got=len(vectors))
        if len(vectors) != len(self._reference):
            raise InputError(f"expected {len(self._reference)} rows, one a pair, got {len(vectors)}")
        bandwidths = _bandwidths(torch.cat([self._reference, vectors]), self.bandwidth_factors)
        gram = paired_gram(self._reference, vectors, self._units, bandwidths=bandwidths)
        n_units = len(gram.sizes)
        observed = mmd2_of_swaps(gram, torch.ones(n_units, 1, device=self.device))

        def draw(count: int, generator: torch.Generator) -> Tensor:
            signs = (torch.rand(n_units, count, generator=generator) < 0.5).float().mul_(2).sub_(1)  # (s, p)
            return mmd2_of_swaps(gram, signs.to(self.device))[None]

        null = calibrate(
            observed, draw, n_permutations=self.n_permutations, max_permutations=self.max_permutations, seed=self.seed
        )
        return DriftResult(
            statistic=null.statistic,
            p_value=null.p_value,
            effect_size=null.effect_size,
            alpha=self.alpha,
            is_drift=null.p_value <= self.alpha,
            n_reference=len(self._reference),
            n_current=len(vectors),
            n_tested=len(vectors),
            n_effective=n_units,
            n_effective_reference=n_units,
            n_permutations=null.n_permutations,
            parts={},
        )


def _validate(*, alpha: float, n_permutations: int) -> None:
    if not 0 < alpha < 1:
        raise ConfigError(f"expected alpha between 0 and 1, got {alpha}")
    if n_permutations < 1:
        raise ConfigError(f"expected at least 1 permutation, got {n_permutations}")


def _require_dimensions(vectors: Tensor, reference: Tensor) -> None:
    if vectors.shape[1] != reference.shape[1]:
        raise InputError(f"expected {reference.shape[1]} dimensions as in the reference, got {vectors.shape[1]}")


def _bandwidths(pooled: Tensor, factors: tuple[float, ...]) -> list[float]:
    median = median_bandwidth(pooled)
    return [factor * median for factor in factors]
