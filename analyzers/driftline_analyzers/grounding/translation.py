"""Is an answer in a language that none of its documents is in? Words cannot be compared then."""

from collections.abc import Sequence
from typing import Final

from driftline_analyzers.quality.asked_language import odds_by_family

_SURE: Final = 0.9
_PLAUSIBLE: Final = 0.05
_FEWEST_LETTERS: Final = 25
_READ_DOCUMENTS: Final = 20
_READ_CHARS: Final = 1_000


def foreign_language(answer: str, documents: Sequence[str]) -> str:
    """ISO 639 code of the answer's language when it is clear, and clearly not that of any document; else ''.

    Look-alikes (Danish, Norwegian) count as one. Of each of the first documents the first 1,000 characters are read.
    """
    of_answer = _odds(answer)
    if not of_answer:
        return ""
    language = max(of_answer, key=of_answer.__getitem__)
    of_documents = [_odds(document) for document in documents[:_READ_DOCUMENTS]]
    if of_answer[language] < _SURE or not all(odds.get(language, 0.0) < _PLAUSIBLE for odds in of_documents if odds):
        return ""
    return language if any(of_documents) else ""


def _odds(text: str) -> dict[str, float]:
    """Probability by language, nothing for a text too short to say."""
    read = text[:_READ_CHARS]
    return odds_by_family(read) if sum(map(str.isalpha, read)) >= _FEWEST_LETTERS else {}
