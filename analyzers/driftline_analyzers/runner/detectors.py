"""The detectors as the settings want them, and those that have learnt a reference, kept while windows are compared with it."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from driftline_analyzers.drift.conditional import CONDITIONAL_STATISTICS
from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.statistics.statistic import Statistic
from driftline_analyzers.drift.style_words import STYLE_STATISTICS
from driftline_analyzers.outliers.detector import OutlierDetector
from driftline_analyzers.outliers.registry import OUTLIER_DETECTORS
from driftline_analyzers.runner.records import Reference
from driftline_analyzers.runner.sides import Measured, Side
from driftline_analyzers.settings import AnalyzerSettings

_KEPT = 4
"""References whose detectors are kept at once; one can take a few hundred megabytes."""


class FittedReference:
    """A reference and the detectors that have learnt it, each when it is first asked for."""

    def __init__(self, reference: Reference, side: Side, settings: AnalyzerSettings) -> None:
        self.reference = reference
        self.side = side
        self.max_permutations = settings.max_permutations
        self._settings = settings
        self._drift: dict[tuple[str, str], DriftDetector] = {}
        self._outliers: dict[str, OutlierDetector] = {}

    def drift(self, kind: str, field: str, measured: Measured) -> DriftDetector:
        """The drift detector of the texts ('texts') or numbers ('numbers') of a field. Raises TooFewSamples."""
        if (kind, field) not in self._drift:
            detector = text_detector(self._settings) if kind == "texts" else number_detector(self._settings)
            self._drift[(kind, field)] = detector.fit(measured.values, groups=measured.sample.groups)
        found = self._drift[(kind, field)]
        found.max_permutations = self.max_permutations
        return found

    def outliers(self, field: str) -> OutlierDetector:
        """The outlier detector of a field's texts. Raises TooFewSamples."""
        if field not in self._outliers:
            measured = self.side.texts(field)
            detector = outlier_detector(self._settings)
            self._outliers[field] = detector.fit(measured.values, groups=measured.sample.groups)
        return self._outliers[field]


class FittedReferences:
    """The references that were used last, by what they hold. max_permutations: of the tests to come; a far tail goes so far."""

    def __init__(self, settings: AnalyzerSettings, make_side: Callable[[Reference], Side]) -> None:
        self._settings = settings
        self.max_permutations = settings.max_permutations
        self._make_side = make_side
        self._kept: OrderedDict[tuple[object, ...], FittedReference] = OrderedDict()

    def get(self, reference: Reference) -> FittedReference:
        """The reference with what was learnt of it."""
        found = self._kept.pop(reference.key, None)
        if found is None:
            found = FittedReference(reference, self._make_side(reference), self._settings)
        self._kept[reference.key] = found
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        found.max_permutations = self.max_permutations
        return found


def text_detector(settings: AnalyzerSettings) -> DriftDetector:
    """Of embeddings: the ensemble that the settings name."""
    return _detector(settings, settings.drift_statistics, count_repeats=False)


def conditional_detector(settings: AnalyzerSettings) -> DriftDetector:
    """Of embeddings of completions given their prompts."""
    return _detector(settings, CONDITIONAL_STATISTICS, count_repeats=False)


def style_detector(settings: AnalyzerSettings) -> DriftDetector:
    """Of style features and words."""
    return _detector(settings, STYLE_STATISTICS, count_repeats=False)


def number_detector(settings: AnalyzerSettings) -> DriftDetector:
    """Of plain numbers, which count however often they repeat."""
    return _detector(settings, ("kolmogorov_smirnov", "top_mean_shift"), count_repeats=True)


def outlier_detector(settings: AnalyzerSettings) -> OutlierDetector:
    """As the settings want it."""
    return OUTLIER_DETECTORS[settings.outlier_detector](
        fdr=settings.outlier_fdr,
        min_samples=int(settings.reference_ratio * settings.min_samples),
        device=settings.device,
        seed=settings.seed,
    )


def _detector(
    settings: AnalyzerSettings, statistics: Sequence[str | Statistic], *, count_repeats: bool
) -> DriftDetector:
    return DriftDetector(
        statistics,
        alpha=settings.alpha,
        n_permutations=settings.n_permutations,
        max_permutations=settings.max_permutations,
        min_samples=settings.min_samples,
        min_blocks=settings.min_blocks,
        reference_ratio=settings.reference_ratio,
        count_repeats=count_repeats,
        device=settings.device,
        seed=settings.seed,
    )
