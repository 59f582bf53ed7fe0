"""Sentences of a text with their offsets."""

import re
from dataclasses import dataclass
from typing import Final

from driftline_analyzers.grounding.english import english

_END: Final = re.compile(r"[.!?…]+[\"”’'»)\]]*(?=\s|$)|[。！？｡।؟]+[」』”]*|\n+")
_MARKER: Final = re.compile(r"\s*(?:[-*•–]|\(?\d{1,3}[.)]|[a-zA-Z][.)])(?=\s)\s*")
_ABBREVIATIONS: Final = english("abbreviations")


@dataclass(frozen=True, slots=True)
class Sentence:
    """text[start:end], without blanks around it and without a list's marker before it."""

    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """Sentences in order. Ends are full stops and the like before a blank, those of scripts without blanks, and line breaks.

    Abbreviations, initials and decimals end nothing; a line of a list is a sentence.
    """
    found: list[Sentence] = []
    start = 0
    for end in _END.finditer(text):
        if end.group().startswith(".") and _goes_on(text, start, end):
            continue
        _add(found, text, start, end.end())
        start = end.end()
    _add(found, text, start, len(text))
    return found


def _goes_on(text: str, start: int, end: re.Match[str]) -> bool:
    """True when a full stop belongs to an abbreviation, an initial or a list's number, or what follows is in lower case."""
    word = re.split(r"[\s(\[\"“]", text[start : end.start()])[-1]
    if word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isupper()):
        return True
    if not text[start : end.start()].strip().strip("0123456789()"):
        return True
    rest = text[end.end() : end.end() + 3].lstrip()
    return bool(rest) and rest[0].islower() and "\n" not in text[end.end() : end.end() + 2]


def _add(found: list[Sentence], text: str, start: int, end: int) -> None:
    marker = _MARKER.match(text, start, end)
    if marker is not None:
        start = marker.end()
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if any(character.isalnum() for character in text[start:end]):
        found.append(Sentence(start, end))
