"""Which language a text is in, for slices and explanations."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_MIN_CONFIDENCE: Final = 0.5
_READ_CHARS: Final = 1000
_NOT_A_LANGUAGE: Final = frozenset({"und", "zxx"})


def language_of(text: str) -> str:
    """ISO 639 code ('en', 'de', 'zh', 'yue'), or '' when the text is too short or too little of a language to say.

    Deterministic; reads the first 1,000 characters; ready after a second at the first call. py3langid's naive Bayes over byte n-grams
    (Lui and Baldwin 2012) in 139 languages, asked only where it gives half of its probability to one of them.
    """
    if not text or text.isspace():
        return ""
    language, _ = _identifier().classify(text[:_READ_CHARS])
    return "" if language in _NOT_A_LANGUAGE else str(language)


def languages_of(texts: Sequence[str]) -> list[str]:
    """`language_of` each; equal texts are read once."""
    known = {text: language_of(text) for text in set(texts)}
    return [known[text] for text in texts]


def language_odds(text: str) -> dict[str, float]:
    """Probability of each language that py3langid knows, by its ISO 639 code, from the first 1,000 characters; they sum to 1.

    The model's own softmax, cooled by the root of the length; 'zxx' is no language. A blank text is every language alike.
    """
    return dict(_identifier().rank(text[:_READ_CHARS]))


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=_MIN_CONFIDENCE)
