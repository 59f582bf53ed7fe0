import pytest

from driftline_analyzers.grounding.sentences import split_sentences


def parts(text: str) -> list[str]:
    return [text[one.start : one.end] for one in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met Mr. J. Doe at 3.5 p.m. sharp. They talked.", ["Dr. Smith met Mr. J. Doe at 3.5 p.m. sharp.", "They talked."]),
        ("It costs $1.50. Really? Yes!", ["It costs $1.50.", "Really?", "Yes!"]),
        ("Steps:\n1. Open it.\n2) Close it\n- Done", ["Steps:", "Open it.", "Close it", "Done"]),
        ("* one\n• two", ["one", "two"]),
        ('He said "yes." She left.', ['He said "yes."', "She left."]),
        ("桥长214米。它很旧！真的？", ["桥长214米。", "它很旧！", "真的？"]),
        ("यह पुल है। यह पुराना है।", ["यह पुल है।", "यह पुराना है।"]),
        ("", []),
        (" \n\t", []),
        ("no end", ["no end"]),
        ("!!! ... ???", []),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_a_sentence_without_an_end_is_cut_between_words() -> None:
    text = "word " * 2000
    found = parts(text)
    assert max(map(len, found)) <= 2000
    assert " ".join(found).split() == text.split()


def test_a_text_of_stops_is_cut_in_time_that_grows_with_it() -> None:
    assert len(split_sentences("x. y. " * 20_000)) > 1
