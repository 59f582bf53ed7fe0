"""Why a window differs, for a finding: how much moved, and what shows it. Only a window that looks different is explained."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from driftline_analyzers.drift.numbers import number_effect
from driftline_analyzers.drift.style import STYLE_FEATURES
from driftline_analyzers.drift.style_shift import style_shifts
from driftline_analyzers.explain.effect import Effect
from driftline_analyzers.explain.effect import number_effect as column_effect
from driftline_analyzers.explain.pool import pool_groups
from driftline_analyzers.runner.comparison import Comparison
from driftline_analyzers.runner.detectors import FittedReference, style_detector
from driftline_analyzers.runner.findings import CONDITIONAL, NUMBERS, OUTLIERS, STYLE
from driftline_analyzers.runner.outlier_explanation import OutlierExplainer
from driftline_analyzers.runner.records import WindowContent
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.runner.sides import Measured, Side
from driftline_analyzers.runner.text_explanation import explain_texts
from driftline_analyzers.settings import AnalyzerSettings

_SUSPECT_P_VALUE = 0.05
_SHOWN_FEATURES = 5

Columns = Mapping[str, Any]
"""The finding's columns of the effect."""


class Explainer:
    """Explains the comparisons of one project."""

    def __init__(self, settings: AnalyzerSettings, *, outliers: OutlierExplainer) -> None:
        self._settings = settings
        self._outliers = outliers

    def explain(
        self, comparison: Comparison, current: Side, fitted: FittedReference, content: WindowContent, segment: Segment
    ) -> tuple[dict[str, Any], Columns]:
        """The explanation's own part, and the finding's columns of the effect. Raises StoreError and the embedder's errors."""
        if comparison.check.analyzer == OUTLIERS:
            return self._outliers.explain(comparison, content, segment), {}
        if comparison.result.p_value > _SUSPECT_P_VALUE:
            return {}, {}
        if comparison.check.analyzer == NUMBERS:
            return self._number(comparison, current, fitted.side)
        if comparison.check.analyzer == STYLE:
            return self._style(comparison)
        explanation, effect = explain_texts(comparison, self._settings)
        if comparison.check.analyzer == CONDITIONAL:
            explanation["sentence"] = "Given the prompts: " + explanation["sentence"]
        return explanation, _columns(effect)

    def _number(self, comparison: Comparison, current: Side, reference: Side) -> tuple[dict[str, Any], Columns]:
        field = comparison.check.field
        found = number_effect(
            reference.column(field),
            current.column(field),
            reference_groups=comparison.reference.sample.groups,
            current_groups=comparison.current.sample.groups,
            seed=self._settings.seed,
        )
        effect = _column_effect(comparison.reference, comparison.current, 0, seed=self._settings.seed)
        described = {
            side: {"median": number.median, "p95": number.p95, "mean": number.mean, "n_missing": number.n_missing}
            for side, number in (("before", found.before), ("after", found.after))
        }
        change = {"change": found.change, "low": found.low, "high": found.high}
        return (
            {
                "numbers": described | change,
                "effect": effect.as_dict(is_drift=True),
                "sentence": f"{found.sentence}; {effect.sentence(is_drift=True)}",
            },
            _columns(effect),
        )

    def _style(self, comparison: Comparison) -> tuple[dict[str, Any], Columns]:
        shifts = style_shifts(
            style_detector(self._settings),
            comparison.reference.values,
            comparison.current.values,
            reference_groups=comparison.reference.sample.groups,
            current_groups=comparison.current.sample.groups,
        )
        surest = shifts[0]
        feature = STYLE_FEATURES.index(surest.feature)
        effect = _column_effect(comparison.reference, comparison.current, feature, seed=self._settings.seed)
        return (
            {
                "style": [
                    {
                        "feature": shift.feature,
                        "label": shift.label,
                        "before": round(shift.before, 4),
                        "after": round(shift.after, 4),
                        "distance": round(shift.distance, 4),
                        "p_value": shift.p_value,
                        "sentence": shift.sentence,
                    }
                    for shift in shifts[:_SHOWN_FEATURES]
                ],
                "effect": effect.as_dict(is_drift=True),
                "sentence": surest.sentence,
            },
            _columns(effect),
        )


def _column_effect(before: Measured, after: Measured, column: int, *, seed: int) -> Effect:
    pool = pool_groups(
        before.sample.groups, after.sample.groups, n_reference=len(before.values), n_current=len(after.values)
    )
    values = np.concatenate([before.values[:, column], after.values[:, column]])
    return column_effect(values, pool, seed=seed)


def _columns(effect: Effect) -> Columns:
    return {
        "is_small": effect.is_small,
        "moved_share": effect.moved_share,
        "moved_share_low": effect.low,
        "moved_share_high": effect.high,
    }
