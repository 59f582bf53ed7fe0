"""Sentences of a set's documents as answers, as they stand and with one number, unit, date, denial or name altered by rule."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from benchmarks.grounding_sets import Labelled, answer_call
from driftline_analyzers.grounding.sentences import split_sentences
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, CallScorer, Embed
from training.grounding_alterations import KINDS, altered

_OF_EACH_KIND: Final = 2
"""Sentences of a question's or person's documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    kind: str
    as_it_stands: Call
    altered: Call


def altered_copies(
    scorer: CallScorer, name: str, items: Sequence[Labelled], *, embed: Embed, seed: int = 0
) -> list[tuple[str, ...]]:
    """Per kind: how many sentences, what is flagged of them altered, and as they stand. What the scorer takes for no claim is left out."""
    made = list(_copies(items, random.Random(seed)))
    found = scorer.score([call for one in made for call in (one.altered, one.as_it_stands)], embed=embed)
    told: dict[str, list[tuple[bool, bool]]] = {kind: [] for kind in KINDS}
    for one, changed, kept in zip(made, found[::2], found[1::2], strict=True):
        if _is_judged(changed) and _is_judged(kept):
            told[one.kind].append((changed[0].is_flagged, kept[0].is_flagged))
    return [
        (name, kind, str(len(flags)), *(f"{share:.3f}" for share in np.mean(flags, axis=0)))
        for kind, flags in told.items()
        if flags
    ]


def _copies(items: Sequence[Labelled], rng: random.Random) -> Iterator[_Copy]:
    for documents in dict.fromkeys(tuple(item.call.documents) for item in items):
        text = "\n".join(documents)
        sentences = [one[place.start : place.end] for one in documents for place in split_sentences(one)]
        for kind in KINDS:
            pairs = ((one, altered(one, text, rng, kind=kind)) for one in rng.sample(sentences, len(sentences)))
            for sentence, other in islice(((one, two) for one, two in pairs if two is not None), _OF_EACH_KIND):
                kept, changed = (answer_call("", answer, documents) for answer in (sentence, other.text))
                yield _Copy(kind=kind, as_it_stands=kept, altered=changed)


def _is_judged(scores: Sequence[CallScore]) -> bool:
    return bool(scores) and bool(scores[0].evidence["n_claims"])
