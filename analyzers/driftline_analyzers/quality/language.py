"""Is an answer in the language of its question?"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Final

from driftline_analyzers.quality.asked_language import (
    asks_for_translation,
    known_languages,
    named_languages,
    odds_by_family,
    ordered_languages,
)
from driftline_analyzers.quality.prose import prose_of
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

MAX_CHARS: Final = 20_000
"""Of a text in which prose is looked for; the language is told by the first 1,000 characters of it."""
_PART: Final = re.compile(r"[^\n.!?:;。！？：；]+")
_N_PARTS: Final = 40
_FIRST_SYLLABLE: Final = "\u3040"
_PLAUSIBLE: Final = 0.02
"""Languages that a question may be in, if it is not clear in which of a few it is."""


class LanguageScorer:
    """value: probability of the likeliest language of the answer that nobody asked for, 0 to 1. Flagged from min_value on.

    Asked for is what the user orders ("answer in Spanish"), else what the system prompt orders, else the question's language and each
    that the question or the system prompt names or the question is partly written in. Code, quotes, links and markup are not read.
    Look-alikes (Norwegian and Danish, Croatian and Serbian, Indonesian and Malay) count as one language.

    Unknown: fewer than min_letters letters of prose; no language with at least min_told, in the answer, or in a question that decides;
    a translation into a language that is not named.
    """

    name: ClassVar[str] = "language"
    version: ClassVar[str] = "1"

    def __init__(self, *, min_value: float = 0.8, min_told: float = 0.5, min_letters: int = 8) -> None:
        self.min_value = min_value
        self.min_told = min_told
        self.min_letters = min_letters

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion, where there is an answer and a question or a system prompt."""
        return [
            [self._score(call)] if call.completion.strip() and (call.prompt + call.system_prompt).strip() else []
            for call in calls
        ]

    def _score(self, call: Call) -> CallScore:
        prompt = call.prompt[:MAX_CHARS]
        by_user = ordered_languages(prompt, is_instruction=False)
        by_system = ordered_languages(call.system_prompt, is_instruction=True)
        named = named_languages(prompt)
        if by_user or by_system:
            expected = by_user | by_system | (set() if by_user else named)
            return self._judged(call, expected, {"expected_by": "question" if by_user else "system_prompt"})
        named |= named_languages(call.system_prompt)
        if not named and (asks_for_translation(prompt) or asks_for_translation(call.system_prompt)):
            return _unknown("a translation is asked for")
        question = prose_of(prompt)
        odds = self._odds(question)
        if odds is None:
            return _unknown("the language of the question is not clear")
        plausible = {language for language, probability in odds.items() if probability >= _PLAUSIBLE}
        evidence = {"expected_by": "language of the question", "question": _told(odds)}
        return self._judged(call, named | plausible, evidence, question=question)

    def _judged(self, call: Call, expected: set[str], evidence: dict[str, Any], *, question: str = "") -> CallScore:
        odds = self._odds(prose_of(call.completion[:MAX_CHARS]))
        if odds is None:
            return _unknown("the language of the answer is not clear")
        if max(odds, key=odds.__getitem__) not in expected:
            expected = expected | self._of_parts(question)
        value = max(odds.get(language, 0.0) for language in known_languages().codes - expected)
        evidence |= {"expected": sorted(expected), "answer": _told(odds), "threshold": self.min_value}
        return CallScore(
            field="completion", value=round(value, 4), is_flagged=value >= self.min_value, evidence=evidence
        )

    def _odds(self, prose: str) -> dict[str, float] | None:
        """Probability by language, look-alikes added up; None where it is not clear."""
        if _letters(prose) < self.min_letters:
            return None
        odds = odds_by_family(prose)
        return odds if max(odds.values()) >= self.min_told else None

    def _of_parts(self, question: str) -> set[str]:
        """Languages of its sentences, those in the middle of a long one left out: a task in one language may come with a text, or in a
        template, in another."""
        parts = [part for part in _PART.findall(question) if _letters(part) >= self.min_letters]
        ends = dict.fromkeys([*parts[:_N_PARTS], *parts[-_N_PARTS:]])
        return {max(odds, key=odds.__getitem__) for odds in map(self._odds, ends) if odds is not None}


def _told(odds: Mapping[str, float]) -> dict[str, Any]:
    """The likeliest language and its probability, for evidence."""
    language = max(odds, key=odds.__getitem__)
    return {"language": language, "confidence": round(odds[language], 3)}


def _letters(text: str) -> int:
    """Letters of a text, counted up to a hundred; an ideograph or a syllable says as much as three."""
    return sum(3 if letter >= _FIRST_SYLLABLE else 1 for letter in islice(filter(str.isalpha, text), 100))


def _unknown(reason: str) -> CallScore:
    return CallScore(field="completion", value=None, is_flagged=False, evidence={"unknown": reason})
