"""How far a judge agrees with people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_core.errors import InputError

Counts = NDArray[np.float64]
_LEVELS: Final = {"1-5": (1, 2, 3, 4, 5), "0-1": (0, 1)}
_MIN_GROUPS: Final = 10
_MAX_UNDEFINED: Final = 0.05
_RESAMPLES_AT_A_TIME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of n_pairs answers that both the judge and a person scored. status: too_few says nothing either way, and has no estimates.

    kappa: Cohen's, with quadratic weights (on two levels the same as without); spearman: rank correlation; accuracy: share of equal scores;
    lenience: mean of judge minus person, in scores. An estimate is None where it is undefined: somebody gave one score to everything.
    n_judge_unknown, n_unlabelled: answers left out because the judge, or the person, gave no score. table: rows persons, columns judge.
    """

    status: Literal["ok", "too_few"]
    n_pairs: int
    n_groups: int
    n_judge_unknown: int
    n_unlabelled: int
    levels: tuple[int, ...]
    table: tuple[tuple[int, ...], ...]
    kappa: Estimate | None = None
    spearman: Estimate | None = None
    accuracy: Estimate | None = None
    lenience: Estimate | None = None


def agreement(
    judged: Sequence[float | None],
    labelled: Sequence[float | None],
    *,
    scale: Literal["1-5", "0-1"] = "1-5",
    groups: Sequence[str] | None = None,
    min_pairs: int = 30,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Agreement of a judge's scores with people's, both (n,) and in the same order; None is no score.

    groups: (n,), e.g. sessions or labellers; answers of one group are resampled together. Raises InputError on lengths that differ or
    a score that is not on the scale. Cohen 1968; intervals: percentile bootstrap, with one pair's worth of chance agreement mixed in, as
    without it perfect agreement in few pairs would have an interval without width.
    """
    levels = _LEVELS[scale]
    names = [str(i) for i in range(len(judged))] if groups is None else list(groups)
    if not len(judged) == len(labelled) == len(names):
        raise InputError(
            f"expected as many labels and groups as scores, got {len(labelled)}, {len(names)}, {len(judged)}"
        )
    pairs = [
        (_level(label, levels), _level(score, levels), name)
        for score, label, name in zip(judged, labelled, names, strict=True)
        if score is not None and label is not None
    ]
    k = len(levels)
    group_names = {name: i for i, name in enumerate(dict.fromkeys(name for _, _, name in pairs))}
    table = np.zeros((k, k))
    for row, column, _ in pairs:
        table[row, column] += 1
    n_groups = len(group_names)
    is_enough = len(pairs) >= max(1, min_pairs) and (groups is None or n_groups >= _MIN_GROUPS)
    estimates: dict[str, Estimate | None] = {}
    if is_enough:
        by_group = None
        if groups is not None:
            by_group = np.zeros((n_groups, k, k))
            for row, column, name in pairs:
                by_group[group_names[name], row, column] += 1
        resampled = _resampled(table, by_group, n_resamples=n_resamples, generator=np.random.default_rng(seed))
        statistics = {"kappa": kappa, "spearman": rank_correlation, "accuracy": accuracy, "lenience": lenience}
        estimates = {name: estimate(f(table[None])[0], f(resampled)) for name, f in statistics.items()}
    return Agreement(
        status="ok" if is_enough else "too_few",
        n_pairs=len(pairs),
        n_groups=n_groups,
        n_judge_unknown=sum(score is None for score in judged),
        n_unlabelled=sum(label is None for label in labelled),
        levels=levels,
        table=tuple(tuple(int(n) for n in row) for row in table),
        **estimates,
    )


def kappa(tables: Counts) -> NDArray[np.float64]:
    """Cohen's kappa with weights (i - j)^2 of each table, (b, k, k) -> (b,); NaN where all are in one row and column."""
    weights = (np.arange(tables.shape[1])[:, None] - np.arange(tables.shape[1])[None, :]) ** 2.0  # (k, k)
    rows, columns, n = tables.sum(2), tables.sum(1), tables.sum((1, 2))
    by_chance = np.einsum("bi,bj,ij->b", rows, columns, weights) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(by_chance > 0, 1 - np.einsum("bij,ij->b", tables, weights) / by_chance, np.nan)


def rank_correlation(tables: Counts) -> NDArray[np.float64]:
    """Spearman's rho of each table, (b, k, k) -> (b,), ties by their mean rank; NaN where a margin has one level alone."""
    n = tables.sum((1, 2))[:, None]
    rows, columns = tables.sum(2), tables.sum(1)
    rank_of_row = rows.cumsum(1) - rows / 2 - n / 2  # (b, k), centred
    rank_of_column = columns.cumsum(1) - columns / 2 - n / 2
    covariance = np.einsum("bij,bi,bj->b", tables, rank_of_row, rank_of_column)
    spread = (rows * rank_of_row**2).sum(1) * (columns * rank_of_column**2).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 1e-9, covariance / np.sqrt(spread), np.nan)


def accuracy(tables: Counts) -> NDArray[np.float64]:
    """Share on the diagonal, (b, k, k) -> (b,)."""
    shares: NDArray[np.float64] = np.trace(tables, axis1=1, axis2=2) / tables.sum((1, 2))
    return shares


def lenience(tables: Counts) -> NDArray[np.float64]:
    """Mean of column minus row, (b, k, k) -> (b,)."""
    levels = np.arange(tables.shape[1])
    means: NDArray[np.float64] = np.einsum("bij,ij->b", tables, levels[None, :] - levels[:, None]) / tables.sum((1, 2))
    return means


def estimate(value: float, resampled: NDArray[np.float64]) -> Estimate | None:
    """The value with the middle 95 % of its resamples, (b,); None where it, or more than a twentieth of them, is undefined."""
    defined = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(defined) < (1 - _MAX_UNDEFINED) * len(resampled):
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return Estimate(value=float(value), low=float(min(low, value)), high=float(max(high, value)))


def _level(score: float, levels: tuple[int, ...]) -> int:
    if score not in levels:
        raise InputError(f"expected scores among {', '.join(map(str, levels))}, got {score}")
    return levels.index(int(score))


def _resampled(table: Counts, by_group: Counts | None, *, n_resamples: int, generator: np.random.Generator) -> Counts:
    """Tables drawn anew, (b, k, k): pairs, or whole groups (g, k, k)."""
    n = table.sum()
    by_chance = np.outer(table.sum(1), table.sum(0)) / n**2  # (k, k), sums to 1
    if by_group is None:
        p = ((table + by_chance) / (n + 1)).ravel()
        return generator.multinomial(int(n), p / p.sum(), size=n_resamples).reshape(-1, *table.shape).astype(np.float64)
    g = len(by_group)
    units = np.concatenate([by_group, by_chance[None] * n / g]).reshape(g + 1, -1)  # (g + 1, k * k)
    drawn = [
        generator.multinomial(g, np.full(g + 1, 1 / (g + 1)), size=min(_RESAMPLES_AT_A_TIME, n_resamples - start))
        @ units
        for start in range(0, n_resamples, _RESAMPLES_AT_A_TIME)
    ]
    return np.concatenate(drawn).reshape(-1, *table.shape)
