"""Words as grounding compares them: stems, numbers in one form, function words apart, with their offsets."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import regex

from driftline_analyzers.grounding.dates import Date, Day, dates_of
from driftline_analyzers.grounding.english import english, english_list
from driftline_analyzers.grounding.quantities import UNITS, multiplied, period_of, sign_beside, unit_key, zeros_of
from driftline_analyzers.grounding.stems import stem

_WIDE: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー々]"
_LETTERS: Final = rf"[[\p{{L}}\p{{Nl}}\p{{No}}]--{_WIDE}][[\p{{L}}\p{{Nl}}\p{{No}}\p{{M}}\u00ad\u200c\u200d]--{_WIDE}]*"
_WORD: Final = regex.compile(
    r"(?P<number>\d{1,3}(?:(?P<blank>[\u00a0\u202f'’])\d{3})(?:(?P=blank)\d{3})*(?!\d)(?:[.,]\d+)?|\d+(?:[.,٫٬]\d+)*)"
    r"(?:(?:st|nd|rd|th)\b)?"
    rf"|(?P<wide>(?=\p{{L}})(?={_WIDE})\X)"
    rf"|{_LETTERS}(?:['’]{_LETTERS})?",
    regex.V1,
)
_ASCII_WORD: Final = re.compile(
    r"(?P<number>\d{1,3}(?:'\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*)(?:(?:st|nd|rd|th)\b)?"
    r"|(?P<wide>(?!))|[A-Za-z]+(?:'[A-Za-z]+)?",
    re.ASCII,
)
"""What `_WORD` finds in ASCII, sooner."""
_CHARACTER: Final = regex.compile(r"\X")
_OPTIONAL: Final = regex.compile(r"[\u00ad\u200c\u200d\u0640\u064b-\u0652\u0670\u0591-\u05c7]")
"""Soft hyphens and joiners, and what Arabic and Hebrew may leave out: lengthening, vowel points."""
_SEPARATORS: Final = str.maketrans({"٫": ".", "٬": ",", "\u00a0": "", "\u202f": "", "'": "", "’": ""})
_ONE_SEPARATOR: Final = re.compile(r"([1-9]\d{0,2})[.,](\d{3})")
_FUNCTION: Final = english("function") | english("about_the_source")
NEGATIONS: Final = english("negations")
_SOURCES: Final = english("numbered_sources")
_PARTS: Final = english("numbered_parts")
_CITATION: Final = re.compile(r"[\[【](?:\d+[\s,;†-]*)+[\]】]")
_MORE_NUMBERS: Final = re.compile(r"[\s,;:&()#.-]*(?:and|or|to)?[\s,;:&()#.-]*")
_STARTS_ANEW: Final = frozenset(":\n•*")
_NUMBER_WORDS: Final = {word: str(number) for number, word in enumerate(english_list("numbers"))}
_TENS: Final = {word: number for number, word in enumerate(english_list("tens"), 2)}
_NUMBER_WORDS.update({word: str(10 * number) for word, number in _TENS.items()})


@dataclass(frozen=True, slots=True)
class Word:
    """text[start:end]; key: what it is compared by. kind: number, name (capitalised inside a sentence), content or function.
    also: another key that it may mean, "1.000" being 1000 or 1; empty if it has none. unit, per: keys of what a number counts and of the
    span of time that it is for; days: what the date that it belongs to may mean.
    """

    start: int
    end: int
    key: str
    kind: str
    is_negation: bool = False
    also: str = ""
    unit: str = ""
    per: str = ""
    days: frozenset[Day] = frozenset()

    @property
    def carries(self) -> bool:
        """Whether it says something that a source must hold."""
        return self.kind != "function"


def words_of(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Words of text[start:end], a sentence, with offsets into text. A script without blanks gives a word a character, compared in pairs.

    Keys do not tell how something is encoded: composed or not, full or half width, in whichever digits. Numbers that only say where
    something stands, "Passage 2", "[1, 3]" or "Step 4:", are function words.
    """
    until = len(text) if end is None else end
    dates = list(dates_of(text, start, until))
    cited = [match.span() for match in _CITATION.finditer(text, start, until)]
    found: list[Word] = []
    refers = False  # the number that comes next, if one does, names a source
    pattern = _ASCII_WORD if text[start:until].isascii() else _WORD
    for match in pattern.finditer(text, start, until):
        while dates and match.start() >= dates[0].start:
            found += _of_date(dates.pop(0))
        if found and match.start() < found[-1].end:
            continue
        written = match.group()
        lower = _normal(written)
        between = text[found[-1].end : match.start()] if found else ""
        number = match.group("number")
        refers = refers and (not found or _MORE_NUMBERS.fullmatch(text, found[-1].end, match.start()) is not None)
        if number:
            is_place = refers or _is_part(text, found, match) or any(one <= match.start() < two for one, two in cited)
            kind = "function" if is_place else "number"
            found.append(Word(match.start(), match.end(), number_key(number), kind, also=_other_reading(number)))
            continue
        refers = lower in _SOURCES or (refers and lower in ("and", "or", "to"))
        if match.group("wide"):
            pair = match.group() + (_CHARACTER.match(text, match.end()) or match)[0] * (match.end() < len(text))
            found.append(Word(match.start(), match.end(), unicodedata.normalize("NFKC", pair).strip(), "content"))
        elif lower in _NUMBER_WORDS and lower not in ("zero", "one"):
            found.append(Word(match.start(), match.end(), _NUMBER_WORDS[lower], "number"))
        elif lower in _FUNCTION or lower in NEGATIONS or len(lower) == 1:
            found.append(Word(match.start(), match.end(), lower, "function", lower in NEGATIONS))
        else:
            is_name = written[0].isupper() and bool(found) and _STARTS_ANEW.isdisjoint(between)
            found.append(Word(match.start(), match.end(), unit_key(stem(lower)), "name" if is_name else "content"))
    return _with_quantities(text, found)


