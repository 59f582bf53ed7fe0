"""The drift test for two answers to each of the same prompts."""

from typing import Self

import torch
from torch import Tensor

from driftline_analyzers.drift.mmd import median_bandwidth, mmd2_of_swaps, paired_gram
from driftline_analyzers.drift.permutation import calibrate
from driftline_analyzers.drift.result import DriftResult, PartResult
from driftline_analyzers.drift.statistics.moments import block_sums, whitened
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors
from driftline_core.errors import ConfigError, InputError, TooFewSamples

PAIRED_STATISTICS = ("paired_mmd", "paired_mean_shift")


class PairedDriftDetector:
    """Do the two sides differ, when row i of both answers prompt i? The null swaps the two answers of whole units.

    Use it where reference and current answer the same prompts (an evaluation suite, a replay, canary prompts): sharing prompts makes
    the two sides more alike than any random split of them, so the unpaired test can hardly ever alarm there, and pairing takes the
    prompts' own spread out of the comparison. groups name pairs that are swapped together because they are not independent (prompts of
    one session). Two statistics are combined (`PermutationNull`): MMD², kernels around the median distance, and the whitened mean shift.

    n_permutations are always drawn, up to max_permutations in a far tail. min_samples: pairs; min_blocks: units that are swapped.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.005,
        n_permutations: int = 999,
        max_permutations: int = 19_999,
        bandwidth_factors: tuple[float, ...] = (0.5, 1.0, 2.0),
        min_samples: int = 20,
        min_blocks: int = 12,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        self.alpha = alpha
        self.n_permutations = n_permutations
        self.max_permutations = max_permutations
        self.bandwidth_factors = bandwidth_factors
        self.min_samples = min_samples
        self.min_blocks = min_blocks
        self.device = device
        self.dtype = dtype
        self.seed = seed

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference's side of the pairs: (n, d), groups: (n,). Raises TooFewSamples; InputError on NaN or a wrong shape."""
        if not 0 < self.alpha < 1:
            raise ConfigError(f"expected alpha between 0 and 1, got {self.alpha}")
        if self.n_permutations < 1:
            raise ConfigError(f"expected at least 1 permutation, got {self.n_permutations}")
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
        reference = self._reference
        if vectors.shape[1] != reference.shape[1]:
            raise InputError(f"expected {reference.shape[1]} dimensions as in the reference, got {vectors.shape[1]}")
        if len(vectors) < self.min_samples:
            raise TooFewSamples(what="pairs", needed=self.min_samples, got=len(vectors))
        if len(vectors) != len(reference):
            raise InputError(f"expected {len(reference)} rows, one a pair, got {len(vectors)}")
        median = median_bandwidth(torch.cat([reference, vectors]))
        bandwidths = [factor * median for factor in self.bandwidth_factors]
        gram = paired_gram(reference, vectors, self._units, bandwidths=bandwidths)
        n_units = len(gram.sizes)
        shifts = block_sums(whitened(vectors - reference, n_samples=n_units), self._units).sums  # (u, r)

        def values(signs: Tensor) -> Tensor:
            on_device = signs.to(self.device)
            return torch.stack([mmd2_of_swaps(gram, on_device), mean_shift_of_swaps(shifts, gram.sizes, on_device)])

        observed = values(torch.ones(n_units, 1))  # (2, 1)
        null = calibrate(
            observed[:, 0],
            lambda count, generator: values(
                (torch.rand(n_units, count, generator=generator) < 0.5).float().mul_(2).sub_(1)
            ),
            n_permutations=self.n_permutations,
            max_permutations=self.max_permutations,
            seed=self.seed,
        )
        parts = zip(PAIRED_STATISTICS, observed[:, 0].tolist(), null.part_z, null.part_p_values, strict=True)
        return DriftResult(
            statistic=null.statistic,
            p_value=null.p_value,
            effect_size=null.effect_size,
            alpha=self.alpha,
            is_drift=null.p_value <= self.alpha,
            n_reference=len(reference),
            n_current=len(vectors),
            n_tested=len(vectors),
            n_effective=n_units,
            n_effective_reference=n_units,
            n_permutations=null.n_permutations,
            parts={name: PartResult(value=value, z=z, p_value=p_value) for name, value, z, p_value in parts},
        )


def mean_shift_of_swaps(shifts: Tensor, sizes: Tensor, signs: Tensor) -> Tensor:
    """Squared mean of the whitened differences, over pairs of rows from different units, under many swaps at once.

    shifts: (u, r) summed differences of a unit; sizes: (u,) its rows; signs: (u, p), -1 where a unit's sides are exchanged -> (p,) float64.
    """
    total = (signs.T.to(shifts.dtype) @ shifts).double()  # (p, r)
    own = (shifts.double() ** 2).sum()
    return ((total**2).sum(1) - own) / (sizes.sum() ** 2 - (sizes**2).sum())
