"""Dates as a sentence writes them, in numbers or with a month's name, as days that can be compared."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import regex

from driftline_analyzers.grounding.english import english_list

Day = tuple[int | None, int, int | None]
"""Year, month, day; None where it is not said."""

MONTHS: Final = english_list("months")
_MONTH: Final = "|".join(rf"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in MONTHS) + "|sept"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_TO_DAY: Final = r"(?:\s*(?:-|–|to|and|or)\s*(?P<until>\d{1,2})(?:st|nd|rd|th)?)?"
_DIGIT: Final = re.compile(r"\d")
_DATE: Final = regex.compile(
    rf"(?<![\w.,/-])(?:{_DAY}{_TO_DAY}\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?(?:,?\s+(?P<year>\d{{4}}))?"
    rf"|(?P<month>{_MONTH})\b\.?\s+{_DAY}{_TO_DAY}\b(?:,?\s+(?P<year>\d{{4}}))?"
    rf"|(?P<month>{_MONTH})\b\.?,?\s+(?:of\s+)?(?P<year>\d{{4}})"
    r"|(?P<year>\d{4})(?P<sign>[-/.])(?P<number>\d{1,2})(?P=sign)(?P<day>\d{1,2})"
    r"|(?P<one>\d{1,2})(?P<sign>[-/.])(?P<other>\d{1,2})(?P=sign)(?P<year>\d{4}))(?![\w/-]|[.,:]\d)",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A number or month of a date, text[start:end]; key, also: as of a word; is_name: a month in letters."""

    start: int
    end: int
    key: str
    also: str = ""
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Date:
    """parts in order; days: what it may mean, "05/03/2020" in May or in March; two days for "5 to 8 March"."""

    start: int
    end: int
    parts: tuple[Part, ...]
    days: frozenset[Day]


def dates_of(text: str, start: int, end: int) -> Iterator[Date]:
    """Dates with a month in text[start:end]; a year alone is none."""
    if _DIGIT.search(text, start, end) is None:
        return
    for match in _DATE.finditer(text, start, end):
        made = _numeric(match) if match["sign"] else _in_words(match)
        if made is not None:
            yield made


def month_key(number: int) -> str:
    """Of a month from 1 to 12: its English name."""
    return MONTHS[number - 1]


def is_same(one: Day, other: Day) -> bool:
    """Whether the two may be one, by what both say."""
    return all(left is None or right is None or left == right for left, right in zip(one, other, strict=True))


def _part(match: "regex.Match[str]", group: str, key: str, also: str = "", *, is_name: bool = False) -> Part:
    return Part(match.start(group), match.end(group), key, also, is_name)


def _in_words(match: "regex.Match[str]") -> Date | None:
    name = match["month"]
    if not name[0].isupper():
        return None
    month = next(number for number, full in enumerate(MONTHS, 1) if full.startswith(name[:3].lower()))
    days: list[int] = [int(match[group]) for group in ("day", "until") if match[group]]
    if any(not 1 <= day <= 31 for day in days):
        return None
    year = int(match["year"]) if match["year"] else None
    parts = [_part(match, "month", month_key(month), is_name=True)]
    parts += [_part(match, group, str(int(match[group]))) for group in ("day", "until", "year") if match[group]]
    return Date(
        match.start(),
        match.end(),
        tuple(sorted(parts, key=lambda part: part.start)),
        frozenset((year, month, day) for day in (days or (None,))),
    )


def _numeric(match: "regex.Match[str]") -> Date | None:
    year = _part(match, "year", str(int(match["year"])))
    if match["number"]:
        month, day = int(match["number"]), int(match["day"])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return None
        parts = (year, _part(match, "number", month_key(month)), _part(match, "day", str(day)))
        return Date(match.start(), match.end(), parts, frozenset({(int(year.key), month, day)}))
    one, other = int(match["one"]), int(match["other"])
    readings = [(other, one)] if match["sign"] == "." else [(other, one), (one, other)]
    readings = [(month, day) for month, day in readings if 1 <= month <= 12 and 1 <= day <= 31]
    if not readings:
        return None
    if len(readings) == 2 and one != other:
        first = _part(match, "one", str(one), month_key(one))
        second = _part(match, "other", str(other), month_key(other))
    else:
        is_first = readings[0] == (one, other) and one != other
        first = _part(match, "one", month_key(one) if is_first else str(one))
        second = _part(match, "other", str(other) if is_first else month_key(other))
    return Date(
        match.start(),
        match.end(),
        (first, second, year),
        frozenset((int(year.key), month, day) for month, day in readings),
    )
