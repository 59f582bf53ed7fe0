import pytest

from driftline_analyzers.grounding.meaning import shipped_meaning
from driftline_analyzers.grounding.words import number_key, stem, words_of


@pytest.mark.parametrize(
    ("one", "other"), [("1,000", "1000"), ("07", "7"), ("2.50", "2.5"), ("1,234.0", "1234"), ("0", "00"), ("3.", "3")]
)
def test_numbers_of_one_value_have_one_key(one: str, other: str) -> None:
    assert number_key(one) == number_key(other)


def test_words_know_their_place_and_kind() -> None:
    text = "In 1872 Wray didn't build twelve bridges."
    found = [(text[word.start : word.end], word.kind) for word in words_of(text)]
    assert found == [
        ("In", "function"), ("1872", "number"), ("Wray", "name"), ("didn't", "function"), ("build", "content"), ("twelve", "number"),
        ("bridges", "content"),
    ]  # fmt: skip
    assert [text[word.start : word.end] for word in words_of(text) if word.is_negation] == ["didn't"]


@pytest.mark.parametrize(
    "forms",
    [
        "bridge bridges bridge's",
        "mile miles",
        "cat cats cat's",
        "movie movies",
        "city cities",
        "carry carried carries",
        "stop stopped stopping",
    ],
)
def test_inflections_have_one_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


def test_synonyms_are_close_and_strangers_are_not() -> None:
    meaning = shipped_meaning()
    among = meaning.known([stem("physician"), stem("refrigerator")])
    near, same, far, unknown = meaning.closeness([stem("doctor"), stem("fridge"), stem("senate"), "qqq"], among)
    assert near > 0.7
    assert same > 0.7
    assert far < 0.3
    assert unknown == 0


def test_nothing_is_close_to_no_words() -> None:
    meaning = shipped_meaning()
    assert meaning.closeness(["doctor"], meaning.known([])).tolist() == [0.0]
