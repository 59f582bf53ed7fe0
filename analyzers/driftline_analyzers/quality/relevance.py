"""Does an answer speak of what was asked?"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.quality.words import unread, words_of
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

MAX_CHARS: Final = 4000
"""Of a question and of an answer: what it is about shows early, and the model averages over long texts."""
_PROBES: Final = (
    "How do I reset my password?",
    "You can choose a new one in the settings.",
    "The train to Lisbon leaves at noon.",
)
_PROBE_COSINES: Final = (0.27, 0.0)
"""Of the first probe and each other one, by the bundled model: that is how it is known."""
_TOLERANCE: Final = 0.02


class RelevanceScorer:
    """value: cosine of the question's and the answer's vector, -1 to 1. Flagged below min_cosine, with the bundled model and in
    mostly Latin letters alone, for which it was chosen; benchmarks.eval_quality prints how often that is right.

    Too short to say (unknown): a question or an answer of fewer than min_words words; a refusal, which is about the request by nature.
    """

    name: ClassVar[str] = "relevance"
    version: ClassVar[str] = "2"

    def __init__(self, *, min_cosine: float = 0.1, min_words: int = 4) -> None:
        self.min_cosine = min_cosine
        self.min_words = min_words

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where there is a question and an answer."""
        reasons = [self._unknown(call) for call in calls]
        pairs = [_texts(call) for call, reason in zip(calls, reasons, strict=True) if reason is None]
        texts = list(dict.fromkeys([*_PROBES, *(text for pair in pairs for text in pair)]))
        vectors: dict[str, NDArray[np.float32]] = dict(zip(texts, embed(texts), strict=True)) if pairs else {}
        is_known = bool(pairs) and all(
            abs(_cosine(vectors, (_PROBES[0], probe)) - cosine) < _TOLERANCE
            for probe, cosine in zip(_PROBES[1:], _PROBE_COSINES, strict=True)
        )
        return [
            self._scores(call, reason, vectors, is_known=is_known) for call, reason in zip(calls, reasons, strict=True)
        ]

    def _scores(
        self, call: Call, reason: str | None, vectors: dict[str, NDArray[np.float32]], *, is_known: bool
    ) -> list[CallScore]:
        if reason == "":
            return []
        if reason is not None:
            return [CallScore(field="completion", value=None, is_flagged=False, evidence={"unknown": reason})]
        cosine = _cosine(vectors, _texts(call))
        is_judged = is_known and _is_latin(call.prompt) and _is_latin(call.completion)
        evidence: dict[str, Any] = {"threshold": self.min_cosine if is_judged else None}
        if not is_judged:
            evidence["not_judged"] = "script" if is_known else "embedding model"
        evidence |= unread(max(call.prompt, call.completion, key=len), max_chars=MAX_CHARS)
        is_flagged = is_judged and cosine < self.min_cosine
        return [CallScore(field="completion", value=cosine, is_flagged=is_flagged, evidence=evidence)]

    def _unknown(self, call: Call) -> str | None:
        """Why nothing can be said, '' where there is nothing to judge, None where it can."""
        if not call.prompt.strip() or not call.completion.strip():
            return ""
        for what, text in (("question", call.prompt), ("answer", call.completion)):
            if len(list(islice(words_of(text[:MAX_CHARS]), self.min_words))) < self.min_words:
                return f"the {what} has fewer than {self.min_words} words"
        return "the answer declines" if is_refusal(call.completion) else None


def _texts(call: Call) -> tuple[str, str]:
    return call.prompt[:MAX_CHARS], call.completion[:MAX_CHARS]


def _cosine(vectors: dict[str, NDArray[np.float32]], pair: tuple[str, str]) -> float:
    return round(float(vectors[pair[0]] @ vectors[pair[1]]), 4)


def _is_latin(text: str) -> bool:
    letters = [letter for letter in text[:MAX_CHARS] if letter.isalpha()]
    return sum(letter < "\u0250" for letter in letters) >= 0.8 * len(letters)
