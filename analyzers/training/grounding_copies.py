"""Copies of what a document says, as it stands or with one number, unit, date, denial or name altered: by rule, from a seed.

Half of them are of HotpotQA's documents, half of sentences made here from patterns, because Wikipedia has few prices, rates and weights.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from driftline_analyzers.grounding.sentences import split_sentences
from training.grounding_alterations import altered
from training.grounding_texts import Example, read_rows

_THINGS: Final = (
    "lease", "ticket", "course", "licence", "parcel", "heater", "pump", "tent", "printer", "battery", "garden shed", "season pass",
    "subscription", "insurance", "kayak", "sewing machine", "air filter", "storage box", "night train", "guided tour",
)  # fmt: skip
_PLACES: Final = (
    "Lyon",
    "Graz",
    "Porto",
    "Leeds",
    "Tampere",
    "Gdansk",
    "Utrecht",
    "Malmo",
    "Bergen",
    "Turin",
    "Cork",
    "Basel",
)
_PEOPLE: Final = (
    "Anna Keller",
    "Tom Osei",
    "Mira Novak",
    "Luis Prado",
    "Ines Moreau",
    "Karl Lind",
    "Yuki Tanaka",
    "Sara Haddad",
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_PATTERNS: Final = (
    "The {thing} costs {n} euros a month in {place}.",
    "The {thing} is sold for ${n} in {place}.",
    "Customers of {place} pay {n} dollars per year for the {thing}.",
    "The {thing} weighs {n} kilograms.",
    "The {thing} lasts for {n} kilometres.",
    "The {thing} is {n} metres long and {m} centimetres wide.",
    "The {thing} needs {n} litres of water per day.",
    "The company sold {n} million of them in {year}.",
    "Sales of the {thing} came to ${n} billion in {year}.",
    "The {thing} was presented on {d} {month} {year} by {person}.",
    "The shop in {place} opened on {month} {d}, {year}.",
    "The contract for the {thing} ends on {year}-{mm:02d}-{dd:02d}.",
    "The {thing} can be returned within {n} days.",
    "A cover is included in the price of the {thing}.",
    "The {thing} may be used outdoors.",
    "The {thing} is not available in {place}.",
    "Delivery to {place} takes {n} weeks.",
    "{person} has led the office in {place} since {year}.",
    "The {thing} must not be stored below {n} degrees.",
    "About {n} percent of the users in {place} renewed the {thing}.",
)  # fmt: skip
_N_DOCUMENTS: Final = 90
_N_SENTENCES: Final = 8
_LEADS: Final = ("", "", "", "According to the text, ", "In short, ")


@dataclass(frozen=True, slots=True)
class _Document:
    group: str
    text: str


def copies(data: Path, *, seed: int) -> Iterator[Example]:
    """Each sentence that can be altered once as it stands and once altered. Raises FileNotFoundError."""
    rng = random.Random(seed)
    rows = [row for row in read_rows(data, "grounding_halueval/qa.jsonl.gz") if row["kind"] == "right"]
    documents = [_Document(str(row["pair_id"]), row["knowledge"]) for row in rows]
    documents += [_Document(f"made {number}", _made(rng)) for number in range(_N_DOCUMENTS)]
    for document in documents:
        sentences = [document.text[one.start : one.end] for one in split_sentences(document.text)]
        for sentence in rng.sample(sentences, min(3, len(sentences))):
            other = altered(sentence, document.text, rng)
            if other is None:
                continue
            copied = Example(
                group=document.group,
                kind="copied",
                question="",
                documents=[document.text],
                answer=rng.choice(_LEADS) + _shortened(sentence, rng),
                is_unsupported=False,
            )
            yield copied
            yield replace(copied, kind="altered", answer=rng.choice(_LEADS) + other.text, is_unsupported=True)


def _shortened(sentence: str, rng: random.Random) -> str:
    """Sometimes without what follows its last comma."""
    head, comma, _ = sentence.rpartition(", ")
    return f"{head}." if comma and len(head.split()) > 5 and rng.random() < 0.3 else sentence


def _made(rng: random.Random) -> str:
    return " ".join(
        pattern.format(
            thing=rng.choice(_THINGS), place=rng.choice(_PLACES), person=rng.choice(_PEOPLE), month=rng.choice(_MONTHS),
            n=rng.randint(2, 99), m=rng.randint(2, 99), d=rng.randint(1, 28), dd=rng.randint(1, 28), mm=rng.randint(1, 12),
            year=rng.randint(1950, 2025),
        )
        for pattern in rng.sample(_PATTERNS, _N_SENTENCES)
    )  # fmt: skip
