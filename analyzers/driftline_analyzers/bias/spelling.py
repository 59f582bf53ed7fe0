"""Words for groups that are misspelt on purpose or by haste: "w o m e n", "bl4ck", "Muslm", "manyimmigrants"."""

import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

_CHUNK: Final = re.compile(r"[^\W_]+(?:[@$!][^\W_]+)*")
_WORD: Final = re.compile(r"[^\W_]+")
_LEET: Final = tuple(str.maketrans("430$5@7!1", f"aeossat{one}{one}") for one in "il")
_LEET_SIGNS: Final = frozenset("01345789@$!")
_GAPS: Final = frozenset(" -.*")
_MIN_LETTERS: Final = 3
_MIN_LONG: Final = 8
_MAX_SPACED: Final = 16


class Token(NamedTuple):
    """[start, end) in characters of the text; word: in lower case, as it should be spelt; text: as it is written.

    A tuple and no dataclass: every word of every text is one.
    """

    text: str
    word: str
    start: int
    end: int


class Speller:
    """Reads words of a text, and those of `terms` also where a sign stands for a letter or blanks stand between letters; the long ones and
    those of `frequent` where an inner letter is missing; those of `glued` where another word is written to them.
    real_words: what a missing letter does not make of a term: "back".
    """

    def __init__(
        self, terms: Collection[str], *, frequent: Collection[str], glued: Sequence[str], real_words: Collection[str]
    ) -> None:
        self._terms = frozenset(terms)
        known = self._terms | frozenset(real_words)
        self._shortened = {
            term[:i] + term[i + 1 :]: term
            for term in sorted(self._terms)
            if (len(term) >= _MIN_LONG or term in frequent) and term.isalpha()
            for i in range(1, len(term) - 1)
            if term[:i] + term[i + 1 :] not in known
        }
        either = "|".join(sorted(glued, key=len, reverse=True))
        self._glued = re.compile(rf"({either})[^\W\d_]{{4,}}|[^\W\d_]{{3,}}({either})") if glued else None

    def tokens(self, text: str, *, max_chars: int) -> list[Token]:
        """Words of the first max_chars characters, in order."""
        found: list[Token] = []
        for chunk in _CHUNK.finditer(text, 0, max_chars):
            written = chunk.group()
            word = written.lower()
            if word.isalpha():
                found += self._plain(word, written, chunk.start())
            elif word[0].isdigit() and word.isdigit():
                found.append(Token(text=written, word=word, start=chunk.start(), end=chunk.end()))
            else:
                found += self._with_signs(word, written, chunk.start())
        return self._spaced(found, text)

    def _plain(self, word: str, written: str, start: int) -> list[Token]:
        end = start + len(written)
        if word in self._terms or len(word) < 4:
            return [Token(text=written, word=word, start=start, end=end)]
        if word in self._shortened:
            return [Token(text=written, word=self._shortened[word], start=start, end=end)]
        match = self._glued.fullmatch(word) if self._glued is not None and len(written) == len(word) else None
        if match is None:
            return [Token(text=written, word=word, start=start, end=end)]
        first, last = match.span(1 if match[1] else 2)
        parts = [(0, first), (first, last), (last, len(word))]
        return [Token(text=written[a:b], word=word[a:b], start=start + a, end=start + b) for a, b in parts if a < b]

    def _with_signs(self, word: str, written: str, start: int) -> list[Token]:
        if sum(sign.isalpha() for sign in word) >= 2 and not _LEET_SIGNS.isdisjoint(word):
            for table in _LEET:
                meant = word.translate(table)
                if len(meant) >= _MIN_LETTERS and meant in self._terms:
                    return [Token(text=written, word=meant, start=start, end=start + len(written))]
        return [
            Token(text=part.group(), word=part.group().lower(), start=start + part.start(), end=start + part.end())
            for part in _WORD.finditer(written)
        ]

    def _spaced(self, tokens: list[Token], text: str) -> list[Token]:
        joined: list[Token] = []
        i = 0
        while i < len(tokens):
            j = i + 1
            while (
                len(tokens[i].text) == 1
                and j < min(len(tokens), i + _MAX_SPACED)
                and len(tokens[j].text) == 1
                and _is_gap(text, tokens[j - 1].end, tokens[j].start)
            ):
                j += 1
            n = next((n for n in range(j - i, _MIN_LETTERS - 1, -1) if _word(tokens[i : i + n]) in self._terms), 0)
            if n:
                start, end = tokens[i].start, tokens[i + n - 1].end
                joined.append(Token(text=text[start:end], word=_word(tokens[i : i + n]), start=start, end=end))
            else:
                joined.append(tokens[i])
            i += max(1, n)
        return joined


def _is_gap(text: str, end: int, start: int) -> bool:
    return start - end == 1 and text[end] in _GAPS


def _word(tokens: Sequence[Token]) -> str:
    return "".join(token.word for token in tokens)
