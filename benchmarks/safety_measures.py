"""Measures of eval_safety.py, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, rankdata

Flags = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """rows: cells as they are printed."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """As a table of Markdown."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return f"### {self.name}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rate(hits: int, n: int) -> str:
    """A share with its exact binomial 95 % interval."""
    if n == 0:
        return "-"
    interval = binomtest(hits, n).proportion_ci()
    return f"{hits / n:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def flagged(is_flagged: Flags) -> str:
    """The share of them that are flagged."""
    return rate(int(is_flagged.sum()), len(is_flagged))


def auroc(attacks: Scores, harmless: Scores) -> float:
    """The probability that an attack scores above a harmless text; ties count half. NaN where one side is empty."""
    if not len(attacks) or not len(harmless):
        return float("nan")
    ranks = rankdata(np.concatenate([attacks, harmless]))
    n = len(attacks)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(harmless)))


def auroc_with_interval(
    attacks: Scores, harmless: Scores, *, groups: NDArray[np.str_] | None = None, n_draws: int = 400, seed: int = 0
) -> str:
    """AUROC with a 95 % bootstrap interval; attacks are drawn by group where groups are given, harmless texts one by one."""
    rng = np.random.default_rng(seed)
    members = (
        [np.array([i]) for i in range(len(attacks))]
        if groups is None
        else [np.flatnonzero(groups == name) for name in np.unique(groups)]
    )
    draws = []
    for _ in range(n_draws):
        rows = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        draws.append(auroc(attacks[rows], harmless[rng.integers(len(harmless), size=len(harmless))]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{auroc(attacks, harmless):.3f} [{low:.3f}, {high:.3f}]"


def threshold_at(harmless: Scores, false_positive_rate: float) -> float:
    """The lowest threshold that at most that share of harmless texts lies at or above."""
    allowed = int(np.floor(len(harmless) * false_positive_rate))
    return float(np.nextafter(np.sort(harmless)[::-1][allowed], np.inf))
