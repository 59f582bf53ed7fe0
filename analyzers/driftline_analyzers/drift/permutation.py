"""From observed statistics and draws from their joint null to p-values that are never zero."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_ENOUGH_EXCEEDANCES = 10
_DRAWS_PER_BATCH = 1000
_TOLERANCE = 1e-6
_TAIL, _MIN_TAIL = 20, 10

Draw = Callable[[int, torch.Generator], Tensor]
"""(count, generator) -> that many draws of t statistics under the null, (t, count) float64 on any device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """statistic: the observed value; effect_size: (observed - mean) / standard deviation of the null, 0 if that is 0. With several
    statistics both are the largest of their z. p_value: (1 + count) / (1 + n_permutations). part_z, part_p_values: (t,), of each alone.
    """

    statistic: float
    p_value: float
    effect_size: float
    n_permutations: int
    part_z: tuple[float, ...]
    part_p_values: tuple[float, ...]


class PermutationNull:
    """Collects draws until the observed value is placed well enough. Phipson & Smyth 2010.

    n_permutations are always drawn; when fewer than ten of them reach the observed value, draws go on up to max_permutations,
    so that a far tail is resolved and the common case stays cheap.
    Several statistics are combined by Cauchy's rule (Liu & Xie 2020) without its negative half: sum of tan(pi (1/2 - p_i)) over p_i < 1/2,
    so that one statistic's p near 1 does not undo another's near 0. p_i is the mid-rank of a statistic among all draws and the observed
    split, and in the upper twentieth an exponential tail, so that a value far beyond all draws weighs more than the largest draw.
    The observed split is one of equals in all this, so the test of the combination is exact.
    """

    def __init__(self, observed: Tensor, *, n_permutations: int, max_permutations: int) -> None:
        self._observed = observed.detach().to("cpu", torch.float64)[:, None]  # (t, 1)
        self._null = self._observed[:, :0]
        self._n_wanted = n_permutations
        self._max = max(n_permutations, max_permutations)

    @property
    def n_wanted(self) -> int:
        """How many draws to add next; 0 when it is placed."""
        missing = self._n_wanted - self._null.shape[1]
        return min(missing, _DRAWS_PER_BATCH)

    def add(self, draws: Tensor) -> None:
        """Take draws in: (t, count)."""
        self._null = torch.cat([self._null, draws.to("cpu", torch.float64)], dim=1)
        n_drawn = self._null.shape[1]
        if n_drawn >= self._n_wanted and n_drawn < self._max and self._n_reaching() < _ENOUGH_EXCEEDANCES:
            self._n_wanted = min(n_drawn + _DRAWS_PER_BATCH, self._max)

    def calibration(self) -> Calibration:
        """Where the observed value lies in what was drawn so far."""
        n_drawn = self._null.shape[1]
        part_z = _z(self._observed, self._null)  # (t, 1)
        tolerance = _TOLERANCE * self._null.std(1, keepdim=True, correction=0)
        part_reaching = (self._null >= self._observed - tolerance).sum(1)
        is_one = len(self._observed) == 1
        return Calibration(
            statistic=float(self._observed if is_one else part_z.max()),
            p_value=(1 + self._n_reaching()) / (1 + n_drawn),
            effect_size=float(part_z.max()),
            n_permutations=n_drawn,
            part_z=tuple(part_z[:, 0].tolist()),
            part_p_values=tuple(((1 + part_reaching).double() / (1 + n_drawn)).tolist()),
        )

    def _combined(self) -> Tensor:
        """(1 + n_drawn,), the observed split first."""
        together = torch.cat([self._observed, self._null], dim=1)  # (t, n)
        if len(together) == 1:
            return _z(together, together)[0]
        return torch.tan(torch.pi * (0.5 - _p_values(together)).clamp_min(0)).sum(0)

    def _n_reaching(self) -> int:
        """Draws at least as large as observed; rounding noise counts as equal, which errs to the larger p-value."""
        combined = self._combined()
        return int((combined[1:] >= combined[0] - _TOLERANCE * combined[0].abs().clamp_min(1)).sum())


def calibrate(observed: Tensor, draw: Draw, *, n_permutations: int, max_permutations: int, seed: int) -> Calibration:
    """Place observed: (t,) in its null, drawing as many as that needs."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    null = PermutationNull(observed, n_permutations=n_permutations, max_permutations=max_permutations)
    while count := null.n_wanted:
        null.add(draw(count, generator))
    return null.calibration()


def _z(values: Tensor, null: Tensor) -> Tensor:
    """(t, a) in standard deviations of null: (t, b); 0 where null does not vary."""
    mean = null.mean(1, keepdim=True)
    spread = null.std(1, keepdim=True, correction=0)
    is_flat = spread <= 1e-12 * mean.abs() + torch.finfo(torch.float64).tiny
    return torch.where(is_flat, 0.0, (values - mean) / torch.where(is_flat, 1.0, spread))


def _p_values(values: Tensor) -> Tensor:
    """Of each value among all of its row: (t, n) -> (t, n), in (0, 1)."""
    n = values.shape[1]
    tolerance = _TOLERANCE * values.std(1, keepdim=True, correction=0)
    ascending = values.sort(1).values
    n_smaller = torch.searchsorted(ascending, values - tolerance)
    n_smaller_or_equal = torch.searchsorted(ascending, values + tolerance, right=True)
    ranked = 1 - (n_smaller + n_smaller_or_equal).double() / (2 * n)
    n_tail = min(n, max(_MIN_TAIL, n // _TAIL))
    start = ascending[:, -n_tail, None]  # (t, 1)
    excess = (ascending[:, -n_tail:] - start).mean(1, keepdim=True)
    has_tail = excess > tolerance
    tail = n_tail / n * torch.exp(-(values - start) / torch.where(has_tail, excess, 1.0))
    return torch.where(has_tail & (values > start), tail, ranked)
