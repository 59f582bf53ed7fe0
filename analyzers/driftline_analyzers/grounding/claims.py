"""Which sentences of an answer say something that a document could support."""

import re
from collections.abc import Sequence
from typing import Final

from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.grounding.words import Word

_PLEASANTRY: Final = re.compile(
    r"(?:hi|hello|hey|thanks|thank you|you're welcome|sure|certainly|of course|okay|ok|great|good|excellent|nice|glad|happy|sorry"
    r"|absolutely)\b",
    re.IGNORECASE,
)
_OFFER: Final = re.compile(
    r"(?:please |just |do )?(?:let me know|let us know|feel free|get in touch|contact us)\b"
    r"|(?:i )?hope (?:this|that|it) helps\b|is there anything\b|if you (?:have|need) (?:any|more|further)\b"
    r"|you can (?:find|read|see) (?:more|further)\b|for (?:more|further) (?:information|details)\b|here (?:is|are)\b"
    r"|(?:i'm |i am |we're |we are )?(?:so |very )?sorry\b|(?:i|we) apologi[sz]e\b|thank you for\b",
    re.IGNORECASE,
)
_ABOUT_WHAT_IS_MISSING: Final = re.compile(
    r"\b(?:passages?|context|documents?|text|sources?|information)\b[^.]{0,40}\b(?:do(?:es)?|did|is|are)(?: not|n't)\b|"
    r"\b(?:do(?:es)?|did|is|are)(?: not|n't)\b[^.]{0,30}\b(?:mention|provide|contain|state|specify|enough information|say)|"
    r"\b(?:unable to (?:answer|find|determine)|cannot (?:answer|be determined|find)|no (?:information|mention))\b",
    re.IGNORECASE,
)
_LONGEST_PLEASANTRY = 4
_LONGEST_OFFER = 14


def is_claim(text: str, words: Sequence[Word]) -> bool:
    """False for questions, greetings, offers of help, refusals, headings, and sentences about what the documents do not say."""
    stripped = text.rstrip("\"”’'*_) ")
    if not any(word.carries for word in words) or stripped.endswith(("?", "？", "؟", ":")):
        return False
    if _ABOUT_WHAT_IS_MISSING.search(text) is not None or is_refusal(text):
        return False
    opening = text.lstrip('"“*_ ')
    if len(words) <= _LONGEST_PLEASANTRY and _PLEASANTRY.match(opening):
        return any(word.kind in ("name", "number") for word in words)
    return not (len(words) <= _LONGEST_OFFER and _OFFER.match(opening))
