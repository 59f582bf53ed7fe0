"""Has the style changed between two answers to each of the same prompts?"""

from typing import Self

import torch
from torch import Tensor

from driftline_analyzers.drift.permutation import calibrate
from driftline_analyzers.drift.result import DriftResult, PartResult
from driftline_analyzers.drift.statistics.paired_rank_shift import PairedRankShift
from driftline_analyzers.drift.statistics.paired_top_shift import PairedTopShift
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors
from driftline_core.errors import ConfigError, InputError, TooFewSamples


class PairedStyleDrift:
    """Sign-flip test on the paired differences of style features (or any plain numbers): the three columns that moved most, or all of them.

    The null: the two answers to a prompt are exchangeable. Pairing takes the prompts' own spread out of the comparison.
    fit(reference) and score(current) take rows in the same order: row i of both is pair i. groups name pairs that are swapped together
    because they are not independent (prompts of one session). min_samples: pairs; min_blocks: swapped units.
    """

    _STATISTICS = (PairedTopShift(), PairedRankShift())

    def __init__(
        self,
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
        self.alpha = alpha
        self.n_permutations = n_permutations
        self.max_permutations = max_permutations
        self.min_samples = min_samples
        self.min_blocks = min_blocks
        self.device = device
        self.dtype = dtype
        self.seed = seed

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference's side of the pairs: (n, f), groups: (n,). Raises TooFewSamples; InputError on NaN or a wrong shape."""
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
        """Compare current: (n, f), row i the other side of pair i. Raises TooFewSamples; InputError on NaN or a wrong shape."""
        rows = as_vectors(current, device=self.device, dtype=self.dtype)
        if len(rows) < self.min_samples:
            raise TooFewSamples(what="pairs", needed=self.min_samples, got=len(rows))
        if rows.shape != self._reference.shape:
            dimensions, expected = rows.shape[1], self._reference.shape[1]
            if dimensions != expected:
                raise InputError(f"expected {expected} dimensions as in the reference, got {dimensions}")
            raise InputError(f"expected {len(self._reference)} rows, one a pair, got {len(rows)}")
        prepared = [one.prepare(self._reference, rows, self._units) for one in self._STATISTICS]
        n_units = int(self._units.max()) + 1

        def values(signs: Tensor) -> Tensor:
            return torch.stack([one.of_swaps(signs.to(self.device)) for one in prepared])  # (t, p)

        def draw(count: int, generator: torch.Generator) -> Tensor:
            return values((torch.rand(n_units, count, generator=generator) < 0.5).float().mul_(2).sub_(1))

        observed = values(torch.ones(n_units, 1))[:, 0]
        null = calibrate(
            observed, draw, n_permutations=self.n_permutations, max_permutations=self.max_permutations, seed=self.seed
        )
        names = [one.name for one in self._STATISTICS]
        parts = zip(names, observed.tolist(), null.part_z, null.part_p_values, strict=True)
        return DriftResult(
            statistic=null.statistic,
            p_value=null.p_value,
            effect_size=null.effect_size,
            alpha=self.alpha,
            is_drift=null.p_value <= self.alpha,
            n_reference=len(self._reference),
            n_current=len(rows),
            n_tested=len(rows),
            n_effective=n_units,
            n_effective_reference=n_units,
            n_permutations=null.n_permutations,
            parts={name: PartResult(value=value, z=z, p_value=p_value) for name, value, z, p_value in parts},
        )
