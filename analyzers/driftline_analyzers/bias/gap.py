"""How much higher is a measure in one group, other things equal? Gap inside strata, stratified permutation, bootstrap by session."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from driftline_analyzers.bias.units import Floats, Units

_DRAWS: Final = 500
_ENOUGH_EXCEEDANCES: Final = 10
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Mean of the group less mean of the other arm, inside strata, in the measure's unit; low, high: 95 % bootstrap interval.

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
    n_permutations: int = 999,
    max_permutations: int = 19_999,
    n_bootstrap: int = 999,
    seed: int = 0,
) -> Gap | None:
    """The gap of one measure. values: (n,) of all calls, NaN unknown. None where no stratum has both arms with a value."""
    y = units.means(values)
    kept = units if np.isfinite(y).all() else units.keep(np.isfinite(y))
    if not len(kept):
        return None
    y = kept.means(values)
    z = kept.arm.astype(np.float64)
    centred_y, centred_z = within_strata(y, kept.stratum), within_strata(z, kept.stratum)
    gap, t = _studentised(centred_z[None], centred_y)
    spread = float(np.sqrt(((centred_y - gap[0] * centred_z) ** 2).sum() / max(1, len(kept) - kept.n_strata - 1)))
    p_value, n_drawn = _p_value(
        kept,
        centred_y,
        abs(float(t[0])),
        draws=_batches(n_permutations, max_permutations, seed),
        n_least=n_permutations,
    )
    low, high = _bootstrap_interval(kept, y, n_bootstrap=n_bootstrap, seed=seed)
    return Gap(
        gap=float(gap[0]),
        low=low,
        high=high,
        d=float(gap[0]) / spread if spread > _TOLERANCE else 0.0,
        z=float(t[0]),
        p_value=p_value,
        n_permutations=n_drawn,
        mean_group=float(y[kept.arm == 1].mean()),
        mean_other=float(y[kept.arm == 0].mean()),
        n_group=kept.n_sessions(1),
        n_other=kept.n_sessions(0),
    )


def within_strata(values: Floats, stratum: NDArray[np.int64]) -> Floats:
    """Values less the mean of their stratum: (u,) or (u, d)."""
    counts = np.bincount(stratum)
    sums = np.zeros((len(counts), *values.shape[1:]))
    np.add.at(sums, stratum, values)
    return np.asarray(values - (sums / counts.reshape(-1, *[1] * (values.ndim - 1)))[stratum])


def permuted_arms(units: Units, *, rng: np.random.Generator, n_draws: int) -> Floats:
    """Arms exchanged inside strata, each draw a row, less the stratum's share of the group: (n_draws, u)."""
    by_stratum = np.argsort(units.stratum, kind="stable")
    centred = within_strata(units.arm.astype(np.float64), units.stratum)
    order = np.argsort(units.stratum[None] + rng.random((n_draws, len(units))), axis=1)
    drawn = np.empty((n_draws, len(units)))
    np.put_along_axis(drawn, order, np.broadcast_to(centred[by_stratum], drawn.shape), axis=1)
    return drawn


def session_weights(units: Units, *, rng: np.random.Generator, n_draws: int) -> Floats:
    """How often each unit is in a bootstrap sample of as many sessions: (n_draws, u)."""
    n = int(units.session.max()) + 1
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_draws)
    return weights[:, units.session].astype(np.float64)


def _studentised(centred_z: Floats, centred_y: Floats) -> tuple[Floats, Floats]:
    """Gap and gap / its standard error of each draw: (b, u), (u,) -> (b,), (b,). The gap is the coefficient of the arm with an intercept a
    stratum; its error allows unequal spread of the arms (White's HC0), without which permuting is only valid for equal ones. Janssen 1997.
    """
    squared_z = centred_z**2
    norm = squared_z.sum(1)  # (b,)
    gap = centred_z @ centred_y / norm
    variance = (
        squared_z @ centred_y**2 - 2 * gap * ((squared_z * centred_z) @ centred_y) + gap**2 * (squared_z**2).sum(1)
    ) / norm**2
    floor = (_TOLERANCE * np.abs(centred_y).max(initial=0.0)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(
            variance > floor, gap / np.sqrt(np.maximum(variance, 0)), np.sign(gap) * 1e6 * (np.abs(gap) > floor**0.5)
        )
    return gap, np.asarray(t)


def _p_value(
    units: Units, centred_y: Floats, observed: float, *, draws: Iterator[tuple[int, np.random.Generator]], n_least: int
) -> tuple[float, int]:
    """(1 + count) / (1 + n), two-sided; more draws in the far tail. Phipson & Smyth 2010."""
    if np.abs(centred_y).max(initial=0.0) < _TOLERANCE:
        return 1.0, 0
    n_reaching = n_drawn = 0
    for n_draws, rng in draws:
        if n_drawn >= n_least and n_reaching >= _ENOUGH_EXCEEDANCES:
            break
        _, t = _studentised(permuted_arms(units, rng=rng, n_draws=n_draws), centred_y)
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


def _bootstrap_interval(units: Units, y: Floats, *, n_bootstrap: int, seed: int) -> tuple[float, float]:
    """Percentiles of the gap over samples of whole sessions. Efron & Tibshirani 1993, 13.3."""
    rng = np.random.default_rng(seed + 1)
    gaps = []
    for begin in range(0, n_bootstrap, _DRAWS):
        weights = session_weights(units, rng=rng, n_draws=min(_DRAWS, n_bootstrap - begin))
        gaps.append(_weighted_gaps(units, y, weights))
    drawn = np.concatenate(gaps)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("-inf"), float("inf")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _weighted_gaps(units: Units, y: Floats, weights: Floats) -> Floats:
    """The gap of each row of weights: (b, u) -> (b,); NaN where no stratum has both arms left."""
    z = units.arm.astype(np.float64)
    place = csr_matrix((np.ones(len(units)), (np.arange(len(units)), units.stratum)))  # (u, s)

    def by_stratum(of_units: Floats) -> Floats:
        return np.asarray((place.T @ (weights * of_units).T).T)  # (b, s)

    n, n_group = by_stratum(np.ones(len(units))), by_stratum(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(n > 0, n_group / n, 0.0)
        cross = (by_stratum(z * y) - share * by_stratum(y)).sum(1)
        return np.asarray(cross / (n_group - share * n_group).sum(1))
