"""A text cut into windows of as many whole sentences as they hold, and into single sentences, which no neighbour can make look harmless."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_BREAK: Final = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+|(?<=>)(?=<)")


def windows(text: str, *, max_chars: int) -> list[tuple[int, int]]:
    """[start, end) of windows that cover the text, each of as many sentences as max_chars hold; a longer sentence is cut at a space.

    Blank windows are left out. Linear in the text.
    """
    found = []
    begin = end = 0
    for start, stop in _pieces(text, max_chars=max_chars):
        if stop - begin > max_chars and end > begin:
            found.append((begin, end))
            begin = start
        end = stop
    found.append((begin, end))
    return [(start, stop) for start, stop in found if text[start:stop].strip()]


def sentences(text: str, *, min_chars: int, max_chars: int) -> list[tuple[int, int]]:
    """[start, end) of single sentences, each cut at max_chars; one shorter than min_chars goes with the next. Blank ones are left out."""
    found = []
    begin = end = 0
    for _, stop in _pieces(text, max_chars=max_chars):
        if stop - begin > max_chars and end > begin:
            found.append((begin, end))
            begin = end
        end = stop
        if len(text[begin:end].strip()) >= min_chars:
            found.append((begin, end))
            begin = end
    found.append((begin, end))
    return [(start, stop) for start, stop in found if text[start:stop].strip()]


def _pieces(text: str, *, max_chars: int) -> Iterator[tuple[int, int]]:
    cuts = [0, *(match.end() for match in _BREAK.finditer(text)), len(text)]
    for start, stop in pairwise(cuts):
        at = start
        while stop - at > max_chars:
            space = text.rfind(" ", at + max_chars // 2, at + max_chars)
            cut = space + 1 if space >= 0 else at + max_chars
            yield at, cut
            at = cut
        if stop > at:
            yield at, stop
