"""Words of a text with their places; of scripts that set no spaces, characters."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import regex

MAX_CHARS: Final = 100_000
"""Of a text that the quality scorers read; evidence says where there was more."""

_UNSPACED: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー々]"
_LETTERS: Final = rf"[\w--[_{_UNSPACED[1:-1]}]]+"
_WORD: Final = regex.compile(rf"(?=\w){_UNSPACED}\p{{M}}*|(?!\p{{M}}){_LETTERS}(?:['’-]{_LETTERS})*", regex.V1)
_UNSPACED_LETTER: Final = regex.compile(_UNSPACED)


@dataclass(frozen=True, slots=True)
class Word:
    """A case-folded word at [start, end) of its text."""

    text: str
    start: int
    end: int


def words_of(text: str) -> Iterator[Word]:
    """The words in order."""
    for match in _WORD.finditer(text):
        yield Word(match[0].casefold(), match.start(), match.end())


def n_letters(word: str) -> int:
    """As an alphabet would count them: vowel signs of Indic scripts and each letter of a Hangul syllable count, accents and the vowel
    points of Arabic and Hebrew do not.
    """
    if word.isascii():
        return len(word)
    return sum(not unicodedata.combining(one) for one in unicodedata.normalize("NFD", word))


def sets_no_spaces(text: str) -> bool:
    """Whether a tenth of the text or more is of a script that sets no spaces between words."""
    return len(_UNSPACED_LETTER.findall(text)) * 10 > len(text)


def unread(text: str, *, max_chars: int = MAX_CHARS) -> dict[str, int]:
    """For evidence: how much of a text was not read; nothing where all was."""
    return {"unread_chars": len(text) - max_chars} if len(text) > max_chars else {}
