"""Which style features moved, from what to what: the explanation beside a style drift test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.statistics.kolmogorov_smirnov import KolmogorovSmirnov
from driftline_analyzers.drift.style import STYLE_FEATURES
from driftline_analyzers.vectors import Groups, Vectors
from driftline_core.errors import InputError

_Typical = Literal["median_of_log", "mean", "share"]

_FEATURES: Final[Mapping[str, tuple[str, _Typical]]] = {
    "log_chars": ("characters an answer", "median_of_log"),
    "log_words": ("words an answer", "median_of_log"),
    "chars_per_word": ("characters a word", "mean"),
    "newline_rate": ("line breaks in 100 words", "mean"),
    "list_line_share": ("share of lines that are list items", "share"),
    "bold_rate": ("bold spans in 100 words", "mean"),
    "code_fences": ("code blocks an answer, mean of log(1 + n)", "mean"),
    "comma_rate": ("commas in 100 words", "mean"),
    "exclamation_rate": ("exclamation marks in 100 words", "mean"),
    "refusal": ("share of answers that refuse", "share"),
    "eager_opener": ("share of answers that open with 'Sure' or its like", "share"),
    "type_token_ratio": ("different words among the first 100, share", "share"),
    "ends_with_punctuation": ("share of answers that end with punctuation", "share"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleShift:
    """One feature. before, after: its typical value in the reference and in current, in the unit that `label` says. distance: between the
    two distributions (Kolmogorov-Smirnov), 0 to 1. p_value: corrected for the number of features, never 0.
    """

    feature: str
    label: str
    before: float
    after: float
    distance: float
    p_value: float

    @property
    def sentence(self) -> str:
        """'words an answer: 118 before, 231 now', shares in per cent."""
        if _FEATURES[self.feature][1] == "share":
            return f"{self.label}: {self.before:.1%} before, {self.after:.1%} now"
        return f"{self.label}: {self.before:.3g} before, {self.after:.3g} now"


def style_shifts(
    detector: DriftDetector,
    reference: Vectors,
    current: Vectors,
    *,
    reference_groups: Groups | None = None,
    current_groups: Groups | None = None,
) -> tuple[StyleShift, ...]:
    """Every feature of `style_features`, the surest first. reference: (m, 13), current: (n, 13); groups as in the detector.

    The detector says how windows are redrawn (its n_permutations, ratio and seed); the p-value of a feature is how often the largest
    standardised distance of a redrawn window, over all features, reaches the observed one of this feature (Westfall and Young 1993).
    Raises what the detector raises, and InputError when the columns are not the style features.
    """
    before, after = detector.samples(reference, reference_groups, current, current_groups)
    if before.vectors.shape[1] != len(STYLE_FEATURES):
        raise InputError(f"expected {len(STYLE_FEATURES)} style features, got {before.vectors.shape[1]}")
    plan = detector.plan(before, after)
    rows = [before.vectors[plan.reference_rows], after.vectors[plan.current_rows]]
    blocks = torch.cat([plan.reference_blocks, plan.current_blocks + plan.n_reference_blocks])
    prepared = KolmogorovSmirnov().prepare(torch.cat(rows), blocks.to(rows[0].device))
    generator = torch.Generator().manual_seed(detector.seed)
    observed = plan.observed().to(rows[0].device)
    redrawn = plan.draw(detector.n_permutations, generator).to(rows[0].device)
    largest = prepared.standardised(redrawn).amax(0)  # (p,)
    reaching = (largest >= prepared.standardised(observed) - 1e-9).sum(1)  # (f,)
    p_values = ((1 + reaching).double() / (1 + detector.n_permutations)).tolist()
    distances = prepared.distances(observed)[:, 0].tolist()
    shifts = []
    for column, feature in enumerate(STYLE_FEATURES):
        label, typical = _FEATURES[feature]
        values = [_typical(side[:, column].double(), typical) for side in rows]
        shifts.append(
            StyleShift(
                feature=feature,
                label=label,
                before=values[0],
                after=values[1],
                distance=distances[column],
                p_value=p_values[column],
            )
        )
    return tuple(sorted(shifts, key=lambda shift: (shift.p_value, -shift.distance)))


def _typical(values: torch.Tensor, typical: _Typical) -> float:
    return float(values.quantile(0.5).expm1()) if typical == "median_of_log" else float(values.mean())
