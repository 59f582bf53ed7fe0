"""Words of a text with their places; of scripts that set no spaces, characters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_CHARS: Final = 100_000
"""Of a text that the quality scorers read; evidence says where there was more."""

_UNSPACED: Final = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’-][^\W_{_UNSPACED}]+)*")
_UNSPACED_LETTER: Final = re.compile(rf"[{_UNSPACED}]")


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


def sets_no_spaces(text: str) -> bool:
    """Whether a tenth of the text or more is of a script that sets no spaces between words."""
    return len(_UNSPACED_LETTER.findall(text)) * 10 > len(text)


def unread(text: str, *, max_chars: int = MAX_CHARS) -> dict[str, int]:
    """For evidence: how much of a text was not read; nothing where all was."""
    return {"unread_chars": len(text) - max_chars} if len(text) > max_chars else {}
