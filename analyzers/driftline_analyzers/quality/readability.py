"""How hard an answer is to read."""

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from driftline_analyzers.quality.words import MAX_CHARS, n_letters, sets_no_spaces, unread, words_of
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_SENTENCE_END: Final = re.compile(r"[.!?。！？۔।…]+(?=\s|$)|\n+")


class ReadabilityScorer:
    """value: the Automated Readability Index, about the US school grade that an answer asks for (Smith and Senter 1967); it counts letters
    and sentences, so it serves every script that sets spaces. Hard is no fault: never flagged.

    Answers of fewer than min_words words, and of scripts without spaces, are unknown.
    """

    name: ClassVar[str] = "readability"
    version: ClassVar[str] = "2"

    def __init__(self, *, min_words: int = 20) -> None:
        self.min_words = min_words

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where there is one."""
        return [[self._score(call.completion)] if call.completion.strip() else [] for call in calls]

    def _score(self, completion: str) -> CallScore:
        text = completion[:MAX_CHARS]
        if sets_no_spaces(text):
            return _unknown("a script that sets no spaces between words")
        words = list(words_of(text))
        if len(words) < self.min_words:
            return _unknown(f"fewer than {self.min_words} words")
        letters = sum(n_letters(word.text) for word in words)
        sentences = sum(any(True for _ in words_of(part)) for part in _SENTENCE_END.split(text))
        index = 4.71 * letters / len(words) + 0.5 * len(words) / sentences - 21.43
        evidence = {"words": len(words), "sentences": sentences} | unread(completion)
        return CallScore(field="completion", value=round(index, 2), is_flagged=False, evidence=evidence)


def _unknown(reason: str) -> CallScore:
    return CallScore(field="completion", value=None, is_flagged=False, evidence={"unknown": reason})
