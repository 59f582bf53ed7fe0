"""From an observed statistic and a way to draw from its null to a p-value that is never zero."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_ENOUGH_EXCEEDANCES = 10
_DRAWS_PER_BATCH = 1000

Draw = Callable[[int, torch.Generator], Tensor]
"""(count, generator) -> that many statistics under the null, (count,) float64 on any device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """p_value: (1 + count) / (1 + n_permutations). effect_size: (observed - mean) / standard deviation of the null, 0 if that is 0."""

    p_value: float
    effect_size: float
    n_permutations: int


def calibrate(observed: float, draw: Draw, *, n_permutations: int, max_permutations: int, seed: int) -> Calibration:
    """Place the observed statistic in its permutation null. Phipson & Smyth 2010.

    n_permutations are always drawn; when fewer than ten of them reach the observed value, draws go on up to max_permutations,
    so that a far tail is resolved and the common case stays cheap.
    """
    generator = torch.Generator(device="cpu").manual_seed(seed)
    batches: list[Tensor] = []
    n_drawn, n_wanted = 0, n_permutations
    while True:
        while n_drawn < n_wanted:
            batch = draw(min(_DRAWS_PER_BATCH, n_wanted - n_drawn), generator).to("cpu", torch.float64)
            batches.append(batch)
            n_drawn += len(batch)
        null = torch.cat(batches)
        n_reaching = _count_reaching(null, observed)
        if n_reaching >= _ENOUGH_EXCEEDANCES or n_drawn >= max_permutations:
            break
        n_wanted = min(n_drawn + _DRAWS_PER_BATCH, max_permutations)
    spread = float(null.std()) if len(null) > 1 else 0.0
    return Calibration(
        p_value=(1 + n_reaching) / (1 + n_drawn),
        effect_size=(observed - float(null.mean())) / spread if spread > 0 else 0.0,
        n_permutations=n_drawn,
    )


def _count_reaching(null: Tensor, observed: float) -> int:
    """Draws at least as large as observed; rounding noise counts as equal, which errs to the larger p-value."""
    tolerance = 1e-6 * float(null.std()) if len(null) > 1 else 0.0
    return int((null >= observed - tolerance).sum())
