"""Pairs of calls that ask the same of two groups, and whether the answers differ: the one design here that controls the topic fully."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.labels import AxisLabels
from driftline_analyzers.bias.lexicon import GroupLexicon
from driftline_analyzers.bias.units import Floats
from driftline_analyzers.correction import benjamini_hochberg

MIN_PAIRS: Final = 60
_DRAWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedGap:
    """Mean of measure(group) - measure(other) over n pairs; low, high: 95 % bootstrap interval over pairs; d: in standard deviations of the
    differences. p_value: sign flips. q_value: over what was tested together, None below MIN_PAIRS. pairs: the most telling ones' rows.
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


def find_pairs(
    calls: Sequence[BiasCall], axis: AxisLabels, lexicon: GroupLexicon
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Rows of calls whose prompts are the same but for words of this axis, by pair of groups: {(group, other): [(row, row)]}.

    Each call is in at most one pair of each two groups, in order of rows; calls of another model or service (matched_by) are no pairs.
    """
    by_prompt: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, call in enumerate(calls):
        if axis.label[row] >= 0 and call.prompt.strip():
            mentions = [one for one in lexicon.find(call.prompt) if one.axis == axis.axis]
            key = (call.matched_by, " ".join(lexicon.mask(call.prompt, mentions).lower().split()))
            by_prompt[key][int(axis.label[row])].append(row)
    pairs: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for rows in by_prompt.values():
        numbers = sorted(rows)
        for i, one in enumerate(numbers):
            for other in numbers[i + 1 :]:
                pairs[axis.groups[one], axis.groups[other]] += zip(rows[one], rows[other], strict=False)
    return dict(pairs)


def paired_gaps(
    pairs: Mapping[tuple[str, str], Sequence[tuple[int, int]]],
    measures: Mapping[str, Floats],
    *,
    axis: str,
    n_permutations: int = 9_999,
    n_bootstrap: int = 999,
    seed: int = 0,
) -> list[PairedGap]:
    """Sign-flip tests of every two groups and measure. measures: (n,) by name, NaN unknown. Fewer than ten pairs are not shown.

    `corrected` adds the q-values.
    """
    found: list[PairedGap] = []
    for (group, other), rows in pairs.items():
        of_pairs = np.asarray(rows, dtype=np.int64)
        for name, values in measures.items():
            differences = values[of_pairs[:, 0]] - values[of_pairs[:, 1]]
            is_known = np.isfinite(differences)
            if is_known.sum() < 10:
                continue
            known, of_known = differences[is_known], of_pairs[is_known]
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
                    d=mean / spread if spread > 1e-12 else 0.0,
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
