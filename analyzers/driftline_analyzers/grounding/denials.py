"""What a sentence denies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from driftline_analyzers.grounding.words import Word

_BEFORE: Final = 2
_AFTER: Final = 3


@dataclass(frozen=True, slots=True)
class Denials:
    """heads: keys of the words that a denial stands before; near: of all carrying words about one; keys: of all carrying words."""

    heads: frozenset[str]
    near: frozenset[str]
    keys: frozenset[str]

    def contradicts(self, other: "Denials") -> bool:
        """Whether one side denies a word that the other says, with no denial near it."""
        return any((one.heads & two.keys) - two.near for one, two in ((self, other), (other, self)))


def denials_of(words: Sequence[Word]) -> Denials:
    """Of a sentence's words; "not only" denies nothing."""
    heads: set[str] = set()
    near: set[str] = set()
    carrying: list[str] = []
    awaits_head = False
    left = 0
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word.is_negation and (following is None or following.key != "only"):
            near.update(carrying[-_BEFORE:])
            awaits_head, left = True, _AFTER
        elif word.carries:
            carrying.append(word.key)
            if awaits_head:
                heads.add(word.key)
                awaits_head = False
            if left:
                near.add(word.key)
                left -= 1
    return Denials(frozenset(heads), frozenset(near), frozenset(carrying))
