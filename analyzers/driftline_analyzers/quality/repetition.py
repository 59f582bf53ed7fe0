"""Does an answer go in circles?"""

from collections.abc import Sequence
from typing import Any, ClassVar

from driftline_analyzers.quality.words import MAX_CHARS, unread, words_of
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed


class RepetitionScorer:
    """value: share of the answer's word n-grams that stood in it before, 0 to 1 (seq-rep-n of Welleck et al. 2020).
    Flagged from max_share on.

    Answers of fewer than min_words words are unknown. Evidence has the longest run of repeated words as its span.
    """

    name: ClassVar[str] = "repetition"
    version: ClassVar[str] = "2"

    def __init__(self, *, n: int = 4, max_share: float = 0.5, min_words: int = 30) -> None:
        self.n = n
        self.max_share = max_share
        self.min_words = min_words

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where there is one."""
        return [[self._score(call.completion)] if call.completion.strip() else [] for call in calls]

    def _score(self, text: str) -> CallScore:
        words = list(words_of(text[:MAX_CHARS]))
        if len(words) < self.min_words:
            reason = f"fewer than {self.min_words} words"
            return CallScore(field="completion", value=None, is_flagged=False, evidence={"unknown": reason})
        seen: set[tuple[str, ...]] = set()
        n_again = run = longest = last = 0
        n_grams = len(words) - self.n + 1
        for at in range(n_grams):
            gram = tuple(word.text for word in words[at : at + self.n])
            run = run + 1 if gram in seen else 0
            n_again += gram in seen
            seen.add(gram)
            if run > longest:
                longest, last = run, at
        share = n_again / n_grams
        is_flagged = share >= self.max_share
        evidence: dict[str, Any] = {"threshold": self.max_share} | unread(text)
        if longest:
            span = [words[last - longest + 1].start, words[last + self.n - 1].end]
            evidence |= {"longest_run_words": longest + self.n - 1, "spans": [span], "span_kinds": ["repeated"]}
        return CallScore(field="completion", value=round(share, 4), is_flagged=is_flagged, evidence=evidence)
