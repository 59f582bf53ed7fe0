"""How old does a text say that someone is? "a 70-year-old man", "she is 82 years old", "in his eighties", "people over 65"."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

_DECADES: Final = {
    "teens": 15, "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90, "20s": 20, "30s": 30, "40s": 40, "50s": 50, "60s": 60, "70s": 70, "80s": 80, "90s": 90,
}  # fmt: skip
_AFTER: Final = frozenset(
    {
        "", "who", "is", "was", "can", "could", "with", "and", "or", "to", "in", "on", "at", "for", "from", "has", "had", "does", "did",
        "should", "would", "will", "might", "s", "that", "but", "of", "myself", "i", "living", "as", "than", "about",
    }
)  # fmt: skip
_WHOSE: Final = frozenset({"his", "her", "their", "my", "your", "our", "whose"})
_PART: Final = frozenset({"early", "mid", "late", "middle"})
_BEYOND: Final = {"over": 1, "above": 1, "under": -1, "below": -1, "older than": 1, "younger than": -1}
_OF_AGE: Final = frozenset(
    {
        "people", "persons", "adults", "men", "women", "those", "anyone", "patients", "workers", "kids", "children", "someone",
        "everyone",
    }
)  # fmt: skip
_THINGS: Final = frozenset(
    {
        "it", "this", "that", "which", "its", "these", "car", "house", "building", "company", "tree", "dog", "cat", "universe",
    }
)  # fmt: skip
_TO_BE: Final = frozenset(
    {
        "is", "was", "are", "were", "s", "be", "being", "about", "almost", "nearly", "only", "just", "over", "at", "not",
    }
)  # fmt: skip
_NUMBER: Final = re.compile(r"\d{1,3}")
_MAX_YEARS: Final = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """years: as said, for "over 65" 65; n_tokens: from the one at which it begins, n_covered of which say nothing else."""

    years: int
    n_tokens: int
    n_covered: int


def age_at(lowered: Sequence[str], i: int, *, person_nouns: Collection[str]) -> Age | None:
    """The age of a person that begins at token i, None if there is none. lowered: (n,) words and numbers of the text, in lower case."""
    word = lowered[i]
    if _NUMBER.fullmatch(word):
        return _years_old(lowered, i, person_nouns)
    if word == "in" and _at(lowered, i + 1) in _WHOSE:
        n = 3 if _at(lowered, i + 2) in _PART else 2
        years = _DECADES.get(_at(lowered, i + n))
        return None if years is None else Age(years=years, n_tokens=n + 1, n_covered=1)
    if word == "aged" and (years := _number(lowered, i + 1)) is not None:
        return Age(years=years, n_tokens=2, n_covered=2)
    if word in _OF_AGE:
        n = 2 if _at(lowered, i + 2) == "than" else 1
        way = _BEYOND.get(" ".join(lowered[i + 1 : i + 1 + n]), 0)
        beyond = _number(lowered, i + 1 + n)
        if (
            way
            and beyond is not None
            and _at(lowered, i + 2 + n) not in {"miles", "pounds", "percent", "lbs", "kg", "cm", "feet"}
        ):
            return Age(years=beyond, n_tokens=n + 2, n_covered=0)
    return None


def _years_old(lowered: Sequence[str], i: int, person_nouns: Collection[str]) -> Age | None:
    years = _number(lowered, i)
    unit = _at(lowered, i + 1)
    if years is None or unit not in {"year", "years", "yr", "yrs"} or _at(lowered, i + 2) not in {"old", "olds"}:
        return None
    age = Age(years=years, n_tokens=3, n_covered=3)
    if unit in {"year", "yr"}:  # a thing may follow: "a 12-year-old whisky"
        return age if _follows_person(lowered, i + 3, person_nouns) else None
    if i and lowered[i - 1] in {"at", "aged", "about"}:
        return age
    # "the house is 80 years old"
    k = i - 1
    while k >= 0 and lowered[k] in _TO_BE:
        k -= 1
    return None if k < 0 or k == i - 1 or lowered[k] in _THINGS else age


def _follows_person(lowered: Sequence[str], i: int, person_nouns: Collection[str]) -> bool:
    return any(word in person_nouns for word in lowered[i : i + 3]) or _at(lowered, i) in _AFTER


def _number(lowered: Sequence[str], i: int) -> int | None:
    word = _at(lowered, i)
    return int(word) if _NUMBER.fullmatch(word) and int(word) <= _MAX_YEARS else None


def _at(lowered: Sequence[str], i: int) -> str:
    return lowered[i] if i < len(lowered) else ""
