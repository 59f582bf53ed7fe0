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
_SOURCES: Final = english("numbered_sources")
_PARTS: Final = english("numbered_parts")
_CITATION: Final = re.compile(r"[\[【](?:\d+[\s,;†-]*)+[\]】]")
_MORE_NUMBERS: Final = re.compile(r"[\s,;:&()#.-]*(?:and|or|to)?[\s,;:&()#.-]*")
_STARTS_ANEW: Final = frozenset(":\n•*")
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
    """Words of text[start:end], a sentence, with offsets into text. A script without blanks gives a word a character, compared in pairs.

    Numbers that only say where something stands, "Passage 2", "[1, 3]" or "Step 4:", are function words.
    """
    until = len(text) if end is None else end
    cited = [match.span() for match in _CITATION.finditer(text, start, until)]
    found: list[Word] = []
    refers = False  # the number that comes next, if one does, names a source
    for match in _WORD.finditer(text, start, until):
        written = match.group()
        lower = written.lower().replace("’", "'")
        between = text[found[-1].end : match.start()] if found else ""
        number = match.group("number") or match.group("loose")
        refers = refers and (not found or _MORE_NUMBERS.fullmatch(text, found[-1].end, match.start()) is not None)
        if number:
            is_place = refers or _is_part(text, found, match) or any(one <= match.start() < two for one, two in cited)
            kind = "function" if is_place else "number"
            found.append(Word(match.start(), match.end(), number_key(number), kind))
            continue
        refers = lower in _SOURCES or (refers and lower in ("and", "or", "to"))
        if match.group("wide"):
            found.append(Word(match.start(), match.end(), text[match.start() : match.end() + 1].strip(), "content"))
        elif lower in _NUMBER_WORDS and lower not in ("zero", "one"):
            found.append(Word(match.start(), match.end(), _NUMBER_WORDS[lower], "number"))
        elif lower in _FUNCTION or lower in NEGATIONS or len(lower) == 1:
            found.append(Word(match.start(), match.end(), lower, "function", lower in NEGATIONS))
        else:
            is_name = written[0].isupper() and bool(found) and _STARTS_ANEW.isdisjoint(between)
            found.append(Word(match.start(), match.end(), stem(lower), "name" if is_name else "content"))
    return found


def _is_part(text: str, found: list[Word], number: re.Match[str]) -> bool:
    """Whether a number counts the parts of an answer: "Step 4:"."""
    if not found or text[number.end() : number.end() + 1] != ":":
        return False
    return text[found[-1].start : found[-1].end].lower() in _PARTS


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
