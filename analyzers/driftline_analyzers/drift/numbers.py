"""Plain numbers of a call (tokens, latency, lengths, refusals): columns for the drift test, and how far they moved in their own units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.vectors import Groups, as_groups
from driftline_core.errors import ConfigError, InputError, TooFewSamples

Kind = Literal["positive", "share"]
"""positive: heavy-tailed, at least 0, compared on a log scale. share: 0 or 1."""

NUMBERS: Final[dict[str, Kind]] = {
    "input_tokens": "positive",
    "output_tokens": "positive",
    "duration_ms": "positive",
    "time_to_first_token_ms": "positive",
    "prompt_chars": "positive",
    "completion_chars": "positive",
    "refusal": "share",
}
_QUANTILES: Final = np.linspace(0.005, 0.995, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumn:
    """One number of n calls, ready for a drift detector. column: (n_kept, 1) float32, log(1 + x) of positive numbers, 0 or 1 of shares;
    values: (n_kept,) as they came; is_kept: (n,) bool, False where the call had no such number.
    """

    name: str
    column: NDArray[np.float32]
    values: NDArray[np.float64]
    is_kept: NDArray[np.bool_]

    @property
    def n_missing(self) -> int:
        """Calls without this number; they are not compared."""
        return int((~self.is_kept).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSummary:
    """median and p95 in the number's unit; mean, which of a share is the share. n_values, and n_missing beside them."""

    median: float
    p95: float
    mean: float
    n_values: int
    n_missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEffect:
    """How far a number moved. change: ratio of current to reference for positive numbers, difference of shares for shares; low, high: its
    interval at `confidence` by a bootstrap of whole blocks. moved_share: the Kolmogorov-Smirnov distance less its bootstrap bias, between 0
    and 1: the least share of calls that must have changed; moved_share_low, moved_share_high likewise.
    """

    name: str
    before: NumberSummary
    after: NumberSummary
    change: float
    low: float
    high: float
    confidence: float
    moved_share: float
    moved_share_low: float
    moved_share_high: float

    @property
    def sentence(self) -> str:
        """One line for a person: 'output_tokens: median 120 before, 180 now (1.5 times, 1.4 to 1.6); p95 400 before, 650 now'."""
        missing = self.before.n_missing + self.after.n_missing
        without = f"; {missing} calls without it left out" if missing else ""
        if NUMBERS[self.name] == "share":
            return (
                f"{self.name}: {self.before.mean:.1%} before, {self.after.mean:.1%} now "
                f"({self.change:+.1%}, {self.low:+.1%} to {self.high:+.1%}){without}"
            )
        return (
            f"{self.name}: median {self.before.median:.4g} before, {self.after.median:.4g} now "
            f"({self.change:.3g} times, {self.low:.3g} to {self.high:.3g}); "
            f"p95 {self.before.p95:.4g} before, {self.after.p95:.4g} now{without}"
        )


def number_column(name: str, values: Sequence[float | bool | None]) -> NumberColumn:
    """The column of a number by its name in NUMBERS; None and NaN are missing.

    Raises ConfigError for a name, InputError for a value below 0 or infinite, or a share that is neither 0 nor 1.
    """
    kind = _kind(name)
    given = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    is_kept = ~np.isnan(given)
    kept = given[is_kept]
    if kind == "share" and not np.isin(kept, (0, 1)).all():
        raise InputError(f"expected 0 or 1 for {name}, got {kept[~np.isin(kept, (0, 1))][0]:g}")
    impossible = kept[~(np.isfinite(kept) & (kept >= 0))]
    if len(impossible):
        raise InputError(f"expected finite numbers of at least 0 for {name}, got {impossible[0]:g}")
    column = kept if kind == "share" else np.log1p(kept)
    return NumberColumn(name=name, column=column.astype(np.float32)[:, None], values=kept, is_kept=is_kept)


