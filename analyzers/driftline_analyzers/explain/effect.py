"""How large a change is, beside how certain: the share of texts that would have to change to undo it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.mixture import window_fractions
from driftline_analyzers.explain.pool import Pool

SMALL_SHARE = 0.03
"""A shift of fewer texts than this is practically small unless told otherwise."""
_N_BOOTSTRAP = 200
_TAILS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """moved_share: share of texts that would have to change, 0 to 1, a total variation distance; low, high: 95 % interval.

    is_small: even the upper end is below the practical threshold. small_share: that threshold.
    """

    moved_share: float
    low: float
    high: float
    small_share: float
    is_small: bool

    def sentence(self, *, is_drift: bool) -> str:
        """For a person."""
        size = f"about {_percent(self.moved_share)} of the texts ({_range(self.low, self.high)})"
        if not is_drift:
            return f"no shift beyond chance: {size}"
        if self.is_small:
            return f"statistically real and practically small: {size}"
        if self.low <= 0:
            return f"statistically real, its size uncertain: {size}"
        return f"statistically real: {size}"

    def as_dict(self, *, is_drift: bool) -> dict[str, Any]:
        """For JSON, with the sentence."""
        return {
            "moved_share": round(self.moved_share, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "is_small": self.is_small,
            "sentence": self.sentence(is_drift=is_drift),
        }


def topic_effect(labels: NDArray[np.int64], pool: Pool, *, small_share: float = SMALL_SHARE, seed: int = 0) -> Effect:
    """Total variation distance between the topic mixes of reference and window. labels: (n,) clusters of the pool's texts.

    The plain distance of two draws of one mix is far from zero, and less its null mean it is half of a concentrated shift. So each
    topic's fraction from the window is estimated by `window_fractions` on effective counts (Kish: (sum x_b)^2 / sum x_b^2 over blocks),
    and the larger of summed growth and summed loss is taken. The interval is the parametric bootstrap's, its upper end not below the
    reflected one; it starts at 0 where 2.5 % of windows without a shift have as large an estimate. It is the distance at the
    resolution of the topics, a lower estimate for a shift that is thin in every one of them: docs/detection-quality-explanation.md.
    """
    n = len(labels)
    n_current = n - pool.n_reference
    if n_current == 0 or pool.n_reference == 0:
        return _effect(0.0, 0.0, 1.0, small_share)
    profile = pool.profile(labels, int(labels.max()) + 1).astype(np.float64)
    profile = profile[:, profile.sum(0) > 0]
    in_pool = profile.sum(0)
    totals = in_pool**2 / (profile**2).sum(0)
    observed = profile[pool.block_is_current].sum(0) / in_pool
    expected = n_current / n
    scale = in_pool / n / (expected * (1 - expected))

    def distances(fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        """(b, k) -> (b,)"""
        change = scale * (fractions - expected)
        return np.asarray(np.maximum(np.clip(change, 0, None).sum(1), np.clip(-change, 0, None).sum(1)))

    fitted = window_fractions((totals * observed)[None, :], totals, expected)
    estimate = float(distances(fitted)[0])
    whole = np.maximum(1, np.rint(totals)).astype(np.int64)
    rng = np.random.default_rng(seed)

    def redrawn(fractions: NDArray[np.float64] | float) -> NDArray[np.float64]:
        counts = rng.binomial(whole, fractions, size=(_N_BOOTSTRAP, len(whole))).astype(np.float64)
        return distances(window_fractions(counts, whole.astype(np.float64), expected))

    low, high = np.quantile(redrawn(fitted[0]), _TAILS)
    is_beyond_chance = estimate > np.quantile(redrawn(expected), _TAILS[1])
    return _effect(
        estimate,
        float(min(low, estimate)) if is_beyond_chance else 0.0,
        float(max(high, 2 * estimate - low, estimate)),
        small_share,
    )


def number_effect(
    values: NDArray[np.floating], pool: Pool, *, small_share: float = SMALL_SHARE, seed: int = 0
) -> Effect:
    """Kolmogorov-Smirnov distance of a plain number between reference and window, the least share of texts that must have changed.

    values: (n,) finite, reference first. Chance is taken out in the square, sqrt(D^2 - mean D^2 of redrawn windows); the interval is
    the bootstrap's over blocks.
    """
    n_current = int(pool.is_current.sum())
    if n_current == 0 or pool.n_reference == 0:
        return _effect(0.0, 0.0, 1.0, small_share)
    rng = np.random.default_rng(seed)
    _, ranks = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    n_values = int(ranks.max()) + 1
    order = np.argsort(ranks, kind="stable")
    sorted_blocks, ends = pool.blocks[order], np.flatnonzero(np.diff(np.append(ranks[order], n_values)))

    def distance(after: NDArray[np.float64], before: NDArray[np.float64]) -> float:
        """KS distance where each block counts so often on either side."""
        above, below = after[sorted_blocks].cumsum(), before[sorted_blocks].cumsum()
        if above[-1] == 0 or below[-1] == 0:
            return 0.0
        return float(np.abs(above / above[-1] - below / below[-1])[ends].max())

    is_current = pool.block_is_current
    observed = distance(is_current.astype(np.float64), (~is_current).astype(np.float64))
    noise = float(np.mean([distance(*_null_split(pool, rng)) ** 2 for _ in range(_N_BOOTSTRAP)]))
    redrawn = np.array([distance(*_resampled(is_current, rng)) for _ in range(_N_BOOTSTRAP)])
    estimate = max(0.0, observed**2 - noise) ** 0.5
    again = np.sqrt(np.clip(redrawn**2 - 2 * noise, 0.0, None))
    low, high = np.quantile(again, _TAILS)
    return _effect(estimate, float(min(low, estimate)), float(max(high, estimate)), small_share)


def _effect(estimate: float, low: float, high: float, small_share: float) -> Effect:
    estimate, low, high = (float(np.clip(value, 0.0, 1.0)) for value in (estimate, low, high))
    return Effect(moved_share=estimate, low=low, high=high, small_share=small_share, is_small=high < small_share)


def _null_split(pool: Pool, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A redrawn window and the rest, as how often each block counts: (s,), (s,)."""
    window = np.zeros(len(pool.block_sizes))
    for stratum in np.unique(pool.strata):
        members = np.flatnonzero(pool.strata == stratum)
        n_drawn = int(pool.block_is_current[members].sum())
        window[rng.permutation(members)[:n_drawn]] = 1.0
    return window, 1.0 - window


def _resampled(
    is_current: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Blocks of each side drawn anew with replacement, as how often each counts: (s,), (s,)."""
    counts = np.zeros((2, len(is_current)))
    for row, side in enumerate((np.flatnonzero(is_current), np.flatnonzero(~is_current))):
        np.add.at(counts[row], rng.choice(side, size=len(side)), 1.0)
    return counts[0], counts[1]


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f} %" if 0 < percent < 1 else f"{percent:.0f} %"


def _range(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f} %"
