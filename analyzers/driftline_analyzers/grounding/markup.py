"""Parts of an answer in Markdown that claim nothing: code in fences, the header row of a table."""

import re
from collections.abc import Sequence
from typing import Final

from driftline_analyzers.grounding.sentences import Sentence

_FENCE: Final = re.compile(
    r"^ {0,3}(?P<mark>```+|~~~+)[^\n]*\n.*?(?:^ {0,3}(?P=mark)[^\n]*$|\Z)", re.MULTILINE | re.DOTALL
)
_HEADER: Final = re.compile(
    r"^[^\n|]*\|[^\n]*(?=\n[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+$)", re.MULTILINE
)


def spoken_sentences(text: str, sentences: Sequence[Sentence]) -> list[Sentence]:
    """Those of the text's sentences that stand in none of these parts."""
    silent = [match.span() for pattern in (_FENCE, _HEADER) for match in pattern.finditer(text)]
    return [one for one in sentences if not any(start < one.end and one.start < end for start, end in silent)]