def number_effect(
    reference: NumberColumn,
    current: NumberColumn,
    *,
    reference_groups: Groups | None = None,
    current_groups: Groups | None = None,
    confidence: float = 0.95,
    n_bootstraps: int = 400,
    seed: int = 0,
) -> NumberEffect:
    """Before and after of one number. Groups name the blocks (sessions) of the kept rows; without them every row is one.

    The ratio of positive numbers is the median, over the 100 quantiles 0.5 %, 1.5 %, ..., 99.5 %, of the log-scale difference between the
    sides' quantiles (a Hodges-Lehmann shift by quantiles: the shift itself where one distribution is the other moved, and unmoved by a
    tail). Its interval: percentiles of n_bootstraps draws of whole blocks with replacement; that of the distance, which noise only
    enlarges, is mirrored (basic bootstrap). Raises TooFewSamples without a value on a side.
    """
    if reference.name != current.name:
        raise InputError(f"expected the same number on both sides, got {reference.name} and {current.name}")
    for side, column in (("the reference", reference), ("current", current)):
        if not len(column.values):
            raise TooFewSamples(what=f"values of {reference.name} in {side}", needed=1, got=0)
    rng = np.random.default_rng(seed)
    weights = [
        np.vstack([np.ones(len(column.values)), _bootstrap_weights(len(column.values), groups, n_bootstraps, rng)])
        for column, groups in ((reference, reference_groups), (current, current_groups))
    ]
    changes, distances = _changes(reference, current, weights[0], weights[1])
    tails = (50 * (1 - confidence), 50 * (1 + confidence))
    low, high = np.percentile(changes[1:], tails)
    distance, drawn = distances[0], distances[1:]
    below, above = np.percentile(drawn, tails)
    moved_low, moved, moved_high = np.clip(2 * distance - np.array([above, drawn.mean(), below]), 0, 1)
    return NumberEffect(
        name=reference.name,
        before=_summary(reference),
        after=_summary(current),
        change=float(changes[0]),
        low=float(low),
        high=float(high),
        confidence=confidence,
        moved_share=float(moved),
        moved_share_low=float(moved_low),
        moved_share_high=float(moved_high),
    )


def _kind(name: str) -> Kind:
    if name not in NUMBERS:
        raise ConfigError(f"expected a number of {', '.join(NUMBERS)}, got {name!r}")
    return NUMBERS[name]


def _summary(column: NumberColumn) -> NumberSummary:
    return NumberSummary(
        median=float(np.median(column.values)),
        p95=float(np.percentile(column.values, 95)),
        mean=float(column.values.mean()),
        n_values=len(column.values),
        n_missing=column.n_missing,
    )


def _bootstrap_weights(
    n_rows: int, groups: Groups | None, n_bootstraps: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How often each row is drawn, whole blocks at a time: (n_bootstraps, n)."""
    blocks = as_groups(groups, n_rows=n_rows).numpy()
    n_blocks = int(blocks.max()) + 1
    counts = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_bootstraps)  # (b, s)
    return counts[:, blocks].astype(np.float64)


def _changes(
    reference: NumberColumn,
    current: NumberColumn,
    reference_weights: NDArray[np.float64],
    current_weights: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The change and the Kolmogorov-Smirnov distance under each row of weights: (b, n), (b, m) -> (b,), (b,)."""
    grid = np.unique(np.concatenate([reference.column[:, 0], current.column[:, 0]])).astype(np.float64)  # (g,)
    cumulative = [
        _distribution(grid, reference.column[:, 0], reference_weights),
        _distribution(grid, current.column[:, 0], current_weights),
    ]
    distances = np.abs(cumulative[1] - cumulative[0]).max(axis=1)
    if NUMBERS[reference.name] == "share":
        shares = [1 - one[:, 0] if grid[0] == 0 else np.ones(len(one)) for one in cumulative]
        return shares[1] - shares[0], distances
    quantiles = [np.array([grid[np.searchsorted(row, _QUANTILES)] for row in side]) for side in cumulative]  # (b, q)
    return np.exp(np.median(quantiles[1] - quantiles[0], axis=1)), distances


def _distribution(
    grid: NDArray[np.float64], values: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weighted distribution function at each point of the grid: values (n,), weights (b, n) -> (b, g)."""
    order = np.argsort(values, kind="stable")
    ends = np.searchsorted(values[order], grid, side="right")
    running = np.concatenate([np.zeros((len(weights), 1)), weights[:, order].cumsum(axis=1)], axis=1)
    distribution: NDArray[np.float64] = running[:, ends] / running[:, -1:]
    return distribution
