"""One number, unit, date, denial or name of a sentence put otherwise, so that it says what its document does not."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from driftline_analyzers.grounding.dates import dates_of
from driftline_analyzers.grounding.words import words_of

_UNITS: Final = {
    "euros": "dollars", "dollars": "euros", "euro": "dollar", "dollar": "euro", "€": "$", "$": "€", "pounds": "euros",
    "miles": "kilometres",
    "kilometres": "miles", "kilometers": "miles", "km": "miles", "kilograms": "pounds", "kg": "pounds", "metres": "feet", "meters": "feet",
    "feet": "metres", "litres": "gallons", "centimetres": "inches", "inches": "centimetres", "million": "billion", "billion": "million",
    "thousand": "million", "days": "weeks", "weeks": "days", "months": "years", "years": "months", "hours": "minutes", "minutes": "hours",
    "a month": "a year", "a year": "a month", "per year": "per month", "per month": "per year", "per day": "per week", "a week": "a day",
    "percent": "degrees", "degrees": "percent", "acres": "square miles",
}  # fmt: skip
_UNIT: Final = re.compile(
    r"(?<=\d)\s?(?:€|million|billion|thousand|km|kg)\b|[$€](?=\d)|(?<=\d )(?:"
    + "|".join(word for word in _UNITS if word.isalpha())
    + r")\b|\b(?:a|per) (?:month|year|day|week)\b"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NAMES: Final = (
    "Paris",
    "Carter",
    "Nolan",
    "Madrid",
    "Hamburg",
    "Ohio",
    "Sato",
    "Fischer",
    "Denver",
    "Lopez",
    "Vienna",
    "Quebec",
)
_VERB: Final = re.compile(r"\b(is|was|are|were|has been|have been|can|will|may|must|did|does)\b(?! not)")
_DENIAL: Final = re.compile(r"\b(is|was|are|were|can|will|may|must|did|does) not\b")


@dataclass(frozen=True, slots=True)
class Altered:
    """kind: number, unit, date, negation or name."""

    kind: str
    text: str


def altered(sentence: str, document: str, rng: random.Random, *, kind: str = "") -> Altered | None:
    """One thing put otherwise: of that kind, or of any that the sentence has. None where it has none."""
    kinds = [kind] if kind else rng.sample(list(KINDS), len(KINDS))
    for one in kinds:
        text = KINDS[one](sentence, document, rng)
        if text is not None and text != sentence:
            return Altered(one, text)
    return None


def _number(sentence: str, document: str, rng: random.Random) -> str | None:
    numbers = [word for word in words_of(sentence) if word.kind == "number" and not word.days]
    written = [word for word in numbers if sentence[word.start : word.end].isdecimal()]
    if not written:
        return None
    word = rng.choice(written)
    old = int(sentence[word.start : word.end])
    away = [
        document[one.start : one.end]
        for one in words_of(document)
        if one.kind == "number"
        and document[one.start : one.end].isdecimal()
        and one.key not in {n.key for n in numbers}
    ]
    step = rng.choice((-3, -2, -1, 1, 2, 3, 10)) if old > 3 else rng.choice((1, 2, 3))
    new = rng.choice(away) if away and rng.random() < 0.3 else str(old + step)
    return sentence[: word.start] + new + sentence[word.end :]


def _unit(sentence: str, document: str, rng: random.Random) -> str | None:
    found = [match for match in _UNIT.finditer(sentence) if match.group().strip() in _UNITS]
    if not found:
        return None
    match = rng.choice(found)
    blank = " " if match.group()[0] == " " or (match.group().isalpha() and sentence[match.start() - 1] != " ") else ""
    return sentence[: match.start()] + blank + _UNITS[match.group().strip()] + sentence[match.end() :]


def _date(sentence: str, document: str, rng: random.Random) -> str | None:
    dates = list(dates_of(sentence, 0, len(sentence)))
    if not dates:
        return None
    part = rng.choice(rng.choice(dates).parts)
    old = sentence[part.start : part.end]
    if part.is_name:
        new = rng.choice([month for month in _MONTHS if month.lower() != part.key])
    elif len(old) == 4:
        new = str(int(old) + rng.choice((-2, -1, 1, 2)))
    else:
        most = 28 if part.key.isdecimal() else 12
        new = str(int(old) % most + 1).zfill(len(old))
    return sentence[: part.start] + new + sentence[part.end :]


def _negation(sentence: str, document: str, rng: random.Random) -> str | None:
    if _DENIAL.search(sentence):
        return _DENIAL.sub(r"\1", sentence, count=1)
    return _VERB.sub(r"\1 not", sentence, count=1) if _VERB.search(sentence) else None


def _name(sentence: str, document: str, rng: random.Random) -> str | None:
    names = [word for word in words_of(sentence) if word.kind == "name" and not word.days]
    others = [name for name in _NAMES if name not in document]
    if not names or not others:
        return None
    word = rng.choice(names)
    return sentence[: word.start] + rng.choice(others) + sentence[word.end :]


KINDS: Final[dict[str, Callable[[str, str, random.Random], str | None]]] = {
    "number": _number, "unit": _unit, "date": _date, "negation": _negation, "name": _name,
}  # fmt: skip
