"""What says something that a document could support, and what does not."""

import pytest

from driftline_analyzers.grounding.claims import is_claim
from driftline_analyzers.grounding.words import words_of


def claims(text: str) -> bool:
    return is_claim(text, words_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "Great Britain won 27 gold medals.",
        "Great Britain won.",
        "Certainly the bridge opened before the war.",
        "Sure enough, the warranty covers broken screens.",
        "Refunds take five days.",
        "Here the river turns south and becomes navigable for ships of up to two thousand tonnes each year.",
        "桥于1932年开放。",
    ],
)
def test_statements_are_claims(text: str) -> None:
    assert claims(text)


@pytest.mark.parametrize(
    "text",
    [
        "Good question.",
        "Great question!",
        "Sure!",
        "Thanks for asking.",
        "You can find more under Help in the app.",
        "Please let me know if you need anything else.",
        "I hope this helps!",
        "I am sorry about the broken kettle.",
        "Would you like to know more?",
        "Key points:",
        "The passages do not mention the price.",
        "I'm sorry, but I can't help with that.",
        "!!!",
        "",
    ],
)
def test_pleasantries_offers_questions_refusals_and_headings_are_not(text: str) -> None:
    assert not claims(text)
