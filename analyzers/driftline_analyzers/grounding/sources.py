"""What an answer may lean on: its documents cut into sentences, indexed by word."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.dates import Day, is_same
from driftline_analyzers.grounding.denials import Denials, denials_of
from driftline_analyzers.grounding.meaning import shipped_meaning
from driftline_analyzers.grounding.sentences import split_sentences
from driftline_analyzers.grounding.words import Word, words_of


@dataclass(frozen=True, slots=True)
class Passage:
    """documents[document][start:end]."""

    document: int
    start: int
    end: int


class Source:
    """Sentences of documents, up to max_chars characters of them all. read: each as far as it was; n_unread: characters beyond.

    Empty documents count for nothing.
    """

    def __init__(self, documents: Sequence[str], *, max_chars: int) -> None:
        self.documents = documents
        self.read: list[str] = []
        self.passages: list[Passage] = []
        self.bigrams: set[tuple[str, str]] = set()
        self._postings: dict[str, list[int]] = defaultdict(list)
        self._place_sets: dict[str, frozenset[int]] = {}
        self._denials: list[Denials] = []
        self._units: dict[str, set[str]] = defaultdict(set)
        self._periods: dict[str, set[str]] = defaultdict(set)
        self._days: set[Day] = set()
        self._edges: list[bool] = []  # the sentence is the last of its document
        left = max_chars
        for number, document in enumerate(documents):
            read = document[:left]
            self.read.append(read)
            left -= len(read)
            for sentence in split_sentences(read):
                self._add(words_of(read, sentence.start, sentence.end), Passage(number, sentence.start, sentence.end))
            if self._edges:
                self._edges[-1] = True
        self.n_unread = sum(map(len, documents)) - (max_chars - left)

    def _add(self, words: Sequence[Word], passage: Passage) -> None:
        place = len(self.passages)
        self.passages.append(passage)
        self._edges.append(False)
        self._denials.append(denials_of(words))
        for key in dict.fromkeys(key for word in words for key in (word.key, word.also, word.unit) if key):
            self._postings[key].append(place)
        self.bigrams.update((one.key, other.key) for one, other in pairwise(words))
        for word in words:
            self._days |= word.days
            for counted, by_number in ((word.unit, self._units), (word.per, self._periods)):
                if counted:
                    by_number[word.key].add(counted)

    def as_read(self, words: Sequence[Word]) -> list[Word]:
        """The words, each by its other key where the documents hold that one alone."""
        return [replace(word, key=word.also) if word.also in self and word.key not in self else word for word in words]

    def __contains__(self, key: str) -> bool:
        return key in self._postings

    @cached_property
    def meanings(self) -> NDArray[np.float32]:
        """(s, d) vectors of its words, as far as they are known."""
        return shipped_meaning().known(self._postings)

    def holds_quantity(self, word: Word) -> bool:
        """False when its number is there and always with another unit, or for another span of time."""
        return all(
            not counted or not (known := by_number.get(word.key)) or counted in known
            for counted, by_number in ((word.unit, self._units), (word.per, self._periods))
        )

    def holds_date(self, word: Word) -> bool:
        """False when it is of a date, and there are others alone."""
        if not word.days or not self._days:
            return True
        return any(is_same(one, other) for one in word.days for other in self._days)

    def holds_together(self, one: str, other: str) -> bool:
        """Whether a sentence holds both keys."""
        return not self._places(one).isdisjoint(self._places(other))

    def holds_near(self, key: str, place: int, *, n: int) -> bool:
        """Whether one of the n sentences from place on, of one document, holds the key."""
        end = place + 1
        while end < place + n and end < len(self.passages) and not self._edges[end - 1]:
            end += 1
        return any(at in self._places(key) for at in range(place, end))

    def _places(self, key: str) -> frozenset[int]:
        if key not in self._place_sets:
            self._place_sets[key] = frozenset(self._postings.get(key, ()))
        return self._place_sets[key]

    def overlaps(self, keys: Sequence[str], weights: Sequence[float]) -> NDArray[np.float64]:
        """(3, s) weight of the keys that one sentence, two or three in a row (from it on, of one document) hold."""
        held = np.zeros((len(keys), len(self.passages)), dtype=bool)
        for row, key in enumerate(keys):
            held[row, self._postings.get(key, [])] = True
        weighed = np.asarray(weights, dtype=np.float64)
        result = np.empty((3, len(self.passages)))
        follows = ~np.asarray(self._edges, dtype=bool)
        reach, union = held, held.copy()
        result[0] = weighed @ held
        for length in (1, 2):
            shifted = np.zeros_like(held)
            shifted[:, :-1] = reach[:, 1:] & follows[:-1]
            reach = shifted
            union |= shifted
            result[length] = weighed @ union
        return result

    def denials(self, place: int) -> Denials:
        """What a sentence denies."""
        return self._denials[place]

    def text(self, place: int) -> str:
        """A sentence."""
        passage = self.passages[place]
        return self.documents[passage.document][passage.start : passage.end]

    def around(self, place: int) -> str:
        """A sentence with its neighbours in the same document."""
        document = self.passages[place].document
        near = [
            self.passages[i]
            for i in range(max(0, place - 1), min(len(self.passages), place + 2))
            if self.passages[i].document == document
        ]
        return self.documents[document][near[0].start : near[-1].end]
