import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_analyzers.drift.style import STYLE_FEATURES, style_features


def feature(text: str, name: str) -> float:
    return float(style_features([text])[0, STYLE_FEATURES.index(name)])


def test_each_feature_counts_what_its_name_says() -> None:
    text = "Sure! Here is the **plan**, in short:\n\n1. Boil water.\n2. Add tea.\n```\nwait()\n```"
    found = ["Sure", "Here", "is", "the", "plan", "in", "short", "1", "Boil", "water", "2", "Add", "tea", "wait"]
    words = len(found)
    expected = {
        "log_chars": np.log1p(len(text)),
        "log_words": np.log1p(words),
        "chars_per_word": len("".join(found)) / words,
        "newline_rate": 100 * 6 / words,
        "list_line_share": 2 / 6,
        "bold_rate": 100 / words,
        "code_fences": np.log1p(1),
        "comma_rate": 100 / words,
        "exclamation_rate": 100 / words,
        "refusal": 0,
        "eager_opener": 1,
        "type_token_ratio": 1,
        "ends_with_punctuation": 0,
    }
    assert tuple(expected) == STYLE_FEATURES
    np.testing.assert_allclose(style_features([text])[0], list(expected.values()), rtol=1e-6)


def test_rows_are_the_texts_in_order_and_float32() -> None:
    texts = ["One.", "", "Two, three!"]
    rows = style_features(texts)
    assert rows.shape == (3, len(STYLE_FEATURES))
    assert rows.dtype == np.float32
    for row, text in zip(rows, texts, strict=True):
        np.testing.assert_array_equal(row, style_features([text])[0])


@pytest.mark.parametrize("text", ["", " \n\t ", "😀🎉👍🏽", "…", "\x00\ud800"])
def test_a_text_without_words_has_a_length_and_no_rates(text: str) -> None:
    row = style_features([text])[0]
    assert row[0] == pytest.approx(np.log1p(len(text)))
    assert np.count_nonzero(row[1:12]) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop", 2),
        ("naïve café", 2),
        ("हिन्दी में वाक्य", 3),
        ("नमस्ते।", 1),
        ("هذا نَصٌّ قصير", 3),
        ("안녕하세요 세계", 2),
        ("我不知道。", 4),
        ("GPT-4 很好", 4),
        ("テスト", 3),
        ("e\u0301tude", 1),
    ],
)
def test_words_are_those_of_the_script(text: str, words: int) -> None:
    assert feature(text, "log_words") == pytest.approx(np.log1p(words))


@pytest.mark.parametrize(
    "text", ["はい、そうです。", "当然可以！", "Natürlich, gern.", "¡Claro! Aquí tienes.", "**Certainly!** Here"]
)
def test_an_eager_opener_is_seen_in_other_languages(text: str) -> None:
    assert feature(text, "eager_opener") == 1


@pytest.mark.parametrize("text", ["Surely not.", "Surecam prices", "Clarodrive", "I am sure."])
def test_a_word_that_only_begins_like_an_opener_is_none(text: str) -> None:
    assert feature(text, "eager_opener") == 0


@pytest.mark.parametrize("text", ["Done.", "Really?", '"Stop!"', "(yes.)", "完成。", "हाँ।", "**Note.**\n"])
def test_an_end_is_punctuated_behind_its_closing_quotes(text: str) -> None:
    assert feature(text, "ends_with_punctuation") == 1


@pytest.mark.parametrize("text", ["and then the", "Done. 👍", "1, 2, 3,"])
def test_an_end_cut_off_is_not_punctuated(text: str) -> None:
    assert feature(text, "ends_with_punctuation") == 0


def test_variety_of_words_does_not_fall_with_length() -> None:
    varied = " ".join(f"word{i}" for i in range(100))
    assert feature(varied, "type_token_ratio") == feature(varied + " and so on" * 500, "type_token_ratio") == 1


def test_a_huge_text_has_the_features_of_its_kind() -> None:
    line = "- some words, in a list!\n"
    small, huge = style_features([line * 100, line * 100_000])
    assert huge[0] == pytest.approx(np.log1p(len(line) * 100_000))
    assert huge[1] == pytest.approx(np.log1p(5 * 100_000), rel=1e-3)
    np.testing.assert_allclose(huge[2:], small[2:], rtol=1e-3)


@given(st.lists(st.text(max_size=300), max_size=4))
def test_any_text_gives_finite_features(texts: list[str]) -> None:
    rows = style_features(texts)
    assert np.isfinite(rows).all()
    assert (rows >= 0).all()