def _of_date(date: Date) -> Iterator[Word]:
    for part in date.parts:
        kind = "name" if part.is_name else "number"
        yield Word(part.start, part.end, part.key, kind, also=part.also, days=date.days)


def _with_quantities(text: str, words: list[Word]) -> list[Word]:
    """Numbers with what they count: "forty-nine" is one word, "5 million" is 5000000 and a word that says nothing more."""
    if not any(word.kind == "number" for word in words):
        return words
    lower = [_normal(text[word.start : word.end]) for word in words]
    found: list[Word] = []
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if word.kind != "number" or word.days:
            found.append(word)
            continue
        if lower[at - 1] in _TENS and at < len(words) and text[word.end : words[at].start] == "-":
            ones = _NUMBER_WORDS.get(lower[at], "")
            if len(ones) == 1 and ones != "0":
                word = replace(word, end=words[at].end, key=word.key[0] + ones)
                at += 1
        number, unit, spoken = word, sign_beside(text, word.start, word.end), []
        if at < len(words) and (zeros := zeros_of(lower[at], touches=words[at].start == word.end)):
            number = replace(number, key=multiplied(word.key, zeros), also=word.also and multiplied(word.also, zeros))
            spoken.append(replace(words[at], kind="function"))
            at += 1
        after = at
        if after < len(words) and words[after].key in UNITS:
            unit, after = unit or words[after].key, after + 1
        elif lower[after : after + 2] == ["per", "cent"]:
            unit, after = "percent", after + 2
        if after < len(words):
            between = text[words[after - 1].end : words[after].start]
            per = period_of(between, lower[after], lower[after + 1] if after + 1 < len(words) else "")
            number = replace(number, per=per)
        found += [replace(number, unit=unit), *spoken]
    return found


def _is_part(text: str, found: list[Word], number: re.Match[str]) -> bool:
    """Whether a number counts the parts of an answer: "Step 4:"."""
    if not found or text[number.end() : number.end() + 1] != ":":
        return False
    return text[found[-1].start : found[-1].end].lower() in _PARTS


def number_key(written: str) -> str:
    """'1,000', '1.000', '1000' and '١٬٠٠٠', '07' and '7', '2.50' and '2,5' are the same."""
    plain = _ascii_digits(written)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain) and not plain.startswith("0"):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", plain) and not plain.startswith("0"):
        plain = plain.replace(".", "")
    return _without_zeros(plain.strip(".,").replace(",", "."))


def _other_reading(written: str) -> str:
    """One point or comma before three digits parts thousands in one language and decimals in another."""
    found = _ONE_SEPARATOR.fullmatch(_ascii_digits(written))
    return _without_zeros(f"{found[1]}.{found[2]}") if found is not None else ""


def _without_zeros(number: str) -> str:
    if number.count(".") == 1:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"


def _ascii_digits(written: str) -> str:
    """Digits of any script as 0 to 9, points and commas as such, blanks and apostrophes between thousands left out."""
    digits = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in written)
    return digits.translate(_SEPARATORS)


@lru_cache(maxsize=100_000)
def _normal(written: str) -> str:
    """One form for all ways to encode a word: NFKC, case folded, without what may be left out."""
    if written.isascii():
        return written.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", written).casefold())
    return str(_OPTIONAL.sub("", folded)).replace("’", "'")
