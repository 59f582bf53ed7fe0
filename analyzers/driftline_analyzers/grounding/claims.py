"""Which part of a sentence says something that a document could support.

A sentence is read clause by clause. Small talk, announcements, refusals and statements about what is not known claim nothing; a clause
beside one of them does when it can stand alone: "While the passages do not mention insurance, the lease costs 99 dollars."
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.grounding.abstentions import is_abstention
from driftline_analyzers.grounding.small_talk import (
    is_address,
    is_announcement,
    is_aside,
    is_condition,
    is_conversation,
)
from driftline_analyzers.grounding.words import Word, words_of

_BOUNDARY: Final = re.compile(r"(?<=[,;:!])\s+|\s+[–—-]+\s+|(?<=[，；：、])\s*")
_MARKUP: Final = "\"“”„’'*_#>() \t"
_ENDS: Final = _MARKUP + ".!,;:。！，；：…"
_QUESTION: Final = ("?", "？", "؟")
_COLON: Final = (":", "：")
_SUBORDINATE: Final = re.compile(
    r"(?:while|although|though|even though|as|since|because|whereas|obwohl|aunque|bien que)\b", re.IGNORECASE
)
_GOES_ON: Final = re.compile(
    r"(?:(?:or|and|nor|oder|und|ou|et|o|y) )?(?:who|whom|whose|what|when|where|why|how|which|whether|if|that|nor|or)\b",
    re.IGNORECASE,
)
_CONJUNCTION: Final = re.compile(
    r"(?:and|but|so|however|yet|although|though|while|aber|doch|pero|mais|sondern)\b", re.IGNORECASE
)
_VERB: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|will|would|must|may|might|should|does|do|did|isn't|aren't|wasn't|weren't|cannot|it's|costs?"
    r"|takes?|needs?|ist|sind|war|hat|kann|es|son|fue|est|sont)\b",
    re.IGNORECASE,
)
_INTRODUCTION: Final = re.compile(
    r"(?:based on|according to|to |in order to|follow|these are|some|steps?\b|the following\b|as follows)",
    re.IGNORECASE,
)
_SHORTEST: Final = 3
"""Words of a clause that can stand alone."""
_LONGEST_FRAGMENT: Final = 6
"""Words of a clause without a verb that belongs to the next one: "As for the price"."""


def claimed_part(text: str, words: Sequence[Word] | None = None, *, offset: int = 0) -> tuple[int, int] | None:
    """[start, end) of what a sentence claims, all of it for most; None for questions, headings, small talk and what is not known.

    words: of the sentence, where they are at hand; offset: of the sentence in the text that they are places in.
    """
    bare = text.rstrip(_MARKUP)
    words = words_of(text) if words is None else words
    if not any(word.carries for word in words) or bare.endswith(_QUESTION):
        return None
    clauses = list(_clauses(text))
    if bare.endswith(_COLON) and _is_heading([text[start:end] for start, end in clauses], words):
        return None
    verdicts = _verdicts(
        [
            _Clause(
                text=text[start:end].strip(_ENDS), words=[one for one in words if start <= one.start - offset < end]
            )
            for start, end in clauses
        ]
    )
    places = [number for number, verdict in enumerate(verdicts) if verdict is True]
    if not places:
        return None if False in verdicts or is_refusal(text) else (0, len(text))
    first, last = places[0], places[-1]
    start = clauses[first][0] if False in verdicts[:first] else 0
    end = clauses[last][1] if False in verdicts[last:] else len(text)
    return start, end


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        if text[start : boundary.start()].strip(_ENDS):
            yield start, boundary.start()
            start = boundary.end()
    yield start, len(text)


def _is_heading(clauses: Sequence[str], words: Sequence[Word]) -> bool:
    """Of what ends with a colon: whether it names or announces what follows rather than stating something with a name or number."""
    bare = [clause.strip(_ENDS) for clause in clauses]
    if any(is_announcement(clause) or _INTRODUCTION.match(clause) for clause in bare):
        return True
    return not (any(word.kind in ("number", "name") for word in words) and _VERB.search(" ".join(clauses)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """text: bare of marks at its ends; words: of the sentence, those inside it."""

    text: str
    words: Sequence[Word]

    @property
    def says(self) -> bool:
        return any(word.carries for word in self.words) and not is_aside(self.text)

    @property
    def has_number(self) -> bool:
        return any(word.kind == "number" for word in self.words)

    @property
    def has_name(self) -> bool:
        return any(word.kind == "name" for word in self.words[1:])

    @property
    def stands_alone(self) -> bool:
        """Whether, after a clause that claims nothing, it is a statement of its own, not the rest of a list or of an indirect question."""
        if len(self.words) < _SHORTEST or (_GOES_ON.match(self.text) and not self.has_number):
            return False
        return self.has_number or _VERB.search(self.text) is not None or _CONJUNCTION.match(self.text) is not None

    @property
    def is_fragment(self) -> bool:
        """Whether it belongs to the clause after it: "As for the price"."""
        return len(self.words) <= _LONGEST_FRAGMENT and not self.has_number and _VERB.search(self.text) is None

    @property
    def verdict(self) -> bool | None:
        """Whether it claims, by itself; None where it says nothing."""
        if not self.says:
            return None
        if not self.has_number and (is_address(self.text) or is_announcement(self.text)):
            return False
        if not self.has_number and not self.has_name and is_conversation(self.text):
            return False
        if is_abstention(self.text) or is_refusal(self.text):
            return False
        return None if is_condition(self.text) else True


def _verdicts(clauses: Sequence[_Clause]) -> list[bool | None]:
    """For each clause whether it claims; None where it says nothing by itself."""
    verdicts: list[bool | None] = []
    after_subordinate = False
    for number, clause in enumerate(clauses):
        before = next((one for one in reversed(verdicts) if one is not None), None)
        verdict = clause.verdict
        if verdict is True and before is False and not after_subordinate and not clause.stands_alone:
            verdict = False
        if verdict is True and number + 1 < len(clauses) and before is None and clause.is_fragment:
            verdict = None
        verdicts.append(verdict)
        after_subordinate = _SUBORDINATE.match(clause.text) is not None or (after_subordinate and verdict is None)
    if True not in verdicts and False not in verdicts:
        return [any(clause.says for clause in clauses)] * len(verdicts)
    return verdicts
