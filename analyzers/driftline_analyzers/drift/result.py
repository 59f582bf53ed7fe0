"""What a drift detector found."""

from collections.abc import Mapping
from dataclasses import dataclass

_FAR_TAIL_Z = 4.26
"""The upper 1e-5 of a Gaussian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """One statistic of several. value: as measured; z: in standard deviations of its null; p_value: of it alone, never 0."""

    value: float
    z: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult:
    """One comparison.

    statistic: the value, or the largest z where several statistics are combined. p_value: (1 + count) / (1 + n_permutations), never 0.
    effect_size: the statistic in standard deviations of its permutation null (z), the largest of several.
    n_reference, n_current: texts given;
    n_tested: texts of current that were compared, fewer where the reference is too small for all of them or its sessions are shorter.
    n_effective, n_effective_reference: exchangeable blocks compared (for pairs: swapped units). parts: by the statistic's name.
    """

    statistic: float
    p_value: float
    effect_size: float
    alpha: float
    is_drift: bool
    n_reference: int
    n_current: int
    n_tested: int
    n_effective: int
    n_effective_reference: int
    n_permutations: int
    parts: Mapping[str, PartResult]

    @property
    def is_far_tail(self) -> bool:
        """No draw reached the observed value, and it lies beyond a Gaussian's upper 1e-5."""
        return self.p_value <= 1.5 / (1 + self.n_permutations) and self.effect_size >= _FAR_TAIL_Z
