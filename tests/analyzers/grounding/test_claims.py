"""What says something that a document could support, and what does not."""

import pytest

from driftline_analyzers.grounding.claims import claimed_part


def claims(text: str) -> bool:
    return claimed_part(text) is not None


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


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("While the passages do not mention insurance, the lease costs 99 dollars.", "the lease costs 99 dollars."),
        ("Sorry for the confusion, the train leaves at nine.", "the train leaves at nine."),
        ("Hi Anna, thanks for waiting, it opened in 1998.", "it opened in 1998."),
        ("The bridge is closed to cars, but the passages do not say why.", "The bridge is closed to cars,"),
        ("In 1998, after a fire, it was closed.", "In 1998, after a fire, it was closed."),
        ("However, it was closed.", "However, it was closed."),
    ],
)
def test_what_claims_nothing_beside_a_claim_is_left_out(text: str, part: str) -> None:
    found = claimed_part(text)
    assert found is not None
    assert text[slice(*found)] == part
