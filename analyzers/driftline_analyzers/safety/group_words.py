"""Words that name groups of people, masked before toxicity is judged: what is said shall count, not of whom."""

import re
from typing import Final

MASK: Final = "people"
_TERMS: Final = (
    r"wom[ae]n", r"m[ae]n", r"girls?", r"boys?", r"females?", r"males?", r"ladies", r"lady", r"gay(?:s| people| person)?",
    r"lesbians?", r"bisexuals?", r"homosexuals?", r"queers?", r"straight people", r"heterosexuals?",
    r"trans(?:gender(?:s|ed)?| people| person)?", r"transsexuals?", r"non-?binary", r"muslims?", r"christians?", r"jew(?:s|ish)?",
    r"hindus?", r"buddhists?", r"sikhs?", r"catholics?", r"protestants?", r"atheists?", r"islam(?:ic)?", r"judaism",
    r"christianity", r"black(?:s| people| person| folks?)", r"black", r"white(?:s| people| person| folks?)",
    r"african[- ]americans?", r"africans?", r"asians?", r"arabs?", r"latin[oax]s?", r"hispanics?", r"native americans?",
    r"indigenous", r"roma", r"mexicans?", r"chinese", r"japanese", r"indians?", r"pakistanis?", r"turks?", r"turkish",
    r"americans?", r"europeans?", r"germans?", r"french", r"poles?", r"polish", r"russians?", r"ukrainians?", r"israelis?",
    r"palestinians?", r"disabled(?: people| person)?", r"handicapped", r"blind(?: people| person)?", r"deaf(?: people| person)?",
    r"autistic(?: people)?", r"mentally ill", r"wheelchair users?", r"immigrants?", r"migrants?", r"refugees?", r"foreigners?",
    r"asylum seekers?", r"aliens?", r"elderly", r"old people", r"young people", r"poor people", r"rich people",
    r"homeless(?: people)?",
)  # fmt: skip
_GROUP: Final = re.compile(
    rf"\b(?:{'|'.join(sorted(_TERMS, key=len, reverse=True))})\b(?: (?:people|person|folks?)\b)?", re.IGNORECASE
)


def mask_groups(text: str) -> str:
    """The text with every word that names a group by a neutral term replaced by 'people'. Slurs stay: they are what is looked for."""
    return _GROUP.sub(MASK, text)
