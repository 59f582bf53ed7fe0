"""What a sentence denies, and whether another says the same without the denial."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from driftline_analyzers.grounding.english import english
from driftline_analyzers.grounding.stems import stem
from driftline_analyzers.grounding.words import Word

_HALF: Final = frozenset(map(stem, english("half_denials")))
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Denials:
    """Of words that carry something: denied: for each denial the pairs that it stands in or before; said: the other pairs; is_half:
    whether a word such as "prevent" may deny too.
    """

    denied: tuple[frozenset[Pair], ...]
    said: frozenset[Pair]
    is_half: bool

    def contradicts(self, other: "Denials") -> bool:
        """Whether one side says all that stands about a denial of the other, and denies none of it."""
        return any(
            pairs <= two.said
            and not pairs <= one.said
            and not any(pairs & others for others in two.denied)
            and not two.is_half
            for one, two in ((self, other), (other, self))
            for pairs in one.denied
        )


def denials_of(words: Sequence[Word]) -> Denials:
    """Of a sentence's words; "not only" denies nothing."""
    carrying: list[str] = []
    places: list[int] = []  # of denials: how many carrying words stand before
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word.is_negation and (following is None or following.key != "only"):
            places.append(len(carrying))
        elif word.carries:
            carrying.append(word.key)
    pairs = list(pairwise(carrying))
    about = [range(max(0, place - 1), min(place + 1, len(pairs))) for place in places]
    return Denials(
        denied=tuple(frozenset(pairs[at] for at in one) for one in about if one),
        said=frozenset(pair for at, pair in enumerate(pairs) if not any(at in one for one in about)),
        is_half=any(word.key in _HALF for word in words),
    )
