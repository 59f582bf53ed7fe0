import pytest

from driftline_analyzers.grounding.markup import spoken_sentences
from driftline_analyzers.grounding.sentences import split_sentences


def spoken(text: str) -> list[str]:
    return [text[one.start : one.end] for one in spoken_sentences(text, split_sentences(text))]


def test_code_in_fences_says_nothing() -> None:
    text = "Run this.\n```sh\npip install kettle==9\n```\nIt boils.\n~~~\nleft open = 1\n"
    assert spoken(text) == ["Run this.", "It boils."]


@pytest.mark.parametrize("rule", ["|---|---|", "--- | ---", "| :-- | --: |"])
def test_the_header_of_a_table_says_nothing_and_its_rows_do(rule: str) -> None:
    assert spoken(f"Prices.\n| Item | Price |\n{rule}\n| Kettle | 40 euros |") == ["Prices.", "| Kettle | 40 euros |"]


def test_a_bar_alone_makes_no_table() -> None:
    assert spoken("a | b is true.\nIt boils.") == ["a | b is true.", "It boils."]
