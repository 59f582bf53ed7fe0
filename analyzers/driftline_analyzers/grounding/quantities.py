"""What numbers count: units by one name, signs among them, spans of time, and words that multiply."""

from decimal import Decimal
from typing import Final

import regex

from driftline_analyzers.grounding.english import english_groups, english_list
from driftline_analyzers.grounding.stems import stem

_UNIT_OF: Final = {stem(word): stem(line[0]) for line in english_groups("units") for word in line}
UNITS: Final = frozenset(_UNIT_OF.values())
"""Keys of units."""
_PERIOD_OF: Final = {stem(word): stem(line[0]) for line in english_groups("periods") for word in line}
_HOW_OFTEN: Final = {word: stem(line[0]) for line in english_groups("periods") for word in line[1:]}
_FOR_EACH: Final = frozenset({"a", "an", "per", "each", "every"})
_ZEROS: Final = dict(zip(english_list("magnitudes"), map(int, english_list("zeros")), strict=True))
_SHORT_ZEROS: Final = dict(zip(english_list("short_magnitudes"), map(int, english_list("short_zeros")), strict=True))
_SIGNS: Final = "".join(word for word in _UNIT_OF if len(word) == 1 and not word.isalnum())
_SIGN_BEFORE: Final = regex.compile(rf"[{_SIGNS}]\s?$")
_SIGN_AFTER: Final = regex.compile(rf"\s?([{_SIGNS}])")


def unit_key(key: str) -> str:
    """'km' and 'kilometre' are one unit; other keys stay."""
    return _UNIT_OF.get(key, key)


def sign_beside(text: str, start: int, end: int) -> str:
    """Key of the unit whose sign touches the number text[start:end], empty without one."""
    before = _SIGN_BEFORE.search(text[max(0, start - 2) : start])
    if before is not None:
        return _UNIT_OF[before[0].strip()]
    after = _SIGN_AFTER.match(text, end)
    return _UNIT_OF[after[1]] if after is not None else ""


def zeros_of(lower: str, *, touches: bool) -> int:
    """How many a word adds to the number before it: 6 for "million"; those of one or two letters have to touch the number."""
    return _ZEROS.get(lower, 0) or (_SHORT_ZEROS.get(lower, 0) if touches else 0)


def multiplied(key: str, zeros: int) -> str:
    """The key of a number with so many zeros more."""
    if regex.fullmatch(r"\d*\.?\d+", key) is None:
        return key
    product = f"{Decimal(key).scaleb(zeros):f}"
    return (product.rstrip("0").rstrip(".") if "." in product else product).lstrip("0") or "0"


def period_of(between: str, lower: str, after: str) -> str:
    """Key of the span of time that a number is for, empty for none. between: the text before the next word; lower, after: the next two."""
    if lower in _FOR_EACH:
        return _PERIOD_OF.get(stem(after), "")
    if between.strip() == "/":
        return _PERIOD_OF.get(stem(lower), "")
    return _HOW_OFTEN.get(lower, "")
