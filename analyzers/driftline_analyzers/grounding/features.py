"""What one sentence of an answer has that its source has not. Every feature is larger for less support."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.meaning import shipped_meaning
from driftline_analyzers.grounding.rarity import Rarity
from driftline_analyzers.grounding.sources import Source, units_of
from driftline_analyzers.grounding.words import Word

FEATURES: Final = (
    "missing", "unlike", "missing_nearby", "new_pairs", "number", "name", "negation", "rarest_missing", "n_missing",
)  # fmt: skip
_ALIKE = 0.5
"""A sentence of the source that holds this share of the weight speaks of the same: a denial on one side only is a contradiction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence against the source. values: (f,) as FEATURES; is_missing: for each word whether nothing supports it;
    best: the sentence of the source that holds most of it, -1 if none does; overlap: how much, by weight.
    """

    words: Sequence[Word]
    values: NDArray[np.float64]
    is_missing: Sequence[bool]
    best: int
    overlap: float


def claim_features(words: Sequence[Word], source: Source, *, asked: frozenset[str], rarity: Rarity) -> Claim:
    """words: of the sentence, some of which carry something; asked: keys of the question's words, which need no support."""
    carrying = [word for word in words if word.carries]
    weights = [rarity(word.key) for word in carrying]
    total = sum(weights) or 1.0
    given = [word.key in asked or word.key in source for word in carrying]
    wrong_units = {
        number for number, unit in units_of(words) if number in source and not source.holds_unit(number, unit)
    }
    unlike = _unlike(carrying, given, weights, source)
    missing_weights = [weight for weight, is_given in zip(weights, given, strict=True) if not is_given]
    nearby, best, overlap = _nearby(carrying, weights, source, asked)
    denies = any(word.is_negation for word in words)
    contradicts = best >= 0 and overlap / total >= _ALIKE and denies != source.is_negated(best)
    pairs = list(pairwise(words))
    new_pairs = sum((one.key, other.key) not in source.bigrams for one, other in pairs)
    values = (
        sum(missing_weights) / total,
        unlike / total,
        1 - nearby / total,
        new_pairs / max(1, len(pairs)),
        float(bool(wrong_units) or _lacks(carrying, given, "number")),
        float(_lacks(carrying, given, "name")),
        float(contradicts),
        max(missing_weights, default=0.0) / rarity.most,
        math.log1p(len(missing_weights)),
    )
    lacking = {word.start for word, is_given in zip(carrying, given, strict=True) if not is_given}
    return Claim(
        words=words,
        values=np.asarray(values),
        is_missing=[
            word.start in lacking
            or (word.kind == "number" and word.key in wrong_units)
            or (contradicts and word.is_negation)
            for word in words
        ],
        best=best,
        overlap=overlap / total,
    )


def _nearby(
    words: Sequence[Word], weights: Sequence[float], source: Source, asked: frozenset[str]
) -> tuple[float, int, float]:
    """Weight held by the best three sentences in a row, what was asked included; the single sentence that holds most, and its weight."""
    if not source.passages:
        return sum(weight for word, weight in zip(words, weights, strict=True) if word.key in asked), -1, 0.0
    of_asked = sum(weight for word, weight in zip(words, weights, strict=True) if word.key in asked)
    rest = [(word.key, weight) for word, weight in zip(words, weights, strict=True) if word.key not in asked]
    beyond = source.overlaps([key for key, _ in rest], [weight for _, weight in rest]).max() if rest else 0.0
    single = source.overlaps([word.key for word in words], weights)[0]
    best = int(single.argmax())
    return of_asked + float(beyond), (best if single[best] > 0 else -1), float(single[best])


def _unlike(words: Sequence[Word], given: Sequence[bool], weights: Sequence[float], source: Source) -> float:
    """Weight of the missing words, less the more there is a word of like meaning. Names and numbers have none."""
    missing = [(word, weight) for word, is_given, weight in zip(words, given, weights, strict=True) if not is_given]
    close = shipped_meaning().closeness(
        [word.key if word.kind == "content" else "" for word, _ in missing], source.meanings
    )
    return float(sum(weight * (1 - near) for (_, weight), near in zip(missing, close, strict=True)))


def _lacks(words: Sequence[Word], given: Sequence[bool], kind: str) -> bool:
    return any(word.kind == kind and not is_given for word, is_given in zip(words, given, strict=True))
