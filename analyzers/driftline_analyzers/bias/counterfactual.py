"""Pairs of calls that ask the same of two groups, and whether the answers differ: the one design here that controls the topic fully."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.effect import effect_size
from driftline_analyzers.bias.labels import AxisLabels
from driftline_analyzers.bias.lexicon import GroupLexicon
from driftline_analyzers.bias.units import Floats
from driftline_analyzers.correction import benjamini_hochberg

MIN_PAIRS: Final = 60
_DRAWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedGap:
    """Mean of measure(group) - measure(other) over n independent pairs; low, high: 95 % bootstrap interval over them; d: in standard
    deviations of the differences. p_value: sign flips. q_value: over what was tested together, None below MIN_PAIRS.
    pairs: the most telling ones' rows.
    """

    axis: str
    group: str
    other: str
    measure: str
    gap: float
    low: float
    high: float
    d: float
    n: int
    p_value: float
    q_value: float | None
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """rows: (p, 2) places of calls; units: (p,) number of the independent unit that each pair belongs to, 0 to u - 1."""

    rows: NDArray[np.int64]
    units: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int]], wordings: Sequence[int], calls: Sequence[BiasCall]) -> Self:
        """Pairs of one wording are one unit, however often it was sent: they say something of this wording alone.

        So are pairs across the same sessions; what a session has in common cancels where both calls are of it.
        """
        sessions: dict[str, int] = {}
        edges = []
        for (one, other), wording in zip(rows, wordings, strict=True):
            of_pair = {calls[one].session, calls[other].session}
            edges += [(wording, -1 - sessions.setdefault(name, len(sessions))) for name in of_pair if len(of_pair) > 1]
        n_wordings = max(wordings, default=-1) + 1
        ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
        ends[:, 1] = n_wordings - 1 - ends[:, 1]
        n = n_wordings + len(sessions)
        graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
        part = connected_components(graph, directed=False)[1]
        units = np.unique(part[np.asarray(wordings, dtype=np.int64)], return_inverse=True)[1]
        return cls(rows=np.array(rows, dtype=np.int64).reshape(-1, 2), units=units.reshape(-1).astype(np.int64))


def find_pairs(calls: Sequence[BiasCall], axis: AxisLabels, lexicon: GroupLexicon) -> dict[tuple[str, str], Pairs]:
    """Calls whose prompts are the same but for words of this axis, or that the app says are a pair, by (group, other).

    Each call is in at most one pair of each two groups, in order of rows; calls of another model or service (matched_by) are no pairs.
    """
    by_wording: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, call in enumerate(calls):
        if axis.label[row] >= 0 and call.prompt.strip():
            mentions = [one for one in lexicon.find(call.prompt) if one.axis == axis.axis and not axis.is_declared]
            masked = " ".join(lexicon.mask(call.prompt, mentions).lower().split())
            by_wording[call.matched_by, f"\0{call.pair}" if call.pair else masked][int(axis.label[row])].append(row)
    rows: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    wordings: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, of_wording in enumerate(by_wording.values()):
        for one, other in combinations(sorted(of_wording), 2):
            groups = axis.groups[one], axis.groups[other]
            found = list(zip(of_wording[one], of_wording[other], strict=False))
            rows[groups] += found
            wordings[groups] += [number] * len(found)
    return {groups: Pairs.of(rows[groups], wordings[groups], calls) for groups in rows}


def paired_gaps(
    pairs: Mapping[tuple[str, str], Pairs],
    measures: Mapping[str, Floats],
    *,
    axis: str,
    n_permutations: int = 9_999,
    n_bootstrap: int = 999,
    seed: int = 0,
) -> list[PairedGap]:
    """Sign-flip tests of every two groups and measure. measures: (n,) by name, NaN unknown. Fewer than ten units are not shown.

    `corrected` adds the q-values.
    """
    found: list[PairedGap] = []
    for (group, other), of_groups in pairs.items():
        for name, values in measures.items():
            differences = values[of_groups.rows[:, 0]] - values[of_groups.rows[:, 1]]
            is_known = np.isfinite(differences)
            _, first, units = np.unique(of_groups.units[is_known], return_index=True, return_inverse=True)
            if len(first) < 10:
                continue
            known = np.bincount(units.reshape(-1), differences[is_known]) / np.bincount(units.reshape(-1))
            of_known = of_groups.rows[is_known][first]
            mean, spread = float(known.mean()), float(known.std(ddof=1))
            rng = np.random.default_rng(seed)
            drawn = known[rng.integers(len(known), size=(n_bootstrap, len(known)))].mean(1)
            low, high = np.quantile(drawn, [0.025, 0.975])
            telling = np.argsort(-known * np.sign(mean), kind="stable")[:3]
            found.append(
                PairedGap(
                    axis=axis,
                    group=group,
                    other=other,
                    measure=name,
                    gap=mean,
                    low=float(low),
                    high=float(high),
                    d=effect_size(mean, spread),
                    n=len(known),
                    p_value=sign_flip_p(known, n_permutations=n_permutations, seed=seed),
                    q_value=None,
                    pairs=tuple((int(one), int(two)) for one, two in of_known[telling]),
                )
            )
    return found


def sign_flip_p(differences: Floats, *, n_permutations: int, seed: int = 0) -> float:
    """Two-sided p-value of mean 0 where every difference could as well have the other sign: (1 + count) / (1 + n). differences: (n,)."""
    observed = abs(float(differences.sum()))
    if observed <= 1e-12 * max(1.0, float(np.abs(differences).sum())):
        return 1.0
    rng = np.random.default_rng(seed)
    n_reaching = 0
    for begin in range(0, n_permutations, _DRAWS):
        n_draws = min(_DRAWS, n_permutations - begin)
        signs: NDArray[np.int64] = rng.integers(0, 2, size=(n_draws, len(differences))) * 2 - 1
        n_reaching += int((np.abs(signs @ differences) >= observed * (1 - 1e-9)).sum())
    return (1 + n_reaching) / (1 + n_permutations)


def corrected(found: Sequence[PairedGap], *, min_pairs: int = MIN_PAIRS) -> list[PairedGap]:
    """With q-values over all that have at least min_pairs pairs. Benjamini & Hochberg 1995."""
    tested = [i for i, one in enumerate(found) if one.n >= min_pairs]
    with_q = list(found)
    if tested:
        q_values = benjamini_hochberg([found[i].p_value for i in tested])
        for i, q_value in zip(tested, q_values.tolist(), strict=True):
            with_q[i] = replace(found[i], q_value=q_value)
    return with_q
