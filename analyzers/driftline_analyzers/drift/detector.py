"""The drift test: it redraws windows, calibrates and decides; what it measures is in `statistics`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from driftline_analyzers.drift.geometry import ReferenceGeometry, reference_geometry, with_current
from driftline_analyzers.drift.permutation import Calibration, calibrate
from driftline_analyzers.drift.registry import STATISTICS
from driftline_analyzers.drift.result import DriftResult, PartResult
from driftline_analyzers.drift.splits import SplitPlan, blocks_per_block, plan_splits
from driftline_analyzers.drift.statistics.statistic import PairwiseStatistic, Prepared, Statistic
from driftline_analyzers.vectors import Groups, Vectors, as_groups, as_vectors, first_of_repeats
from driftline_core.errors import ConfigError, InputError, TooFewSamples

DEFAULT_STATISTICS = ("energy", "knn_novelty", "knn_tail", "knn_scan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """vectors: (n, d) on the device; blocks: (n,) int64 on the CPU, 0.. without gaps; n_given: texts before repeats were taken out."""

    vectors: Tensor
    blocks: Tensor
    n_given: int


class DriftDetector:
    """Has current drifted from the reference? One statistic or several (combined by Cauchy's rule), and an exact permutation p-value.

    The null: whole blocks are redrawn from reference and window together, as windows of as many blocks of like sizes, and each is compared
    with all the rest (`splits`). groups name the blocks (session ids); without them every row is its own block, which is right only for
    independent texts. A group that occurs in the reference and in current is two blocks. Repeats inside a block count once
    (count_repeats: they all count, as they must for plain numbers).

    statistics: names of STATISTICS, or objects. n_permutations are always drawn, up to max_permutations in a far tail (`PermutationNull`).
    min_samples: texts a window; min_blocks: blocks a window. reference_ratio: the reference is at least so many windows large, in texts,
    and four in blocks; of a larger window a sample of whole blocks is compared.
    """

    def __init__(
        self,
        statistics: Sequence[str | Statistic] = DEFAULT_STATISTICS,
        *,
        alpha: float = 0.005,
        n_permutations: int = 999,
        max_permutations: int = 19_999,
        min_samples: int = 20,
        min_blocks: int = 4,
        reference_ratio: float = 8.0,
        count_repeats: bool = False,
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
        self.reference_ratio = reference_ratio
        self.count_repeats = count_repeats
        self.device = device
        self.dtype = dtype
        self.seed = seed

    def fit(self, reference: Vectors, *, groups: Groups | None = None) -> Self:
        """Keep the reference: (m, d), groups: (m,). Raises TooFewSamples; InputError on NaN or a wrong shape."""
        self._validate()
        self._reference = self._sample(reference, groups, side="the reference")
        self._geometry: ReferenceGeometry | None = None
        return self

    def score(self, current: Vectors, *, groups: Groups | None = None) -> DriftResult:
        """Compare current: (n, d), groups: (n,), with the reference. Raises TooFewSamples; InputError on NaN or a wrong shape."""
        window = self.window(current, groups)
        return self.compare(self._reference, window, self.plan(self._reference, window))

    def window(self, current: Vectors, groups: Groups | None) -> Sample:
        """Current, checked against the reference and without repeats. Raises TooFewSamples, InputError."""
        window = self._sample(current, groups, side="current")
        _require_dimensions(window.vectors, self._reference.vectors)
        return window

    def samples(
        self, reference: Vectors, reference_groups: Groups | None, current: Vectors, groups: Groups | None
    ) -> tuple[Sample, Sample]:
        """Both sides, checked and without repeats. Raises TooFewSamples, InputError."""
        self._validate()
        before = self._sample(reference, reference_groups, side="the reference")
        after = self._sample(current, groups, side="current")
        _require_dimensions(after.vectors, before.vectors)
        return before, after

    def compare(self, reference: Sample, window: Sample, plan: SplitPlan) -> DriftResult:
        """The test itself."""
        return self.calibrated(self._prepare(reference, window, plan), plan, reference=reference, window=window)

    def calibrated(
        self, prepared: Sequence[Prepared], plan: SplitPlan, *, reference: Sample, window: Sample
    ) -> DriftResult:
        """Draw splits for the statistics that `resolved` names, in that order."""

        def values(splits: Tensor) -> Tensor:
            on_device = splits.to(self.device)
            return torch.stack([statistic.of_splits(on_device) for statistic in prepared])  # (t, p)

        observed = values(plan.observed())
        calibration = calibrate(
            observed[:, 0],
            lambda count, generator: values(plan.draw(count, generator)),
            n_permutations=self.n_permutations,
            max_permutations=self.max_permutations,
            seed=self.seed,
        )
        return self.result(calibration, plan, reference=reference, window=window, values=observed)

    @property
    def reference(self) -> Sample:
        """What `fit` kept."""
        return self._reference

    def plan(self, reference: Sample, window: Sample) -> SplitPlan:
        """What of the two sides is compared, and how windows are redrawn. Raises TooFewSamples."""
        return plan_splits(
            reference.blocks,
            window.blocks,
            ratio=self.reference_ratio,
            min_samples=self.min_samples,
            min_blocks=max(self.min_blocks, 2),
            seed=self.seed,
        )

    def resolved(self) -> list[Statistic]:
        """The statistics themselves. Raises ConfigError on an unknown name or a name that occurs twice."""
        found = [resolve(statistic) for statistic in self.statistics]
        names = [statistic.name for statistic in found]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"expected one or more different statistics, got {names}")
        return found

    def result(
        self, calibration: Calibration, plan: SplitPlan, *, reference: Sample, window: Sample, values: Tensor
    ) -> DriftResult:
        """values: (t, 1) of the observed split."""
        names = [statistic.name for statistic in self.resolved()]
        parts = zip(names, values[:, 0].tolist(), calibration.part_z, calibration.part_p_values, strict=True)
        return DriftResult(
            statistic=calibration.statistic,
            p_value=calibration.p_value,
            effect_size=calibration.effect_size,
            alpha=self.alpha,
            is_drift=calibration.p_value <= self.alpha,
            n_reference=reference.n_given,
            n_current=window.n_given,
            n_tested=len(plan.current_rows),
            n_effective=plan.n_current_blocks,
            n_effective_reference=plan.n_reference_blocks,
            n_permutations=calibration.n_permutations,
            parts={name: PartResult(value=value, z=z, p_value=p_value) for name, value, z, p_value in parts},
        )

    def _sample(self, vectors: Vectors, groups: Groups | None, *, side: str) -> Sample:
        """Check one side and take repeats out. Raises TooFewSamples, InputError."""
        rows = as_vectors(vectors, device=self.device, dtype=self.dtype)
        blocks = as_groups(groups, n_rows=len(rows))
        if not self.count_repeats and groups is not None and len(rows):
            kept = first_of_repeats(rows, blocks)
            sample = Sample(vectors=rows[kept.to(rows.device)], blocks=blocks[kept], n_given=len(rows))
        else:
            sample = Sample(vectors=rows, blocks=blocks, n_given=len(rows))
        self._require(sample, side=side)
        return sample

    def _prepare(self, reference: Sample, window: Sample, plan: SplitPlan) -> list[Prepared]:
        before, current = (
            reference.vectors[plan.reference_rows.to(self.device)],
            window.vectors[plan.current_rows.to(self.device)],
        )
        before_blocks, blocks = plan.reference_blocks.to(self.device), plan.current_blocks.to(self.device)
        statistics = self.resolved()
        pairwise = [statistic for statistic in statistics if isinstance(statistic, PairwiseStatistic)]
        if pairwise:
            inside = self._inside(reference, plan, before, before_blocks, pairwise)
            geometry = with_current(inside, current, blocks, seed=self.seed)
        pooled, pooled_blocks = (
            torch.cat([before, current]),
            torch.cat([before_blocks, blocks + plan.n_reference_blocks]),
        )
        return [
            statistic.prepare_geometry(geometry)
            if isinstance(statistic, PairwiseStatistic)
            else statistic.prepare(pooled, pooled_blocks)
            for statistic in statistics
        ]

    def _inside(
        self, reference: Sample, plan: SplitPlan, rows: Tensor, blocks: Tensor, pairwise: list[PairwiseStatistic]
    ) -> ReferenceGeometry:
        """The reference's own geometry: kept for the next window when the whole of the fitted reference is compared."""
        is_whole = reference is getattr(self, "_reference", None) and len(plan.reference_rows) == len(reference.vectors)
        if is_whole and self._geometry is not None:
            return self._geometry
        inside = reference_geometry(
            rows,
            blocks,
            n_neighbours=max(statistic.n_neighbours for statistic in pairwise),
            has_sums=any(statistic.has_sums for statistic in pairwise),
            seed=self.seed,
        )
        if is_whole:
            self._geometry = inside
        return inside

    def _validate(self) -> None:
        if not 0 < self.alpha < 1:
            raise ConfigError(f"expected alpha between 0 and 1, got {self.alpha}")
        if self.n_permutations < 1:
            raise ConfigError(f"expected at least 1 permutation, got {self.n_permutations}")
        if self.reference_ratio < 1:
            raise ConfigError(f"expected a reference ratio of at least 1, got {self.reference_ratio}")
        self.resolved()

    def _require(self, sample: Sample, *, side: str) -> None:
        n_blocks = int(sample.blocks.max()) + 1 if len(sample.blocks) else 0
        min_blocks = max(self.min_blocks, 2)
        if side == "current":
            if len(sample.blocks) < self.min_samples:
                raise TooFewSamples(what="texts in current", needed=self.min_samples, got=len(sample.blocks))
            if n_blocks < min_blocks:
                raise TooFewSamples(what="sessions or blocks in current", needed=min_blocks, got=n_blocks)
            return
        needed = math.ceil(self.reference_ratio * self.min_samples)
        if len(sample.blocks) < needed:
            what = f"texts in the reference ({self.reference_ratio:g} windows of {self.min_samples})"
            raise TooFewSamples(what=what, needed=needed, got=len(sample.blocks))
        per_block = blocks_per_block(self.reference_ratio)
        needed_blocks = math.ceil(per_block * min_blocks)
        if n_blocks < needed_blocks:
            what = f"sessions or blocks in the reference ({per_block:g} windows of {min_blocks})"
            raise TooFewSamples(what=what, needed=needed_blocks, got=n_blocks)


def resolve(statistic: str | Statistic) -> Statistic:
    """The statistic of that name. Raises ConfigError."""
    if not isinstance(statistic, str):
        return statistic
    if statistic not in STATISTICS:
        raise ConfigError(f"expected a statistic out of {', '.join(STATISTICS)}, got {statistic}")
    return STATISTICS[statistic]


def _require_dimensions(vectors: Tensor, reference: Tensor) -> None:
    if vectors.shape[1] != reference.shape[1]:
        raise InputError(f"expected {reference.shape[1]} dimensions as in the reference, got {vectors.shape[1]}")
