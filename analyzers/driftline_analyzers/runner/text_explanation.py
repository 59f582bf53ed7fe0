"""What explains a shift of texts: topics, examples, the slice that carries it, and whether length, language or format does."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.statistics.cluster_mix import population_stability_index
from driftline_analyzers.explain.covariates import Covariate, Outcome, covariates
from driftline_analyzers.explain.effect import Effect, topic_effect
from driftline_analyzers.explain.examples import Example, typical_examples
from driftline_analyzers.explain.pool import Sample, pool_samples
from driftline_analyzers.explain.sentence import sentence
from driftline_analyzers.explain.slices import Carrier, carried_by, slice_shift
from driftline_analyzers.explain.topics import topic_shift
from driftline_analyzers.runner.comparison import Comparison
from driftline_analyzers.runner.records import TextRow
from driftline_analyzers.runner.samples import FieldSample, limit_sample
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import TooFewSamples

_MAX_REFERENCE = 2000
"""Reference texts that an explanation looks at, whole sessions sampled; the test itself has looked at all of them."""
_EXAMPLES = 5
_EXAMPLE_CHARS = 300
_COLUMNS: Final = ("model", "prompt_version", "prompt_name", "release", "environment", "provider", "agent_name")
_MAX_METADATA = 5
_SLICE_ALPHA = 0.01
_NOUNS: Final = {"prompt": "prompts", "completion": "responses", "query": "queries", "document": "documents"}
_SLICE_PERMUTATIONS = 199


def explain_texts(comparison: Comparison, settings: AnalyzerSettings) -> tuple[dict[str, Any], Effect]:
    """The explanation of a comparison of embeddings, and its effect."""
    current = comparison.current
    reference, vectors = _limited(comparison)
    before = Sample(texts=reference.texts, vectors=vectors, groups=list(reference.groups))
    after = Sample(texts=current.sample.texts, vectors=current.values, groups=list(current.sample.groups))
    topics = topic_shift(before, after, seed=settings.seed)
    pooled = np.concatenate([before.vectors, after.vectors])
    effect = topic_effect(topics.labels, pool_samples(before, after), seed=settings.seed)
    found = typical_examples(before, after, limit=_EXAMPLES, device=settings.device)
    retest = _Retest(reference.groups, current.sample.groups, settings)
    whole = retest(before.vectors, after.vectors)
    explanation: dict[str, Any] = {
        "topics": topics.as_dict() | {"psi": _stability(topics.labels, n_reference=len(before.texts))},
        "effect": effect.as_dict(is_drift=True),
        "examples": [_example(one, current.sample.rows, current.sample.texts) for one in found.new(_EXAMPLES)],
        "reference_examples": [_example(one, reference.rows, reference.texts) for one in found.thinned[:_EXAMPLES]],
        "models": _shares(reference.rows, current.sample.rows, "model"),
        "prompt_versions": _shares(reference.rows, current.sample.rows, "prompt_version"),
    }
    carrier: Carrier | None = None
    explained: tuple[Covariate, ...] = ()
    if whole is not None and whole.effect_size > 0:
        columns = _columns([*reference.rows, *current.sample.rows])
        slices = slice_shift(
            {name: [row.value(name) for row in reference.rows] for name in columns},
            {name: [row.value(name) for row in current.sample.rows] for name in columns},
            whole=whole,
            test=lambda rows, others: retest.rows(before.vectors, after.vectors, rows, others),
            min_texts=settings.min_samples,
        )
        carrier = carried_by(slices, whole=whole, alpha=_SLICE_ALPHA)
        explained = covariates(before.texts, after.texts, pooled, whole=whole, retest=retest)
        explanation |= {
            "slices": [one.as_dict() for one in slices],
            "carried_by": None if carrier is None else carrier.as_dict(),
            "covariates": [one.as_dict() for one in explained],
        }
    explanation["sentence"] = sentence(
        noun=_NOUNS[comparison.check.field],
        is_drift=True,
        effect=effect,
        topics=topics,
        carrier=carrier,
        found=explained,
    )
    return explanation, effect


def _stability(labels: NDArray[np.int64], *, n_reference: int) -> float:
    """The population stability index over the clusters, for people who know that number; nothing is decided by it."""
    counts = [
        np.bincount(side, minlength=int(labels.max()) + 1) for side in (labels[:n_reference], labels[n_reference:])
    ]
    return round(population_stability_index(*counts), 4)


class _Retest:
    """A quick test of parts of the two sides, by the energy distance alone."""

    def __init__(self, before: Sequence[str], after: Sequence[str], settings: AnalyzerSettings) -> None:
        self._before = np.asarray(before)
        self._after = np.asarray(after)
        self._settings = settings

    def __call__(self, before: NDArray[np.floating], after: NDArray[np.floating]) -> Outcome | None:
        """All rows with other vectors."""
        return self._test(before, after, self._before, self._after)

    def rows(
        self,
        before: NDArray[np.floating],
        after: NDArray[np.floating],
        rows: NDArray[np.int64],
        others: NDArray[np.int64],
    ) -> Outcome | None:
        """Some rows of the reference and of the window."""
        return self._test(before[rows], after[others], self._before[rows], self._after[others])

    def _test(
        self,
        before: NDArray[np.floating],
        after: NDArray[np.floating],
        before_groups: NDArray[np.str_],
        after_groups: NDArray[np.str_],
    ) -> Outcome | None:
        detector = DriftDetector(
            ("energy",),
            n_permutations=_SLICE_PERMUTATIONS,
            max_permutations=_SLICE_PERMUTATIONS,
            min_samples=min(self._settings.min_samples, 10),
            min_blocks=min(self._settings.min_blocks, 4),
            reference_ratio=1.0,
            device=self._settings.device,
            seed=self._settings.seed,
        )
        try:
            result = detector.fit(before, groups=before_groups).score(after, groups=after_groups)
        except TooFewSamples:
            return None
        return Outcome(p_value=result.p_value, effect_size=result.effect_size)


def _limited(comparison: Comparison) -> tuple[FieldSample, NDArray[np.float32]]:
    sample = comparison.reference.sample
    limited = limit_sample(sample, max_texts=_MAX_REFERENCE)
    if limited is sample:
        return sample, comparison.reference.values
    known = {id(row): i for i, row in enumerate(sample.rows)}
    if len(known) == len(sample.rows):
        return limited, comparison.reference.values[[known[id(row)] for row in limited.rows]]
    places = {(id(row), text): i for i, (row, text) in enumerate(zip(sample.rows, sample.texts, strict=True))}
    pairs = zip(limited.rows, limited.texts, strict=True)
    return limited, comparison.reference.values[[places[(id(row), text)] for row, text in pairs]]


def _columns(rows: Sequence[TextRow]) -> list[str]:
    """What the calls can be divided by here: the fixed columns, and the commonest keys of metadata."""
    keys = Counter(key for row in rows for key in row.metadata)
    return [
        *_COLUMNS,
        *(f"metadata.{key}" for key, _ in sorted(keys.items(), key=lambda one: (-one[1], one[0]))[:_MAX_METADATA]),
    ]


def _example(example: Example, rows: Sequence[TextRow], texts: Sequence[str]) -> dict[str, Any]:
    row = rows[example.row]
    return {
        "text": texts[example.row][:_EXAMPLE_CHARS],
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "prompt_version": row.prompt_version,
        "model": row.model,
        "novelty": round(example.novelty, 4),
        "reason": example.reason,
    }


def _shares(before: Sequence[TextRow], after: Sequence[TextRow], name: str) -> dict[str, dict[str, float]]:
    """Share of each value on either side, largest first."""
    return {
        side: {
            value: round(count / len(rows), 4)
            for value, count in Counter(row.value(name) for row in rows).most_common(10)
        }
        for side, rows in (("before", before), ("after", after))
    }
