"""What one sentence of an answer has that its source has not. Every feature is larger for less support."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.denials import denials_of
from driftline_analyzers.grounding.meaning import shipped_meaning
from driftline_analyzers.grounding.rarity import Rarity
from driftline_analyzers.grounding.sources import Source
from driftline_analyzers.grounding.words import Word

FEATURES: Final = (
    "missing", "unlike", "missing_nearby", "missing_in_one", "new_pairs", "apart", "own_words", "number", "name", "negation",
    "rarest_missing", "rarest_missing_nearby", "n_missing", "altered", "moved",
)  # fmt: skip
"""Shares of the sentence's weight, if nothing else is said: words that no document holds (missing), or nothing like them (unlike), or
not the best three sentences in a row (nearby) or the best one (in_one); neighbours that nowhere are neighbours (new_pairs, of all) or
stand in no one sentence (apart); 1 - longest run taken over (own_words); whether a number, a name or a denial differs; rarity, 0 to 1;
for a sentence that the best one holds but for its numbers, names and denial, from 0 (half of it or less) to 1 (all): whether one of them
differs from all that the documents say (altered); from four fifths on, whether a number stands elsewhere alone (moved).
"""
TOKEN_FEATURES: Final = ("unmatched",)
"""What a head may have besides, by vectors of tokens (`matching`)."""
_ALIKE = 0.5
"""A sentence of the source that holds this share of the weight speaks of the same: a denial on one side only is a contradiction."""

_NEARLY_ALL = 0.6
"""Of `_copied`: four fifths of the plain words."""


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
    words = source.as_read(words)
    carrying = [word for word in words if word.carries]
    weights = [rarity(word.key) for word in carrying]
    total = sum(weights) or 1.0
    given = [word.key in asked or (word.key in source and source.holds_date(word)) for word in carrying]
    is_wrong = [word.key in source and not source.holds_quantity(word) for word in carrying]
    unlike = _unlike(carrying, given, weights, source)
    missing_weights = [weight for weight, is_given in zip(weights, given, strict=True) if not is_given]
    near = _nearest(carrying, weights, source, asked)
    is_alike = near.best >= 0 and near.overlap / total >= _ALIKE
    contradicts = is_alike and denials_of(words).contradicts(source.denials(near.best))
    copied = _copied(carrying, weights, source, near.best, asked)
    differs = contradicts or any(is_wrong) or _lacks(carrying, given, "number") or _lacks(carrying, given, "name")
    is_new = [(one.key, other.key) not in source.bigrams for one, other in pairwise(words)]
    values = (
        sum(missing_weights) / total,
        unlike / total,
        1 - near.held / total,
        1 - near.overlap / total,
        sum(is_new) / max(1, len(is_new)),
        _apart(carrying, weights, source, asked),
        1 - _longest_run(is_new) / max(1, len(words)),
        float(any(is_wrong) or _lacks(carrying, given, "number")),
        float(_lacks(carrying, given, "name")),
        float(contradicts),
        max(missing_weights, default=0.0) / rarity.most,
        near.rarest_missing / rarity.most,
        math.log1p(len(missing_weights)),
        copied * differs,
        max(0.0, copied - _NEARLY_ALL) / (1 - _NEARLY_ALL) * _is_moved(carrying, given, source, near.best, asked),
    )
    lacking = {
        word.start for word, is_given, wrong in zip(carrying, given, is_wrong, strict=True) if wrong or not is_given
    }
    return Claim(
        words=words,
        values=np.asarray(values),
        is_missing=[word.start in lacking or (contradicts and word.is_negation) for word in words],
        best=near.best,
        overlap=near.overlap / total,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nearest:
    """held: weight that the best three sentences in a row hold, what was asked included; rarest_missing: most weight of a word they lack;
    best: the single sentence that holds most, -1 if none; overlap: its weight.
    """

    held: float
    rarest_missing: float
    best: int
    overlap: float


def _nearest(words: Sequence[Word], weights: Sequence[float], source: Source, asked: frozenset[str]) -> _Nearest:
    of_asked = sum(weight for word, weight in zip(words, weights, strict=True) if word.key in asked)
    rest = [(word.key, weight) for word, weight in zip(words, weights, strict=True) if word.key not in asked]
    if not source.passages:
        return _Nearest(held=of_asked, rarest_missing=max((w for _, w in rest), default=0.0), best=-1, overlap=0.0)
    beyond, rarest = 0.0, 0.0
    if rest:
        overlaps = source.overlaps([key for key, _ in rest], [weight for _, weight in rest])
        length, place = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        beyond = float(overlaps[length, place])
        lacking = [weight for key, weight in rest if not source.holds_near(key, int(place), n=int(length) + 1)]
        rarest = max(lacking, default=0.0)
    single = source.overlaps([word.key for word in words], weights)[0]
    best = int(single.argmax())
    return _Nearest(
        held=of_asked + beyond,
        rarest_missing=rarest,
        best=best if single[best] > 0 else -1,
        overlap=float(single[best]),
    )


def _copied(words: Sequence[Word], weights: Sequence[float], source: Source, best: int, asked: frozenset[str]) -> float:
    """How much more than half of the words that are no number and no name, by weight, a sentence of the source holds: 0 to 1."""
    plain = [(word, weight) for word, weight in zip(words, weights, strict=True) if word.kind == "content"]
    total = sum(weight for _, weight in plain)
    if best < 0 or not total:
        return 0.0
    held = sum(weight for word, weight in plain if word.key in asked or source.holds_near(word.key, best, n=1))
    return max(0.0, 2 * held / total - 1)


def _is_moved(words: Sequence[Word], given: Sequence[bool], source: Source, best: int, asked: frozenset[str]) -> bool:
    """Whether a number is in the documents, but not in that sentence."""
    return any(
        word.kind == "number" and is_given and word.key not in asked and not source.holds_near(word.key, best, n=1)
        for word, is_given in zip(words, given, strict=True)
    )


def _apart(words: Sequence[Word], weights: Sequence[float], source: Source, asked: frozenset[str]) -> float:
    """Share, by weight, of carrying words next to each other that no single sentence holds both; pairs of what was asked do not count."""
    of_all = of_new = 0.0
    for (one, weight), (other, other_weight) in pairwise(zip(words, weights, strict=True)):
        if one.key in asked and other.key in asked:
            continue
        of_all += weight + other_weight
        if not source.holds_together(one.key, other.key):
            of_new += weight + other_weight
    return of_new / of_all if of_all else 0.0


def _longest_run(is_new: Sequence[bool]) -> int:
    """Most pairs in a row that are not new."""
    longest = run = 0
    for new in is_new:
        run = 0 if new else run + 1
        longest = max(longest, run)
    return longest


def _unlike(words: Sequence[Word], given: Sequence[bool], weights: Sequence[float], source: Source) -> float:
    """Weight of the missing words, less the more there is a word of like meaning. Names and numbers have none."""
    missing = [(word, weight) for word, is_given, weight in zip(words, given, weights, strict=True) if not is_given]
    close = shipped_meaning().closeness(
        [word.key if word.kind == "content" else "" for word, _ in missing], source.meanings
    )
    return float(sum(weight * (1 - near) for (_, weight), near in zip(missing, close, strict=True)))


def _lacks(words: Sequence[Word], given: Sequence[bool], kind: str) -> bool:
    return any(word.kind == kind and not is_given for word, is_given in zip(words, given, strict=True))
