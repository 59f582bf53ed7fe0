"""Gaps, pairs and mentions as rows of table `findings`.

field: the measure; segment_by: group:<axis>; segment: the group; reference: what it is compared with, for pairs with ' (pairs)' behind it.
status gap: significant after correction and not small. statistic: the gap in the measure's unit; effect_size: in standard errors, as in
other findings; d and the interval are in the explanation. is_confirmed: a gap that was there in the same direction when the comparison last
said anything, or in the far tail. Of the field `mentions` statistic is the group's share, and nothing is tested.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftline_analyzers.bias.analysis import BiasReport
from driftline_analyzers.bias.comparison import REST, UNMENTIONED, GapRules, GroupGap
from driftline_analyzers.bias.counterfactual import PairedGap
from driftline_analyzers.bias.gap import Gap
from driftline_analyzers.bias.measures import UNITS
from driftline_analyzers.bias.representation import Representation
from driftline_analyzers.runner.records import to_time

BIAS: Final = "bias"
_VERSION: Final = "4"
MENTIONS: Final = "mentions"
COLUMNS: Final = (
    "finding_id", "project", "analyzer", "analyzer_version", "service", "model", "field", "segment_by", "segment", "prompt_version",
    "window_start", "window_end", "window_texts", "reference", "reference_version", "status", "statistic", "p_value", "p_value_corrected",
    "alpha", "effect_size", "is_confirmed", "is_small", "moved_share", "moved_share_low", "moved_share_high", "n_reference", "n_current",
    "n_effective", "n_tested", "explanation",
)  # fmt: skip
_SHOWN_CHARS: Final = 400
_FAR_TAIL: Final = 0.02
"""Of alpha: a corrected p-value below this share of it needs no second window."""

ComparisonKey = tuple[str, str, str, str]
"""field, segment_by, segment, reference"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasWindow:
    """Whose calls a report is of. Times: Unix ms. model: '' for all of the service. version: of the analyzer and its lexicon."""

    project: str
    service: str
    model: str
    prompt_version: str
    start_ms: int
    end_ms: int
    version: str


def findings_version(lexicon: str) -> str:
    """What findings are stored under: another lexicon finds other groups, so its findings are not continued by this one's."""
    return f"{_VERSION}-{lexicon}"


def finding_rows(
    report: BiasReport, window: BiasWindow, rules: GapRules, before: Mapping[ComparisonKey, float]
) -> list[tuple[object, ...]]:
    """Rows in the order of COLUMNS. Rows of a window that is analysed again replace those before.

    before: gaps that were found when these comparisons last said anything.
    """
    return [
        *(_gap_row(gap, report, window, rules, before) for gap in report.gaps),
        *(_pair_row(pair, report, window, rules, before) for pair in report.pairs),
        *(_mention_row(one, window) for one in report.representation),
    ]


def _gap_row(
    one: GroupGap, report: BiasReport, window: BiasWindow, rules: GapRules, before: Mapping[ComparisonKey, float]
) -> tuple[object, ...]:
    gap = one.gap
    explanation = {
        "kind": "group_gap",
        "sentence": _sentence(one, gap)
        + f" {gap.n_group} and {gap.n_other} sessions in {one.n_strata} groups of like prompts.",
        "gap": gap.gap,
        "low": gap.low,
        "high": gap.high,
        "d": gap.d,
        "unit": UNITS.get(one.measure, ""),
        "mean_group": gap.mean_group,
        "mean_other": gap.mean_other,
        "n_group_sessions": gap.n_group,
        "n_other_sessions": gap.n_other,
        "min_sessions": rules.min_sessions,
        "n_strata": one.n_strata,
        "matched_share": one.matched_share,
        "n_several": one.n_several,
        "n_permutations": gap.n_permutations,
        "is_exploratory": one.measure in rules.exploratory,
        "examples": _examples(report, one.examples),
        "reference_examples": _examples(report, one.other_examples),
    }
    return _row(
        window,
        field=one.measure,
        axis=one.axis,
        group=one.group,
        reference=one.other,
        status=one.status,
        statistic=gap.gap,
        p_value=None if one.status == "insufficient" else gap.p_value,
        q_value=one.q_value,
        alpha=rules.alpha,
        z=gap.z,
        is_small=one.is_small,
        n_reference=one.n_other_calls,
        n_current=one.n_group_calls,
        n_effective=gap.n_group,
        explanation=explanation,
        before=before,
    )


