"""How much higher is a measure in one group, other things equal? Inside strata and given the prompt; sessions permuted, bootstrapped."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from driftline_analyzers.bias.adjustment import PromptAdjustments, within_strata
from driftline_analyzers.bias.effect import effect_size
from driftline_analyzers.bias.units import Floats, Units

_DRAWS: Final = 500
_ENOUGH_EXCEEDANCES: Final = 10
_TOLERANCE: Final = 1e-9
_SELECTION: Final = 1.15
"""The regression is chosen on the same calls, which bootstrapping it as it is does not count: estimates of a planted gap spread 1.0 to 1.2
times as far as the bootstrap says ("spread by interval" of benchmarks.eval_bias, times this)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Mean of the group less mean of the other arm, inside strata and given the prompt, in the measure's unit; low, high: 95 % interval.

    d: gap in standard deviations between sessions within arm and stratum. z: in standard errors. p_value: stratified permutation.
    mean_group, mean_other: of the units, as they are. n_group, n_other: units with a value.
    """

    gap: float
    low: float
    high: float
    d: float
    z: float
    p_value: float
    n_permutations: int
    mean_group: float
    mean_other: float
    n_group: int
    n_other: int


def measure_gap(
    units: Units,
    values: Floats,
    *,
    adjustments: PromptAdjustments | None = None,
    n_permutations: int = 999,
    max_permutations: int = 19_999,
    n_bootstrap: int = 999,
    seed: int = 0,
) -> Gap | None:
    """The gap of one measure. values: (n,) of all calls, NaN unknown. None where no stratum has both arms with a value.

    adjustments: by what was asked; without them strata are all that is matched.
    """
    y = units.means(values)
    kept = units if np.isfinite(y).all() else units.keep(np.isfinite(y))
    if not len(kept):
        return None
    y = kept.means(values)
    adjustment = (adjustments or PromptAdjustments(None)).of(kept)
    of_z, of_y = adjustment.residual(kept.arm.astype(np.float64)), adjustment.residual(y)
    left_z, left_y, widened = of_z.values, of_y.values, np.sqrt(of_z.variance_ratio(of_y))
    gap, t = _studentised(left_z[None], left_y)
    t /= widened
    spread = arm_spread(kept, y)
    p_value, n_drawn = _p_value(
        left_z,
        left_y,
        kept,
        observed=abs(float(t[0])),
        draws=_batches(n_permutations, max_permutations, seed),
        n_least=n_permutations,
    )
    low, high = _bootstrap_interval(kept, left_z, left_y, n_bootstrap=n_bootstrap, seed=seed)
    low, high = (float(gap[0] + _SELECTION * widened * (end - gap[0])) for end in (low, high))
    return Gap(
        gap=float(gap[0]),
        low=low,
        high=high,
        d=effect_size(float(gap[0]), spread),
        z=float(t[0]),
        p_value=p_value,
        n_permutations=n_drawn,
        mean_group=float(y[kept.arm == 1].mean()),
        mean_other=float(y[kept.arm == 0].mean()),
        n_group=kept.n_sessions(1),
        n_other=kept.n_sessions(0),
    )


def arm_spread(units: Units, y: Floats) -> float:
    """Standard deviation of the units' values within arm and stratum: (u,) -> one number."""
    centred_y, centred_z = within_strata(y, units.stratum), within_strata(units.arm.astype(np.float64), units.stratum)
    residual = centred_y - centred_z * (centred_z @ centred_y) / (centred_z @ centred_z)
    return float(np.sqrt((residual**2).sum() / max(1, len(units) - units.n_strata - 1)))


def permuted(left_z: Floats, units: Units, *, rng: np.random.Generator, n_draws: int) -> Floats:
    """What is left of the arms, exchanged inside strata, each draw a row: (u,) -> (n_draws, u)."""
    by_stratum = np.argsort(units.stratum, kind="stable")
    order = np.argsort(units.stratum[None] + rng.random((n_draws, len(units))), axis=1)
    drawn = np.empty((n_draws, len(units)))
    np.put_along_axis(drawn, order, np.broadcast_to(left_z[by_stratum], drawn.shape), axis=1)
    return drawn


def session_weights(units: Units, *, rng: np.random.Generator, n_draws: int) -> Floats:
    """How often each unit is in a bootstrap sample of as many sessions: (n_draws, u)."""
    n = int(units.session.max()) + 1
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_draws)
    return weights[:, units.session].astype(np.float64)


def _studentised(z: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Gap and gap / its standard error of each draw: (b, u), (u,), both of mean 0 inside strata -> (b,), (b,).

    The gap is the coefficient of y on z; its error allows unequal spread of the arms (White's HC0), without which permuting is valid for
    equal ones only. DiCiccio & Romano 2017.
    """
    squared_z = z**2
    norm = squared_z.sum(1)  # (b,)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(norm > _TOLERANCE, z @ y / norm, 0.0)
        variance = (squared_z @ y**2 - 2 * gap * ((squared_z * z) @ y) + gap**2 * (squared_z**2).sum(1)) / norm**2
        floor = _TOLERANCE * np.abs(y).max(initial=0.0)
        certain = np.sign(gap) * 1e6 * (np.abs(gap) > floor)
        t = np.where(variance > floor**2, gap / np.sqrt(np.maximum(variance, 0)), certain)
    return gap, np.asarray(t)


def _p_value(
    left_z: Floats,
    left_y: Floats,
    units: Units,
    *,
    observed: float,
    draws: Iterator[tuple[int, np.random.Generator]],
    n_least: int,
) -> tuple[float, int]:
    """(1 + count) / (1 + n), two-sided; more draws in the far tail. Phipson & Smyth 2010."""
    if np.abs(left_y).max(initial=0.0) < _TOLERANCE or np.abs(left_z).max(initial=0.0) < _TOLERANCE:
        return 1.0, 0
    n_reaching = n_drawn = 0
    for n_draws, rng in draws:
        if n_drawn >= n_least and n_reaching >= _ENOUGH_EXCEEDANCES:
            break
        _, t = _studentised(permuted(left_z, units, rng=rng, n_draws=n_draws), left_y)
        n_reaching += int((np.abs(t) >= observed * (1 - 1e-9)).sum())
        n_drawn += n_draws
    return (1 + n_reaching) / (1 + n_drawn), n_drawn


def _batches(n_permutations: int, max_permutations: int, seed: int) -> Iterator[tuple[int, np.random.Generator]]:
    """Sizes that end exactly at n_permutations and at max_permutations, with the one generator that they share."""
    rng = np.random.default_rng(seed)
    n_drawn = 0
    for end in (n_permutations, max_permutations):
        while n_drawn < end:
            n_draws = min(_DRAWS, end - n_drawn)
            yield n_draws, rng
            n_drawn += n_draws


def _bootstrap_interval(
    units: Units, left_z: Floats, left_y: Floats, *, n_bootstrap: int, seed: int
) -> tuple[float, float]:
    """Percentiles of the gap over samples of whole sessions, the regressions as they are. Efron & Tibshirani 1993, 13.3."""
    rng = np.random.default_rng(seed + 1)
    gaps = []
    for begin in range(0, n_bootstrap, _DRAWS):
        weights = session_weights(units, rng=rng, n_draws=min(_DRAWS, n_bootstrap - begin))
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps.append(weights @ (left_z * left_y) / (weights @ left_z**2))
    drawn = np.concatenate(gaps)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("-inf"), float("inf")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
