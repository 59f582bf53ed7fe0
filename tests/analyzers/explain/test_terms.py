import numpy as np

from driftline_analyzers.explain.terms import distinguishing_terms, text_terms, tokens


def test_words_of_every_script_are_found() -> None:
    assert tokens("Crème brûlée, don’t!") == ["crème", "brûlée", "don't"]
    assert tokens("हिन्दी में") == ["हिन्दी", "में"]
    assert tokens("退款政策") == ["退款", "款政", "政策"]
    assert tokens("환불 정책") == ["환불", "정책"]
    assert tokens("Привет, мир") == ["привет", "мир"]
    assert tokens("wow🙂🙂 42") == ["wow", "🙂", "🙂"]
    assert tokens("") == []


def test_pairs_leave_out_stop_words() -> None:
    assert text_terms("how to change the oil filter") == {"change", "oil", "filter", "oil filter"}


def test_terms_are_those_of_the_texts_inside() -> None:
    texts = ["refund my order"] * 5 + ["track my order"] * 20 + ["cancel my order"] * 20
    found = distinguishing_terms([text_terms(text) for text in texts], np.arange(45) < 5)
    assert found[0] in {"refund", "refund order"}
    assert "order" not in found
    assert len(found) <= 8


def test_one_text_that_repeats_a_word_has_one_vote() -> None:
    texts = ["spam " * 100 + "refund"] + ["refund please now"] * 6 + ["track order"] * 30
    found = distinguishing_terms([text_terms(text) for text in texts], np.arange(37) < 7)
    assert "spam" not in found
    assert found[0] == "refund"


def test_texts_without_words_have_no_terms() -> None:
    assert distinguishing_terms([text_terms(""), text_terms("1 2 3")], np.array([True, False])) == ()
    assert distinguishing_terms([], np.zeros(0, dtype=bool)) == ()
