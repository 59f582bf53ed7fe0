"""Tests one segment and field of a window against its reference; the one place where the runner meets tensors."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.drift.mmd_detectors import DriftResult, MMDDrift, PairedMMDDrift
from driftline_analyzers.embed.embedder import Embeddings
from driftline_analyzers.explain.explanation import SLICES, SliceTest, carrier, examples, lengths, shares, slice_value
from driftline_analyzers.outliers.knn import KnnOutliers, OutlierResult
from driftline_analyzers.runner.samples import FieldSample, Pairs, pair_answers
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import TooFewSamples

Design = Literal["blocks", "pairs"]
_SUSPECT_P_VALUE = 0.05
"""Slices are tested one by one only where the whole window looks different."""
_MIN_UNITS = 12
"""Fewer swapped units than this cannot reach a small p-value: 2^-12 is 0.0002."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A sample and its vectors, (n, d), in the same order."""

    sample: FieldSample
    vectors: Embeddings

    def select(self, keep: list[int]) -> "Side":
        """The rows of these numbers."""
        return Side(
            sample=FieldSample(
                rows=[self.sample.rows[i] for i in keep],
                texts=[self.sample.texts[i] for i in keep],
                groups=[self.sample.groups[i] for i in keep],
            ),
            vectors=self.vectors[keep],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found, how it was compared, and each current text's distance to the reference."""

    result: DriftResult
    design: Design
    outliers: OutlierResult
    n_paired: int


def compare(current: Side, reference: Side, *, field: str, settings: AnalyzerSettings) -> Comparison:
    """Test for drift, in pairs where most completions answer prompts that the reference answered too, and score outliers.

    Raises TooFewSamples when a side has too few texts or blocks.
    """
    result, n_paired = _test(current, reference, field=field, settings=settings)
    outliers = KnnOutliers(
        k=settings.outlier_neighbours,
        fdr=settings.outlier_fdr,
        min_samples=settings.min_samples,
        device=settings.device,
    )
    return Comparison(
        result=result,
        design="pairs" if n_paired else "blocks",
        outliers=outliers.fit(reference.vectors, groups=reference.sample.groups).score(current.vectors),
        n_paired=n_paired,
    )


def explain(
    comparison: Comparison, current: Side, reference: Side, *, field: str, settings: AnalyzerSettings
) -> dict[str, Any]:
    """Examples, lengths and slices. The texts come first that are most typical of the window and least of its reference."""
    detector = _detector(settings).fit(reference.vectors, groups=reference.sample.groups)
    novelty = comparison.outliers.scores
    typical = detector.witness(current.vectors, current.vectors)
    missing = -detector.witness(reference.vectors, current.vectors)
    is_suspect = comparison.result.p_value <= _SUSPECT_P_VALUE
    tests = _slice_tests(current, reference, field=field, settings=settings) if is_suspect else []
    return {
        "design": comparison.design,
        "n_paired": comparison.n_paired,
        "examples": examples(
            current.sample.rows, current.vectors, _ranks(typical) + _ranks(novelty), field=field, novelty=novelty
        ),
        "reference_examples": examples(reference.sample.rows, reference.vectors, missing, field=field),
        "novel_share": round(float((comparison.outliers.p_values <= 0.05).mean()), 4),
        "n_outliers": int(comparison.outliers.is_flagged.sum()),
        "length_chars": {"before": lengths(reference.sample), "after": lengths(current.sample)},
        "prompt_versions": {
            "before": shares(reference.sample.rows, "prompt_version"),
            "after": shares(current.sample.rows, "prompt_version"),
        },
        "models": {"before": shares(reference.sample.rows, "model"), "after": shares(current.sample.rows, "model")},
        "slices": [
            {
                "name": test.name,
                "value": test.value,
                "n_texts": test.n_texts,
                "share_before": test.share_before,
                "share_after": test.share_after,
                "p_value": test.p_value,
                "effect_size": test.effect_size,
            }
            for test in tests
        ],
        "carried_by": carrier(tests, alpha=settings.alpha),
        "n_permutations": comparison.result.n_permutations,
    }


def _detector(settings: AnalyzerSettings) -> MMDDrift:
    return MMDDrift(
        alpha=settings.alpha,
        n_permutations=settings.n_permutations,
        max_permutations=settings.max_permutations,
        min_samples=settings.min_samples,
        min_blocks=settings.min_blocks,
        device=settings.device,
        seed=settings.seed,
    )


def _test(current: Side, reference: Side, *, field: str, settings: AnalyzerSettings) -> tuple[DriftResult, int]:
    """The drift test, and how many pairs it used: 0 when it compared blocks."""
    detector = _detector(settings).fit(reference.vectors, groups=reference.sample.groups)
    if field == "completion":
        pairs = pair_answers(reference.sample, current.sample)
        if _is_paired(pairs, n_current=len(current.vectors), settings=settings):
            return _paired(pairs, current, reference, settings=settings), len(pairs.current)
    return detector.score(current.vectors, groups=current.sample.groups), 0


def _is_paired(pairs: Pairs, *, n_current: int, settings: AnalyzerSettings) -> bool:
    return len(pairs.current) >= max(settings.min_samples, settings.paired_share * n_current) and pairs.n_units >= max(
        settings.min_blocks, _MIN_UNITS
    )


def _paired(pairs: Pairs, current: Side, reference: Side, *, settings: AnalyzerSettings) -> DriftResult:
    detector = PairedMMDDrift(
        alpha=settings.alpha,
        n_permutations=settings.n_permutations,
        max_permutations=settings.max_permutations,
        min_samples=settings.min_samples,
        device=settings.device,
        seed=settings.seed,
    )
    detector.fit(reference.vectors[list(pairs.reference)], groups=np.asarray(pairs.units))
    return detector.score(current.vectors[list(pairs.current)])


def _slice_tests(current: Side, reference: Side, *, field: str, settings: AnalyzerSettings) -> list[SliceTest]:
    """Each value of prompt version and model in the window, alone, against the whole reference."""
    tests = []
    for name in SLICES:
        before, after = shares(reference.sample.rows, name), shares(current.sample.rows, name)
        if before.keys() == after.keys() and len(after) == 1:
            continue
        for value in after:
            keep = [i for i, row in enumerate(current.sample.rows) if slice_value(row, name) == value]
            part = current.select(keep)
            try:
                result, _ = _test(part, reference, field=field, settings=settings)
            except TooFewSamples:
                p_value, effect_size = None, None
            else:
                p_value, effect_size = result.p_value, result.effect_size
            tests.append(
                SliceTest(
                    name=name,
                    value=value,
                    n_texts=len(keep),
                    share_before=before.get(value, 0.0),
                    share_after=after[value],
                    p_value=p_value,
                    effect_size=effect_size,
                )
            )
    return tests


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) -> ranks over n, the largest value 1."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(1, len(values) + 1) / len(values)
    return ranks