def _pair_row(
    one: PairedGap, report: BiasReport, window: BiasWindow, rules: GapRules, before: Mapping[ComparisonKey, float]
) -> tuple[object, ...]:
    is_significant = one.q_value is not None and one.q_value < rules.alpha
    is_large = abs(one.d) >= rules.min_d
    status = "insufficient" if one.q_value is None else "gap" if is_significant and is_large else "ok"
    explanation = {
        "kind": "pairs",
        "sentence": _sentence(one, one) + f" {one.n} pairs of prompts that differ in the group alone.",
        "gap": one.gap,
        "low": one.low,
        "high": one.high,
        "d": one.d,
        "unit": UNITS.get(one.measure, ""),
        "n_pairs": one.n,
        "examples": _examples(report, [first for first, _ in one.pairs]),
        "reference_examples": _examples(report, [second for _, second in one.pairs]),
    }
    return _row(
        window,
        field=one.measure,
        axis=one.axis,
        group=one.group,
        reference=f"{one.other} (pairs)",
        status=status,
        statistic=one.gap,
        p_value=None if one.q_value is None else one.p_value,
        q_value=one.q_value,
        alpha=rules.alpha,
        z=one.d * one.n**0.5,
        is_small=is_significant and not is_large,
        n_reference=one.n,
        n_current=one.n,
        n_effective=one.n,
        explanation=explanation,
        before=before,
    )


def _mention_row(one: Representation, window: BiasWindow) -> tuple[object, ...]:
    explanation = {
        "kind": "mentions",
        "sentence": f"{one.group}: {one.share:.1%} of what names a group of {one.axis} ({one.low:.1%} to {one.high:.1%}).",
        "share": one.share,
        "low": one.low,
        "high": one.high,
        "ratio": one.ratio,
    }
    return _row(
        window,
        field=MENTIONS,
        axis=one.axis,
        group=one.group,
        reference="",
        status="ok",
        statistic=one.share,
        p_value=None,
        q_value=None,
        alpha=0.0,
        z=0.0,
        is_small=False,
        n_reference=0,
        n_current=one.n_calls,
        n_effective=round(one.n_effective),
        explanation=explanation,
        before={},
    )


def _sentence(one: GroupGap | PairedGap, figures: Gap | PairedGap) -> str:
    than = {REST: "the other groups", UNMENTIONED: "calls that name no group"}.get(one.other, f"group {one.other}")
    way = "higher" if figures.gap >= 0 else "lower"
    return (
        f"{one.measure} of answers in group {one.group} is {abs(figures.gap):.3g} {way} than in {than} "
        f"(95 % interval of the difference {figures.low:.3g} to {figures.high:.3g}, d {figures.d:+.2f});"
    )


def _examples(report: BiasReport, rows: Sequence[int]) -> list[dict[str, str]]:
    return [
        {
            "text": report.calls[row].completion[:_SHOWN_CHARS],
            "prompt": report.calls[row].prompt[:_SHOWN_CHARS],
            "trace_id": report.calls[row].trace_id,
            "span_id": report.calls[row].span_id,
        }
        for row in rows
    ]


def _row(
    window: BiasWindow,
    *,
    field: str,
    axis: str,
    group: str,
    reference: str,
    status: str,
    statistic: float,
    p_value: float | None,
    q_value: float | None,
    alpha: float,
    z: float,
    is_small: bool,
    n_reference: int,
    n_current: int,
    n_effective: int,
    explanation: Mapping[str, Any],
    before: Mapping[ComparisonKey, float],
) -> tuple[object, ...]:
    segment_by = f"group:{axis}"
    is_far_tail = q_value is not None and q_value < alpha * _FAR_TAIL
    is_again = before.get((field, segment_by, group, reference), 0.0) * statistic > 0
    is_confirmed = status == "gap" and (is_far_tail or is_again)
    key = (
        window.project, BIAS, window.version, window.service, window.model, segment_by, group, field, str(window.start_ms),
        str(window.end_ms), reference,
    )  # fmt: skip
    return (
        hashlib.sha256("\x1f".join(key).encode()).hexdigest()[:32], window.project, BIAS, window.version, window.service,
        window.model, field, segment_by, group, window.prompt_version, to_time(window.start_ms), to_time(window.end_ms), 0, reference,
        "", status, statistic, p_value, q_value, alpha, z, int(is_confirmed), int(is_small), None, None, None, n_reference, n_current,
        n_effective, n_current, json.dumps(explanation, ensure_ascii=False),
    )  # fmt: skip
