"""Which sentences of an answer say something that a document could support."""

import re
from collections.abc import Sequence
from typing import Final

from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.grounding.words import Word

_CHAT: Final = re.compile(
    r"^(?:hi|hello|hey|thanks|thank you|you're welcome|sure|certainly|of course|okay|ok|great|good luck|sorry|i'm sorry|i apologi[sz]e"
    r"|please let me know|let me know|feel free|i hope (?:this|that) helps|hope (?:this|that) helps|is there anything|if you have any"
    r"|here (?:is|are) )\b",
    re.IGNORECASE,
)
_ABOUT_WHAT_IS_MISSING: Final = re.compile(
    r"\b(?:passages?|context|documents?|text|sources?|information)\b[^.]{0,40}\b(?:do(?:es)?|did|is|are)(?: not|n't)\b|"
    r"\b(?:do(?:es)?|did|is|are)(?: not|n't)\b[^.]{0,30}\b(?:mention|provide|contain|state|specify|enough information|say)|"
    r"\b(?:unable to (?:answer|find|determine)|cannot (?:answer|be determined|find)|no (?:information|mention))\b",
    re.IGNORECASE,
)
_LONGEST_CHAT = 14


def is_claim(text: str, words: Sequence[Word]) -> bool:
    """False for questions, greetings, offers of help, refusals, headings, and sentences about what the documents do not say."""
    stripped = text.rstrip("\"”’'*_) ")
    if not any(word.carries for word in words) or stripped.endswith(("?", "？", "؟", ":")):
        return False
    if _ABOUT_WHAT_IS_MISSING.search(text) is not None or is_refusal(text):
        return False
    return not (len(words) <= _LONGEST_CHAT and _CHAT.match(text.lstrip('"“*_ ')))
