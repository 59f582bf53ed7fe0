import random

import pytest

from training.grounding_alterations import KINDS, altered

TEXT = "In Berlin the lease of 12 May 2021 costs $49 million a month for 30 days and is paid by Anna Keller."


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_thing_is_altered_and_it_is_of_that_kind(kind: str) -> None:
    for seed in range(20):
        made = altered(TEXT, TEXT, random.Random(seed), kind=kind)
        assert made is not None
        assert made.kind == kind
        pairs = [
            (old, new)
            for old, new in zip(TEXT.split(), made.text.replace(" not", "").split(), strict=True)
            if old != new
        ]
        assert len(pairs) == (0 if kind == "negation" else 1), made.text
        assert made.text != TEXT


def test_a_sentence_without_such_a_thing_stays() -> None:
    assert altered("They sang.", "They sang.", random.Random(0)) is None


def test_a_denial_is_taken_back() -> None:
    made = altered("It is not sold here.", "", random.Random(0), kind="negation")
    assert made is not None
    assert made.text == "It is sold here."
