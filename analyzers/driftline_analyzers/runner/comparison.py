"""Tests one field of a segment's window against its reference; the one place where the runner meets tensors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from driftline_analyzers.drift.conditional import ConditionalDrift
from driftline_analyzers.drift.paired import (
    PAIRED_STATISTICS,
    PAIRED_STYLE_STATISTICS,
    PairedDriftDetector,
    PairedStatistic,
)
from driftline_analyzers.drift.result import DriftResult
from driftline_analyzers.drift.style_words import style_matrices
from driftline_analyzers.outliers.detector import OutlierDetector
from driftline_analyzers.outliers.excess import OutlierExcess, outlier_excess
from driftline_analyzers.outliers.result import OutlierResult
from driftline_analyzers.runner.checks import Check
from driftline_analyzers.runner.detectors import FittedReference, conditional_detector, style_detector
from driftline_analyzers.runner.findings import CONDITIONAL, NUMBERS, OUTLIERS, STYLE
from driftline_analyzers.runner.samples import FieldSample, Pairs, pair_answers
from driftline_analyzers.runner.sides import Measured, Side
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import TooFewSamples

Design = Literal["blocks", "pairs"]
_MIN_UNITS = 12
"""Fewer swapped units than this cannot reach a small p-value: 2^-12 is 0.0002."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOutliers:
    """Texts looked at beside the sample: result has one row a text of measured; flagged among themselves, as they were chosen."""

    measured: Measured
    result: OutlierResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found and of what. design: how it was compared. outliers: of analyzer 'outliers', one row a text of current;
    kept: of the same analyzer, None where nothing was kept beside the sample.
    """

    check: Check
    result: DriftResult
    current: Measured
    reference: Measured
    design: Design
    n_paired: int
    outliers: OutlierResult | None
    excess: OutlierExcess | None
    kept: KeptOutliers | None

    @property
    def described(self) -> Mapping[str, Any]:
        """The part of an explanation that says how it was tested."""
        return {
            "design": self.design,
            "n_paired": self.n_paired,
            "n_permutations": self.result.n_permutations,
            "n_effective_reference": self.result.n_effective_reference,
            "statistics": {
                name: {"value": _rounded(part.value), "z": round(part.z, 3), "p_value": part.p_value}
                for name, part in self.result.parts.items()
            },
        }


def samples(check: Check, current: Side, reference: Side) -> tuple[FieldSample, FieldSample]:
    """The texts or numbers of both sides that a test would compare, before anything is embedded."""
    if check.analyzer == NUMBERS:
        return current.numbers(check.field).sample, reference.numbers(check.field).sample
    return current.sample(check.field), reference.sample(check.field)


def require(current: FieldSample, reference: FieldSample, *, settings: AnalyzerSettings) -> None:
    """Raises TooFewSamples as the detectors do, before anything is embedded."""
    if len(current.texts) < settings.min_samples:
        raise TooFewSamples(what="texts in current", needed=settings.min_samples, got=len(current.texts))
    needed = math.ceil(settings.reference_ratio * settings.min_samples)
    if len(reference.texts) < needed:
        what = f"texts in the reference ({settings.reference_ratio:g} windows of {settings.min_samples})"
        raise TooFewSamples(what=what, needed=needed, got=len(reference.texts))


def compare(
    check: Check, current: Side, reference: FittedReference, *, kept: Side, settings: AnalyzerSettings
) -> Comparison:
    """Run one test. kept: calls beside the sample, for outliers. Raises TooFewSamples when a side has too few texts or blocks,
    and the embedder's errors.
    """
    if check.analyzer == OUTLIERS:
        return _outliers(check, current, reference, kept=kept, settings=settings)
    if check.analyzer == CONDITIONAL:
        return _conditional(check, current, reference.side, settings=settings)
    if check.analyzer == STYLE:
        return _style(check, current.style(), reference.side.style(), settings=settings)
    if check.analyzer == NUMBERS:
        return _blocks(check, "numbers", current.numbers(check.field), reference.side.numbers(check.field), reference)
    after, before = current.texts(check.field), reference.side.texts(check.field)
    if check.field == "completion":
        pairs = pair_answers(before.sample, after.sample)
        if _is_paired(pairs, n_current=len(after.values), settings=settings):
            result = _paired(PAIRED_STATISTICS, pairs, after, before, settings=settings)
            return _comparison(check, result, after, before, n_paired=len(pairs.current))
    return _blocks(check, "texts", after, before, reference)


def _blocks(check: Check, kind: str, after: Measured, before: Measured, reference: FittedReference) -> Comparison:
    detector = reference.drift(kind, check.field, before)
    return _comparison(check, detector.score(after.values, groups=after.sample.groups), after, before)


def _style(check: Check, after: Measured, before: Measured, *, settings: AnalyzerSettings) -> Comparison:
    """Features and words of the completions: of both sides together, as which words tell apart depends on both."""
    pairs = pair_answers(before.sample, after.sample)
    if _is_paired(pairs, n_current=len(after.values), settings=settings):
        result = _paired(PAIRED_STYLE_STATISTICS, pairs, after, before, settings=settings)
        return _comparison(check, result, after, before, n_paired=len(pairs.current))
    reference, current = style_matrices(before.sample.texts, after.sample.texts)
    detector = style_detector(settings).fit(reference, groups=before.sample.groups)
    return _comparison(check, detector.score(current, groups=after.sample.groups), after, before)


def _conditional(check: Check, current: Side, reference: Side, *, settings: AnalyzerSettings) -> Comparison:
    """Completions less what their prompts explain."""
    after, before = current.answers(), reference.answers()
    detector = ConditionalDrift(conditional_detector(settings))
    detector.fit(before.completions, prompts=before.prompts, groups=before.sample.groups)
    result = detector.score(after.completions, prompts=after.prompts, groups=after.sample.groups)
    return _comparison(
        check,
        result,
        Measured(sample=after.sample, values=after.completions),
        Measured(sample=before.sample, values=before.completions),
    )


def _outliers(
    check: Check, current: Side, reference: FittedReference, *, kept: Side, settings: AnalyzerSettings
) -> Comparison:
    """Are there more texts far from everything than among the reference's own? Both by their conformal p-values, over whole sessions."""
    after, before = current.texts(check.field), reference.side.texts(check.field)
    detector = reference.outliers(check.field)
    scored = detector.score(after.values)
    excess = outlier_excess(
        scored.p_values,
        detector.reference_p_values,
        groups=after.sample.groups,
        reference_groups=detector.reference_groups,
        n_draws=settings.max_permutations,
        seed=settings.seed,
    )
    if excess.n_blocks < settings.min_blocks:
        raise TooFewSamples(what="sessions or blocks in current", needed=settings.min_blocks, got=excess.n_blocks)
    result = DriftResult(
        statistic=excess.effect_size,
        p_value=excess.p_value,
        effect_size=excess.effect_size,
        alpha=settings.alpha,
        is_drift=excess.p_value <= settings.alpha,
        n_reference=len(before.values),
        n_current=len(after.values),
        n_tested=excess.n_texts,
        n_effective=excess.n_blocks,
        n_effective_reference=len(set(before.sample.groups)),
        n_permutations=excess.n_draws,
        parts={},
    )
    return _comparison(
        check,
        result,
        after,
        before,
        outliers=scored,
        excess=excess,
        kept=_kept(kept.texts(check.field), detector) if kept.sample(check.field).texts else None,
    )


