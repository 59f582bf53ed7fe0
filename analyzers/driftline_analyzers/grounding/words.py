"""Words as grounding compares them: stems, numbers in one form, function words apart, with their offsets."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from driftline_analyzers.grounding.english import english, english_list

_WORD: Final = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)(?:st|nd|rd|th)?\b"
    r"|(?P<wide>[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f])"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)?"
    r"|(?P<loose>\d+(?:[.,]\d+)*)"
)
_FUNCTION: Final = english("function") | english("about_the_source")
NEGATIONS: Final = english("negations")
_NUMBER_WORDS: Final = {word: str(number) for number, word in enumerate(english_list("numbers"))}
_SUFFIXES: Final = (
    ("ies", "i"),
    ("sses", "ss"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", ""),
    ("s", ""),
)
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Word:
    """text[start:end]; key: what it is compared by. kind: number, name (capitalised inside a sentence), content or function."""

    start: int
    end: int
    key: str
    kind: str
    is_negation: bool = False

    @property
    def carries(self) -> bool:
        """Whether it says something that a source must hold."""
        return self.kind != "function"


def words_of(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Words of text[start:end], a sentence, with offsets into text. A script without blanks gives a word a character, compared in pairs."""
    found: list[Word] = []
    for match in _WORD.finditer(text, start, len(text) if end is None else end):
        written = match.group()
        lower = written.lower().replace("’", "'")
        number = match.group("number") or match.group("loose")
        if number:
            found.append(Word(match.start(), match.end(), number_key(number), "number"))
        elif match.group("wide"):
            found.append(Word(match.start(), match.end(), text[match.start() : match.end() + 1].strip(), "content"))
        elif lower in _NUMBER_WORDS and lower not in ("zero", "one"):
            found.append(Word(match.start(), match.end(), _NUMBER_WORDS[lower], "number"))
        elif lower in _FUNCTION or lower in NEGATIONS or len(lower) == 1:
            found.append(Word(match.start(), match.end(), lower, "function", lower in NEGATIONS))
        else:
            is_name = written[0].isupper() and bool(found)
            found.append(Word(match.start(), match.end(), stem(lower), "name" if is_name else "content"))
    return found


def number_key(written: str) -> str:
    """'1,000' and '1000', '07' and '7', '2.50' and '2.5' are the same."""
    plain = written.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", written) else written
    plain = plain.strip(".,").replace(",", ".")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"


@lru_cache(maxsize=100_000)
def stem(lower: str) -> str:
    """A light English stem; other languages' words stay nearly as they are."""
    word = lower.removesuffix("'s")
    for suffix, kept in _SUFFIXES:
        if (
            word.endswith(suffix)
            and len(word) - len(suffix) >= _SHORTEST_STEM
            and not (suffix == "s" and word.endswith("ss"))
        ):
            word = word[: -len(suffix)] + kept
            if suffix in {"ing", "ed"} and word[-1] == word[-2] and word[-1] not in "aeiouls":
                word = word[:-1]
            break
    if len(word) <= _SHORTEST_STEM:
        return word
    return word[:-1] + "i" if word.endswith("y") else word.removesuffix("e")


UNITS: Final = frozenset(stem(word) for word in english("units"))
"""Their keys."""
