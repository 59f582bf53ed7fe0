"""An answer in another language than its documents is neither supported nor unsupported by their words."""

import pytest

from driftline_analyzers.grounding.scorer import GroundingScorer
from driftline_analyzers.grounding.translation import foreign_language
from tests.analyzers.grounding.test_scorer import BRIDGE, call, no_vectors

GERMAN = "Die Brücke wurde zwischen 1872 und 1876 von dem Ingenieur Thomas Wray gebaut und ist 214 Meter lang."
ENGLISH = "The bridge was painted green by a hundred volunteers who came from the neighbouring villages."


@pytest.mark.parametrize(
    ("answer", "documents", "code"),
    [
        (GERMAN, BRIDGE, "de"),
        (ENGLISH, BRIDGE, ""),
        (GERMAN, (*BRIDGE, "Die Brücke über den Dean ist seit 1998 für Autos gesperrt und gehört den Radfahrern."), ""),
        (
            ENGLISH,
            ("橋は1872年から1876年にかけて建設され、長さは214メートルです。今は歩行者と自転車だけが使っています。",),
            "en",
        ),
        ("Ja, 214.", BRIDGE, ""),
        (GERMAN, ("", "4711"), ""),
        ("", BRIDGE, ""),
    ],
)
def test_the_language_is_told_where_it_is_clear(answer: str, documents: tuple[str, ...], code: str) -> None:
    assert foreign_language(answer, documents) == code


def test_a_translation_is_unsure_and_says_why() -> None:
    [[german], [english]] = GroundingScorer().score([call(GERMAN), call(ENGLISH)], embed=no_vectors)
    assert (german.is_flagged, german.evidence["verdict"], german.evidence["spans"]) == (False, "unsure", [])
    assert "another language (de)" in german.evidence["not_flagged"]
    assert english.is_flagged
    assert "not_flagged" not in english.evidence