def _kept(beside: Measured, detector: OutlierDetector) -> KeptOutliers:
    return KeptOutliers(measured=beside, result=detector.score(beside.values))


def _comparison(
    check: Check,
    result: DriftResult,
    after: Measured,
    before: Measured,
    *,
    n_paired: int = 0,
    outliers: OutlierResult | None = None,
    excess: OutlierExcess | None = None,
    kept: KeptOutliers | None = None,
) -> Comparison:
    return Comparison(
        check=check,
        result=result,
        current=after,
        reference=before,
        design="pairs" if n_paired else "blocks",
        n_paired=n_paired,
        outliers=outliers,
        excess=excess,
        kept=kept,
    )


def _is_paired(pairs: Pairs, *, n_current: int, settings: AnalyzerSettings) -> bool:
    return len(pairs.current) >= max(settings.min_samples, settings.paired_share * n_current) and pairs.n_units >= max(
        settings.min_blocks, _MIN_UNITS
    )


def _paired(
    statistics: Sequence[PairedStatistic],
    pairs: Pairs,
    current: Measured,
    reference: Measured,
    *,
    settings: AnalyzerSettings,
) -> DriftResult:
    detector = PairedDriftDetector(
        statistics,
        alpha=settings.alpha,
        n_permutations=settings.n_permutations,
        max_permutations=settings.max_permutations,
        min_samples=settings.min_samples,
        device=settings.device,
        seed=settings.seed,
    )
    detector.fit(reference.values[list(pairs.reference)], groups=np.asarray(pairs.units))
    return detector.score(current.values[list(pairs.current)])


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
