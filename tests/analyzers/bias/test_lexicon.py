"""Words for groups: found where they are meant, masked, and exchanged."""

from importlib.resources import files
from pathlib import Path

import pytest

from driftline_analyzers.bias.lexicon import MASK, MAX_CHARS, GroupLexicon, default_lexicon, load_lexicon


@pytest.fixture
def lexicon() -> GroupLexicon:
    return default_lexicon()


@pytest.mark.parametrize(
    ("text", "axis", "groups"),
    [
        ("A Black woman applied.", "race", {"Black people"}),
        ("I'm black and proud.", "race", {"Black people"}),
        ("They said no because Jeremy is black.", "race", {"Black people"}),
        ("black, white and Asian students", "race", {"Black people", "White people", "Asian people"}),
        ("an African-American neighbour", "race", {"Black people"}),
        ("She openly said: I am gay.", "orientation", {"gay and lesbian people"}),
        ("trans women should be safe", "gender", {"trans people"}),
        ("My grandmother is deaf.", "disability", {"disabled people"}),
        ("is it halal for Muslims", "religion", {"Muslims"}),
        ("a recipe for POLISH immigrants", "region", {"Eastern Europeans"}),
        ("poor people and rich people", "income", {"poor people", "rich people"}),
        ("the rich get richer than the poor.", "income", {"rich people", "poor people"}),
        ("she is on food stamps", "income", {"poor people"}),
        ("a 72-year-old patient asked", "age", {"older people"}),
        ("He is in his late eighties", "age", {"older people"}),
        ("men over 65 and a high school student", "age", {"older people", "younger people"}),
        ("Mike was old", "age", {"older people"}),
        ("they hate blacks", "race", {"Black people"}),
        ("W o m e n belong here", "gender", {"women"}),
        ("tr4ns people", "gender", {"trans people"}),
        ("a Muslm asked", "religion", {"Muslims"}),
        ("too manyimmigrants", "migration", {"immigrants"}),
        ("\U0001f469 the woman's visa 女性", "gender", {"women"}),
    ],
)
def test_a_group_is_found_where_a_person_is_meant(
    lexicon: GroupLexicon, text: str, axis: str, groups: set[str]
) -> None:
    assert lexicon.groups(text)[axis] == groups


@pytest.mark.parametrize(
    "text",
    [
        "black coffee in a white cup",
        "go straight ahead at the blind corner",
        "polish the table with a blackish cloth",
        "an old poor excuse for a rich sauce",
        "manual, human, command",
        "this sheet has a hero of its own in the theatre",
        "Polish the table, then translate it into French",
        "a 12-year-old whisky, and the house is 80 years old",
        "the poor weather and the rich sauce in 100 ms",
        "french fries under mother nature",
        "whisk the whites of two eggs",
        "Berlin's old town",
        "",
        "\U0001f600 12345",
    ],
)
def test_words_that_only_look_like_a_group_are_left_alone(lexicon: GroupLexicon, text: str) -> None:
    assert lexicon.find(text) == []
    assert lexicon.mask(text) == text


def test_spans_are_of_the_text_and_masking_removes_exactly_them(lexicon: GroupLexicon) -> None:
    text = "Ünïcode 🙂: the Muslim lady’s black husband"
    assert [text[one.start : one.end] for one in lexicon.find(text)] == ["Muslim", "lady", "black", "husband"]
    assert lexicon.mask(text) == f"Ünïcode 🙂: the {MASK} {MASK}’s {MASK} {MASK}"


def test_masked_texts_of_two_groups_are_the_same(lexicon: GroupLexicon) -> None:
    one, other = "Write about a Muslim man.", "Write about an atheist woman."
    assert lexicon.mask(one) == lexicon.mask(other)
    assert lexicon.mask("Black people vote, an Asian person too.") == "XYZ vote, a XYZ too."
    assert lexicon.mask("Muslims vote, an immigrant too.") == "XYZ vote, a XYZ too."


def test_first_names_are_an_axis_that_is_asked_for(lexicon: GroupLexicon) -> None:
    named = default_lexicon(with_names=True)
    assert "first name" not in lexicon.axes
    assert lexicon.find("Susan asked Tom.") == []
    assert named.groups("Susan asked.") == {"first name": frozenset({"women's first names"})}
    assert named.groups("a jack, a bob, a mary") == {}
    assert named.version != lexicon.version


def test_a_lexicon_of_other_words_has_another_version(tmp_path: Path, lexicon: GroupLexicon) -> None:
    path = tmp_path / "groups.toml"
    ours = (files("driftline_analyzers") / "bias" / "groups.toml").read_text("utf-8")
    path.write_text(ours, encoding="utf-8")
    assert load_lexicon(path).version == lexicon.version
    path.write_text(ours.replace('"penniless"', '"skint"'), encoding="utf-8")
    assert load_lexicon(path).version != lexicon.version


def test_a_huge_text_is_read_up_to_a_limit(lexicon: GroupLexicon) -> None:
    text = "x " * (MAX_CHARS // 2) + "woman"
    assert lexicon.find("woman " + text)[0].group == "women"
    assert lexicon.find(text) == []


@pytest.mark.parametrize(
    ("text", "swapped", "expected"),
    [
        ("She told her boss that an old woman saw her.", ("gender", "women", "men"), "He told his boss that an old man saw him."),
        ("Is he your husband?", ("gender", "men", "women"), "Is she your wife?"),
        ("A Muslim asked.", ("religion", "Muslims", "atheists"), "An atheist asked."),
        ("an Asian man", ("race", "Asian people", "Black people"), "a Black man"),
        ("Muslims in ISLAMIC law", ("religion", "Muslims", "Jews"), "Jews in Jewish law"),
    ],
)  # fmt: skip
def test_a_counterfactual_reads_as_if_written_so(
    lexicon: GroupLexicon, text: str, swapped: tuple[str, str, str], expected: str
) -> None:
    axis, group, other = swapped
    assert lexicon.swap(text, axis=axis, group=group, other=other) == expected


def test_what_has_no_counterpart_gives_no_counterfactual(lexicon: GroupLexicon) -> None:
    assert lexicon.swap("about the Quran", axis="religion", group="Muslims", other="Jews") is None
    assert lexicon.swap("about the weather", axis="religion", group="Muslims", other="Jews") is None
    with pytest.raises(KeyError, match="planets"):
        lexicon.swap("a woman", axis="planets", group="women", other="men")


def test_every_group_can_be_put_in_and_is_then_found(lexicon: GroupLexicon) -> None:
    for axis, groups in lexicon.axes.items():
        for group in groups:
            for kind in ("singular", "plural"):
                found = lexicon.groups(f"we talked to {group.forms[kind]} today")
                assert found[axis] == frozenset({group.name}), (axis, group.name, kind)
