"""The drift test for two answers to each of the same prompts."""

from collections.abc import Sequence
from typing import Final, Protocol, Self

import torch
from torch import Tensor

from driftline_analyzers.drift.permutation import calibrate
from driftline_analyzers.drift.result import DriftResult, PartResult
from driftline_analyzers.drift.statistics.paired_mean_shift import PairedMeanShift
from driftline_analyzers.drift.statistics.paired_mmd import PairedMMD
from driftline_analyzers.drift.statistics.paired_rank_shift import PairedRankShift
from driftline_analyzers.drift.statistics.paired_top_shift import PairedTopShift
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors
from driftline_core.errors import ConfigError, InputError, TooFewSamples


class PreparedPairs(Protocol):
    """A statistic that has seen the pairs."""

    def of_swaps(self, signs: Tensor) -> Tensor:
        """signs: (s, p), -1 where the two sides of a unit are exchanged -> (p,) float64; larger is more different."""
        ...


class PairedStatistic(Protocol):
    """What is measured between two answers to each of the same prompts."""

    @property
    def name(self) -> str:
        """Its name among the parts of a result."""
        ...

    def prepare(self, reference: Tensor, current: Tensor, units: Tensor) -> PreparedPairs:
        """reference, current: (n, d), row i of both is one pair; units: (n,) int64, 0..s-1, each used: what is swapped together."""
        ...


PAIRED_STATISTICS: Final[tuple[PairedStatistic, ...]] = (PairedMMD(), PairedMeanShift())
"""For embeddings."""
PAIRED_STYLE_STATISTICS: Final[tuple[PairedStatistic, ...]] = (PairedTopShift(), PairedRankShift())
"""For style features, or any plain numbers: the three columns that moved most, and all of them."""


class PairedDriftDetector:
    """Do the two sides differ, when row i of both answers prompt i? The null swaps the two answers of whole units.

    Use it where reference and current answer the same prompts (an evaluation suite, a replay, canary prompts): sharing prompts makes
    the two sides more alike than any random split of them, so the unpaired test can hardly ever alarm there, and pairing takes the
    prompts' own spread out of the comparison. groups name pairs that are swapped together because they are not independent (prompts of
    one session).

    statistics: combined as in `DriftDetector` where there are several. n_permutations are always drawn, up to max_permutations in a
    far tail. min_samples: pairs; min_blocks: units that are swapped.
    """

    def __init__(
        self,
        statistics: Sequence[PairedStatistic] = PAIRED_STATISTICS,
        *,
        alpha: float = 0.005,
        n_permutations: int = 999,
        max_permutations: int = 19_999,
        min_samples: int = 20,
        min_blocks: int = 12,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        self.statistics = statistics
        self.alpha = alpha
        self.n_permutations = n_permutations
        self.max_permutations = max_permutations
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
        prepared = [statistic.prepare(reference, vectors, self._units) for statistic in self.statistics]
        n_units = int(self._units.max()) + 1

        def values(signs: Tensor) -> Tensor:
            on_device = signs.to(self.device)
            return torch.stack([statistic.of_swaps(on_device) for statistic in prepared])  # (t, p)

        observed = values(torch.ones(n_units, 1))  # (t, 1)
        null = calibrate(
            observed[:, 0],
            lambda count, generator: values(
                (torch.rand(n_units, count, generator=generator) < 0.5).float().mul_(2).sub_(1)
            ),
            n_permutations=self.n_permutations,
            max_permutations=self.max_permutations,
            seed=self.seed,
        )
        names = [statistic.name for statistic in self.statistics]
        parts = zip(names, observed[:, 0].tolist(), null.part_z, null.part_p_values, strict=True)
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
