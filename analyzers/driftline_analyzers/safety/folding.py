"""A text as a reader takes it, and where each of its characters stands in the text that came.

Attacks hide from patterns in letters that look like others, in wide or styled letters, in characters that nobody sees; case folds some
letters to two. All is measured on the folded text and told in places of the original.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.safety.findings import Finding

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt)."""
_TAGS: Final = range(0xE0020, 0xE007F)
"""Unseen copies of ASCII's letters and signs, which models read."""
_MOST: Final = 4
"""Characters that one may be written out to; the few longer ones (U+FDFA has 18) are no hiding place."""
_LOOKS: Final = dict(
    zip(
        "аеорсухіјѕһԁԛԝӏкмтнвАВЕКМНОРСТУХІЈЅԌԜαονρυικτεηχγωΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհɑɡɩᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
        "aeopcyxijshdqwlkmthbABEKMHOPCTYXIJSGWaovpuiktenxywABEZHIKMNOPTYXounhagiabcdefghijklmnoprstuvwyz",
        strict=True,
    )
)
"""Letters of Cyrillic, Greek, Armenian and phonetic alphabets -> Latin ones that they look like (a selection of Unicode's confusables.txt,
and letters that attacks in the wild use though the likeness is poor).
"""
_LATIN: Final = str.maketrans(_LOOKS)
_ASCII_LETTER: Final = re.compile("[A-Za-z]")
_MIXED: Final = re.compile(rf"(?<![^\W\d_])(?=[^\W\d_]*[A-Za-z])(?=[^\W\d_]*[{''.join(_LOOKS)}])[^\W\d_]+")
"""A word of Latin letters and look-alikes."""
_SCRIPTS: Final = re.compile("[\u0370-\u058f]")
"""Greek, Cyrillic, Armenian."""
_FULL_SIGN: Final = re.compile(r"(?<=[A-Za-z0-9])[！-／：-＠［-｀｛-～]|[！-／：-＠［-｀｛-～](?=[A-Za-z0-9])")
_FULL_TO_ASCII: Final = 0xFEE0


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """text: what is read. places: (len(text),) index in the original of the character that each is from; None: it is the original."""

    text: str
    places: NDArray[np.int32] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of the text, not empty, in the original."""
        if self.places is None:
            return start, end
        return int(self.places[start]), int(self.places[end - 1]) + 1


def plain(text: str) -> Folded:
    """Without characters that are not seen; letters and digits of compatible forms (wide, circled, mathematical, ligatures: NFKC) as
    ordinary ones, wide signs beside them too; look-alikes among Latin letters as Latin ones. Scripts, accents and signs else stay.
    """
    if text.isascii():
        return Folded(text=text)
    seen = set(text)
    forms = {char: form for char in seen if char > "\x7f" and (form := _form(char)) != char}
    folded = _replaced(text, [forms.get(char, char) for char in text]) if forms else Folded(text=text)
    words = folded.text if seen.isdisjoint(_LOOKS) else _latin(folded.text, seen)
    signs = _FULL_SIGN.sub(lambda match: chr(ord(match[0]) - _FULL_TO_ASCII), words)
    return Folded(text=signs, places=folded.places)


def in_original(found: Iterable[Finding], folded: Folded) -> list[Finding]:
    """Findings of a folded text in the original's places."""
    if folded.places is None:
        return list(found)
    spans = [(one, folded.span(one.start, one.end)) for one in found]
    return [dataclasses.replace(one, start=start, end=end) for one, (start, end) in spans]


def casefolded(text: str) -> Folded:
    """Unicode's full case folding: 'ß' is 'ss'."""
    whole = text.casefold()
    return Folded(text=whole) if len(whole) == len(text) else _replaced(text, [char.casefold() for char in text])


def _replaced(text: str, forms: Sequence[str]) -> Folded:
    lengths = np.fromiter(map(len, forms), dtype=np.int32, count=len(text))
    return Folded(text="".join(forms), places=np.repeat(np.arange(len(text), dtype=np.int32), lengths))


@lru_cache(maxsize=1 << 14)
def _form(char: str) -> str:
    if ord(char) in _TAGS:
        return chr(ord(char) - _TAGS.start + 0x20)
    if _UNSEEN.match(char):
        return ""
    if unicodedata.category(char) == "Zs":
        return " "
    form = unicodedata.normalize("NFKC", char)
    is_raised_digit = form.isdigit() and unicodedata.decomposition(char).startswith(("<super>", "<sub>"))
    return form if form.isalnum() and len(form) <= _MOST and not is_raised_digit else char


def _latin(text: str, seen: Set[str]) -> str:
    """Look-alikes as Latin letters: in words that have Latin letters, and everywhere where their script has no other letter in the text.
    One for one, so that places stay.
    """
    if any(map(_ASCII_LETTER.match, seen)) and not any(map(_SCRIPTS.match, seen - _LOOKS.keys())):
        return text.translate(_LATIN)
    return _MIXED.sub(lambda match: match[0].translate(_LATIN), text)
