"""Every group against the others of its axis, on every measure: gaps with intervals, and which of them are findings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.adjustment import PromptAdjustments, Prompts
from driftline_analyzers.bias.gap import Gap, measure_gap
from driftline_analyzers.bias.labels import NONE, AxisLabels
from driftline_analyzers.bias.position import position_gap
from driftline_analyzers.bias.units import Floats, Ints, Units, make_units
from driftline_analyzers.correction import benjamini_hochberg

POSITION: Final = "position"
"""The measure that is a vector."""
REST: Final = "rest"
"""All other groups of the axis."""
UNMENTIONED: Final = "unmentioned"
"""Calls that name no group of the axis."""

GapStatus = Literal["ok", "gap", "insufficient"]
OtherName = Literal["rest", "unmentioned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRules:
    """When a gap is a finding, and how hard it is looked at. Numbers count sessions: a call without one is a session of its own.

    min_sessions: fewest of each arm, in matched strata, for a p-value to count; min_shown: fewest for an interval to be shown.
    exploratory: measures that are shown and are no findings: what is asked differs a little inside a cluster of prompts too, and where
    answers lie follows what was asked.
    """

    min_sessions: int = 100
    min_shown: int = 10
    min_d: float = 0.2
    alpha: float = 0.05
    others: tuple[OtherName, ...] = (REST,)
    exploratory: frozenset[str] = frozenset({POSITION})
    n_permutations: int = 999
    max_permutations: int = 19_999
    n_bootstrap: int = 999
    n_examples: int = 3
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupGap:
    """A measure of one group against another arm. other: a group's name, 'rest' or 'unmentioned'.

    q_value: Benjamini-Hochberg over everything that was tested together; None below min_sessions and for exploratory measures. is_small:
    significant, and smaller than the floor. matched_share: calls of either arm that were in strata with both. n_several: calls that name
    more than one group of the axis, and are in neither arm. examples, other_examples: rows of calls that carry the gap the most.
    """

    axis: str
    group: str
    other: str
    measure: str
    status: GapStatus
    is_small: bool
    gap: Gap
    q_value: float | None
    n_group_calls: int
    n_other_calls: int
    n_strata: int
    matched_share: float
    n_several: int
    examples: tuple[int, ...]
    other_examples: tuple[int, ...]


def compare_groups(
    labels: Sequence[AxisLabels],
    measures: Mapping[str, Floats],
    *,
    stratum: Ints,
    session: Ints,
    prompts: Prompts | None = None,
    vectors: NDArray[np.float32] | None = None,
    rules: GapRules | None = None,
) -> list[GroupGap]:
    """All gaps that enough sessions speak about. measures: (n,) by name, NaN unknown; stratum, session: (n,) numbers.

    prompts: what was asked, whose part in a measure is taken out; vectors: (n, d) of the masked answers for the measure 'position'. An axis
    of two groups is one comparison; of more, each group against the rest.
    """
    rules = rules or GapRules()
    adjustments = PromptAdjustments(prompts)
    found: list[GroupGap] = []
    for axis, group, other, arm in _comparisons(labels, rules):
        units = make_units(arm=arm, stratum=stratum, session=session)
        if min(units.n_sessions(0), units.n_sessions(1)) < rules.min_shown:
            continue
        for name, values in measures.items():
            gap = measure_gap(
                units,
                values,
                adjustments=adjustments,
                n_permutations=rules.n_permutations,
                max_permutations=rules.max_permutations,
                n_bootstrap=rules.n_bootstrap,
                seed=rules.seed,
            )
            found += _described(axis, named=(group, other, name), gap=gap, units=units, values=values, rules=rules)
        if vectors is not None:
            gap = position_gap(
                units, vectors, adjustments=adjustments, n_permutations=rules.n_permutations, seed=rules.seed
            )
            along = _along(units, vectors)
            found += _described(axis, named=(group, other, POSITION), gap=gap, units=units, values=along, rules=rules)
    return _decided(found, rules)


def _comparisons(
    labels: Sequence[AxisLabels], rules: GapRules
) -> Iterator[tuple[AxisLabels, str, str, NDArray[np.int64]]]:
    """(axis, group, other, arm of each call)"""
    for axis in labels:
        seen = [number for number in range(len(axis.groups)) if (axis.label == number).sum() >= rules.min_shown]
        for place, number in enumerate(seen):
            is_group = axis.label == number
            if REST in rules.others and len(seen) > 1 and not (len(seen) == 2 and place == 1):
                other = axis.groups[seen[1]] if len(seen) == 2 else REST
                is_other = np.isin(axis.label, [one for one in seen if one != number])
                yield axis, axis.groups[number], other, _arm(is_group, is_other)
            if UNMENTIONED in rules.others:
                yield axis, axis.groups[number], UNMENTIONED, _arm(is_group, axis.label == NONE)


def _arm(is_group: NDArray[np.bool_], is_other: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(is_group, 1, np.where(is_other, 0, -1)).astype(np.int64)


def _described(
    axis: AxisLabels, *, named: tuple[str, str, str], gap: Gap | None, units: Units, values: Floats, rules: GapRules
) -> list[GroupGap]:
    if gap is None or min(gap.n_group, gap.n_other) < rules.min_shown:
        return []
    group, other, measure = named
    is_up = gap.gap >= 0
    return [
        GroupGap(
            axis=axis.axis,
            group=group,
            other=other,
            measure=measure,
            status="insufficient" if min(gap.n_group, gap.n_other) < rules.min_sessions else "ok",
            is_small=False,
            gap=gap,
            q_value=None,
            n_group_calls=units.n_calls(1),
            n_other_calls=units.n_calls(0),
            n_strata=units.n_strata,
            matched_share=len(units.rows) / max(1, units.n_labelled),
            n_several=axis.n_several,
            examples=_extremes(units, values, arm=1, is_highest=is_up, n=rules.n_examples),
            other_examples=_extremes(units, values, arm=0, is_highest=not is_up, n=rules.n_examples),
        )
    ]


def _extremes(units: Units, values: Floats, *, arm: int, is_highest: bool, n: int) -> tuple[int, ...]:
    """Rows of an arm that lie furthest to one side of their stratum, at most one a session."""
    of_rows = values[units.rows]
    usable = np.flatnonzero(np.isfinite(of_rows))
    stratum = units.stratum[units.unit[usable]]
    sums = np.bincount(stratum, of_rows[usable], minlength=units.n_strata)
    means = sums / np.maximum(np.bincount(stratum, minlength=units.n_strata), 1)
    residual = (of_rows[usable] - means[stratum]) * (1 if is_highest else -1)
    chosen: dict[int, int] = {}
    for place in np.lexsort((units.rows[usable], -residual)):
        unit = int(units.unit[usable[place]])
        if units.arm[unit] == arm and unit not in chosen and len(chosen) < n:
            chosen[unit] = int(units.rows[usable[place]])
    return tuple(chosen.values())


def _along(units: Units, vectors: NDArray[np.float32]) -> Floats:
    """(n,) how far each answer lies towards those of the group, for examples alone."""
    y = units.means(vectors.astype(np.float64))
    known = np.isfinite(y).all(1)
    towards = y[known & (units.arm == 1)].mean(0) - y[known & (units.arm == 0)].mean(0)
    return np.asarray(vectors @ towards, dtype=np.float64)


def _decided(found: Sequence[GroupGap], rules: GapRules) -> list[GroupGap]:
    """Correct over what had enough sessions, and say which gaps are findings."""
    tested = [i for i, one in enumerate(found) if one.status != "insufficient" and one.measure not in rules.exploratory]
    if not tested:
        return list(found)
    q_values = benjamini_hochberg([found[i].gap.p_value for i in tested])
    decided = list(found)
    for i, q_value in zip(tested, q_values.tolist(), strict=True):
        is_significant = q_value < rules.alpha
        is_large = abs(found[i].gap.d) >= rules.min_d
        decided[i] = replace(
            found[i],
            q_value=q_value,
            status="gap" if is_significant and is_large else "ok",
            is_small=is_significant and not is_large,
        )
    return decided
