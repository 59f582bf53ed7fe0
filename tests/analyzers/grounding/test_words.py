import unicodedata

import pytest

from driftline_analyzers.grounding.meaning import shipped_meaning
from driftline_analyzers.grounding.stems import stem
from driftline_analyzers.grounding.words import number_key, words_of


@pytest.mark.parametrize(
    ("one", "other"), [("1,000", "1000"), ("07", "7"), ("2.50", "2.5"), ("1,234.0", "1234"), ("0", "00"), ("3.", "3")]
)
def test_numbers_of_one_value_have_one_key(one: str, other: str) -> None:
    assert number_key(one) == number_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("４９", "49"), ("٤٩", "49"), ("४९", "49"), ("١٬٠٠٠٫٥", "1000.5"), ("1.000.000", "1,000,000"), ("1.234,50", "1,234.5"),
     ("12\u202f500", "12500"), ("1'000", "1000"), ("1.000", "1,000"), ("0,125", "0.125")],
)  # fmt: skip
def test_numbers_of_all_scripts_and_customs_have_one_key(one: str, other: str) -> None:
    assert number_key(one) == number_key(other)
    found = words_of(f"x {one} y")
    assert [word.key for word in found if word.kind == "number"] == [number_key(other)]


def test_one_separator_before_three_digits_may_be_either() -> None:
    assert [(word.key, word.also) for word in words_of("1.500 3.14 0.125 1,250,000")] == [
        ("1500", "1.5"), ("3.14", ""), (".125", ""), ("1250000", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("साइकिल की कीमत दिल्ली में", ["साइकिल", "की", "कीमत", "दिल्ली", "में"]),
        ("சைக்கிள் விலை", ["சைக்கிள்", "விலை"]),
        ("اتَّفَقَ الطَّرَفَانِ", ["اتَّفَقَ", "الطَّرَفَانِ"]),
        ("می‌روم خانه", ["می‌روم", "خانه"]),
        (unicodedata.normalize("NFD", "Gebühr für Müller"), [unicodedata.normalize("NFD", one) for one in ("Gebühr", "für", "Müller")]),
        ("KI企業は", ["KI", "企", "業", "は"]),
        ("นี่คือ", ["นี่", "คื", "อ"]),
    ],
)  # fmt: skip
def test_words_keep_their_marks_and_offsets(text: str, words: list[str]) -> None:
    found = words_of(text)
    assert [text[word.start : word.end] for word in found] == words
    assert all(word.carries for word in found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Die Gebühr für Müller", unicodedata.normalize("NFD", "Die Gebühr für Müller")),
        ("اتَّفَقَ الطَّرَفَانِ", "اتفق الطرفان"),
        ("Straße", "STRASSE"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("한국어", unicodedata.normalize("NFD", "한국어")),
        ("Fahr\u00adrad", "Fahrrad"),
        ("ﬁsh", "fish"),
    ],
)
def test_keys_do_not_tell_how_a_word_is_encoded(one: str, other: str) -> None:
    assert [word.key for word in words_of(one)] == [word.key for word in words_of(other)]


def test_words_know_their_place_and_kind() -> None:
    text = "In 1872 Wray didn't build twelve bridges."
    found = [(text[word.start : word.end], word.kind) for word in words_of(text)]
    assert found == [
        ("In", "function"), ("1872", "number"), ("Wray", "name"), ("didn't", "function"), ("build", "content"), ("twelve", "number"),
        ("bridges", "content"),
    ]  # fmt: skip
    assert [text[word.start : word.end] for word in words_of(text) if word.is_negation] == ["didn't"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Passage 2 says it opened in 1876.", ["1876"]),
        ("It opened in 1876 (passages 1, 2 and 3).", ["1876"]),
        ("It is 214 metres long [1, 3].", ["214"]),
        ("It is 214 metres long (Source #4: page 1).", ["214", "1"]),
        ("Step 4: repeat it 3 times.", ["3"]),
        ("Repeat step 4 for 3 minutes.", ["4", "3"]),
        ("The document lists 12 bridges.", ["12"]),
        ("Documents of 1876 list it.", ["1876"]),
        ("In 2019, document 7 was signed by 5 states.", ["2019", "5"]),
    ],
)
def test_a_number_that_names_a_source_or_a_part_is_no_claim(text: str, numbers: list[str]) -> None:
    assert [text[word.start : word.end] for word in words_of(text) if word.kind == "number"] == numbers


@pytest.mark.parametrize(
    ("text", "quantities"),
    [
        ("It costs $49 a month.", [("49", "dollar", "month")]),
        ("It costs 49 euros monthly, or 5 € per week.", [("49", "euro", "month"), ("5", "euro", "week")]),
        ("A rate of 3.5% per annum", [("3.5", "percent", "year")]),
        ("A rate of 4 per cent", [("4", "percent", "")]),
        ("It weighs 14kg and goes 25 km/day.", [("14", "kilogram", ""), ("25", "kilometer", "day")]),
        ("They paid $5 million for 2,5 thousand tonnes.", [("5000000", "dollar", ""), ("2500", "tonn", "")]),
        ("They paid 5bn dollars and 20k more.", [("5000000000", "dollar", ""), ("20000", "", "")]),
        ("It takes forty-nine days, or twenty days a year.", [("49", "day", ""), ("20", "day", "year")]),
        ("Open 5 days a week for 3 hours each day.", [("5", "day", "week"), ("3", "hour", "day")]),
        ("In 1998 a house had 3 rooms.", [("1998", "", ""), ("3", "", "")]),
    ],
)
def test_a_number_knows_what_it_counts(text: str, quantities: list[tuple[str, str, str]]) -> None:
    assert [(one.key, one.unit, one.per) for one in words_of(text) if one.kind == "number"] == quantities


def test_a_date_in_numbers_has_the_keys_of_one_in_words() -> None:
    keys = {
        text: {word.key for word in words_of(text)}
        for text in ("2020-03-05", "March 5, 2020", "05.03.2020", "5th of March 2020")
    }
    assert {frozenset(found - {"of"}) for found in keys.values()} == {frozenset({"2020", "march", "5"})}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Steps:\n• Export the books", []),
        ("Option 1: Install a pump of Grundfos.", ["Grundfos"]),
        ("Colours: Blue and Red", ["Red"]),
        ("It crosses the river Dean near (St) Albans.", ["Dean", "St", "Albans"]),
    ],
)
def test_what_begins_after_a_colon_or_a_bullet_is_no_name(text: str, names: list[str]) -> None:
    assert [text[word.start : word.end] for word in words_of(text) if word.kind == "name"] == names


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
