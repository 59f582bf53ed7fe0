"""Sentences of both kinds, all our own. The rules were written beside the first two tables, the others read after."""

import pytest

from driftline_analyzers.grounding.claims import claimed_part

CLAIMS = [
    "Although the documents say nothing about pets, the flat costs 870 euros a month.",
    "The brochure does not mention parking, but the museum has its own garage.",
    "The reading room in the annex is not open on public holidays.",
    "The source of the river is not in Bavaria.",
    "No information about customers is sold to third parties.",
    "We cannot deliver to islands without a bridge.",
    "We do not repair bicycles from other makers.",
    "The free plan does not include support by telephone.",
    "The ticket to Lisbon costs 120 euros:",
    "Apologies for the mix-up, the train leaves at 14:20.",
    "For further details dial 0800 123456 in Vienna.",
    "Here is the answer: Marie Curie won it twice.",
    "Please pay 40 pounds to the driver.",
    "Thanks for waiting, the garden opens at 9.",
    "I don't know who painted it, but it was sold for 3 million pounds in 1987.",
    "I can't see the parcel at the gate, wrote Peter.",
    "Documents are not returned after the exam.",
    "The text on the plaque is not legible.",
    "This model is not able to climb stairs.",
    "Breakfast is not included.",
    "Hi Tom, your table is booked for Friday at 8.",
    "Let's say the fee is 90 dollars.",
    "Die Werkstatt ist am Montag nicht geöffnet.",
    "El museo no abre los lunes.",
    "I could not find the lighthouse until Captain Roe had moved it to Skagen in 1902.",
    "If you have a student card, the entrance is free.",
]
NOT_CLAIMS = [
    "Hello Mr. Jones, thanks for getting in touch.",
    "Good evening!",
    "Kind regards, your travel team",
    "Let's go through this step by step.",
    "This is a really interesting question.",
    "I was not able to find this in the files.",
    "That is not described in the handbook.",
    "No details were found.",
    "Please send me your invoice number.",
    "I'm not certain.",
    "We don't know.",
    "As for the price, the context does not say.",
    "The excerpts don't specify the colour, the size or the weight.",
    "The text does not say who built it, when it was opened, or how much it cost.",
    "Unfortunately, there is no information about this.",
    "The answer cannot be determined from the provided sources.",
    "It is unclear from the passages whether this holds.",
    "Not specified",
    "I'd be happy to help!",
    "Have a lovely weekend!",
    "You're most welcome.",
    "I hope you are well.",
    "I'm only an assistant.",
    "Based on the documents, here are five tips for better sleep:",
    "To reset the device, follow these steps:",
    "The manual does not cover this, so I cannot answer.",
    "Danke für Ihre Nachricht!",
    "Das weiß ich leider nicht.",
    "In den Dokumenten steht dazu nichts.",
    "Mit freundlichen Grüßen, Ihr Serviceteam",
    "¡Hola! Gracias por tu mensaje.",
    "No encontré esa información en los documentos.",
    "Je ne sais pas, désolé.",
    "Merci pour votre question !",
    "对不起，我不知道。",
    "If you have any other questions, just ask.",
]
UNSEEN_CLAIMS = [
    "Even though the articles never mention her mother, she was born in Cardiff in 1950.",
    "The report doesn't give a date, however the treaty was signed in Rome.",
    "Sources of vitamin C are not only citrus fruits.",
    "The context menu does not open in Safari.",
    "No mention was made of the debt until Berlin asked for 2 billion euros.",
    "We are unable to ship batteries by air.",
    "I cannot recommend more than 400 milligrams of caffeine a day.",
    "The premium account does not show ads.",
    "The three largest cities are Tokyo, Delhi and Shanghai:",
    "Sorry about that, the correct figure is 17 percent.",
    "For more details see page 44 of the annual report.",
    "Here you go: the code is 5521.",
    "Please take two tablets every six hours.",
    "Thank you for your patience, the refund of 25 euros was sent on Tuesday.",
    "I'm not sure about the colour, but the chair weighs 12 kilograms.",
    "Great white sharks do not attack boats.",
    "The archive does not lend books to visitors.",
    "Happy employees stay 4 years longer.",
    "Dear Abby was first published in 1956.",
    "Hello Kitty was created by Yuko Shimizu.",
    "The document must not be older than six months.",
    "The information office is closed in winter.",
    "Der Vertrag kann nicht vor Ablauf von zwei Jahren gekündigt werden.",
    "La garantía no cubre la batería.",
]
UNSEEN_NOT_CLAIMS = [
    "Dear Ms. Alvarez, we appreciate your message.",
    "Good afternoon, and welcome!",
    "Warm wishes, the Harbour Hotel",
    "Let me take a look at that for you.",
    "What a great idea!",
    "I wasn't able to locate an answer in the passages.",
    "Neither document mentions the fee.",
    "Nothing in the sources answers that.",
    "Could not find any information on this topic.",
    "Please provide more details so that I can help.",
    "I am not sure.",
    "The provided excerpt contains no information about the warranty.",
    "The article doesn't go into that.",
    "That information isn't available in the knowledge base.",
    "The given text says nothing regarding opening hours.",
    "There isn't enough information to answer this.",
    "I'm afraid I don't have that information.",
    "No relevant passages were found.",
    "It was my pleasure!",
    "Enjoy your day!",
    "As a virtual assistant, I'm here to help.",
    "Below is a summary of the key points:",
    "Don't hesitate to reach out if anything is unclear.",
    "Guten Tag, Frau Weber!",
    "Dazu liegen mir keine Angaben vor.",
    "Leider finde ich dazu nichts.",
    "Buenos días, ¡gracias por escribirnos!",
    "No tengo información al respecto.",
    "Le document ne le précise pas.",
    "Bonne journée !",
    "谢谢您的来信！",
    "申し訳ありませんが、分かりません。",
]


@pytest.mark.parametrize("text", CLAIMS)
def test_what_says_something_of_the_world_is_a_claim(text: str) -> None:
    assert claimed_part(text) is not None


@pytest.mark.parametrize("text", NOT_CLAIMS)
def test_small_talk_and_what_is_not_known_are_none(text: str) -> None:
    assert claimed_part(text) is None


def test_most_sentences_that_no_rule_was_written_for_are_told_too() -> None:
    lost = [text for text in UNSEEN_CLAIMS if claimed_part(text) is None]
    kept = [text for text in UNSEEN_NOT_CLAIMS if claimed_part(text) is not None]
    assert len(lost) <= 2, lost
    assert len(kept) <= 2, kept


@pytest.mark.parametrize(
    "part", ["really ", "a, ", "is not ", "so ", "the ", "good ", "note that ", "no ", "I cannot ", "Grüße "]
)
def test_no_sentence_takes_long(part: str) -> None:
    """A pattern that goes back over what it read would need the age of the universe, and the limit of a test."""
    for end in ("", "!", "sorry", "the passages"):
        text = part * (2000 // len(part)) + end
        start, stop = claimed_part(text) or (0, 0)
        assert 0 <= start <= stop <= len(text)
