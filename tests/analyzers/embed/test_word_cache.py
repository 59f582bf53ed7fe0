"""The word cache gives the Rust tokeniser's ids for any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer

from driftline_analyzers.embed.tokens import RustTokenizer
from driftline_analyzers.embed.word_cache import WordPieceCache
from tests.analyzers.embed.tiny_models import bundled_folder

RUST = RustTokenizer(Tokenizer.from_file(str(bundled_folder() / "tokenizer.json")))
CACHE = WordPieceCache(RUST)

_SPECIAL = ("[SEP]", "[sep]", "x[CLS]y", "[", "]", "[UNK", "##ing", "don't", "3.14", "C++", "“quoted”", "—", "…")
_LETTERS = ("Straße", "ﬁne", "İstanbul", "e\u0301", "\u0301", "\u0345", "世界", "한국어", "🙂", "👨\u200d👩", "Ⅷ", "ǅ")
_CONTROL = ("\x00", "\x0b", "\x1f", "\x7f", "\x85", "\xa0", "\u2028", "\u200b", "\u3000", "\ufeff", "a\x00b", "\ud800")
_LONG = ("a" * 63, "a" * 64, "a" * 65, "a" * 100, "a" * 101, "ab-" * 60)
_WORD = st.one_of(
    st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12),
    st.text(min_size=1, max_size=8),
    *(st.sampled_from(odd) for odd in (_SPECIAL, _LETTERS, _CONTROL, _LONG)),
)
_GAP = st.sampled_from([" ", "  ", "\n", "\t", "\r\n", ""])


@st.composite
def texts(draw: st.DrawFn) -> str:
    return "".join(word + draw(_GAP) for word in draw(st.lists(_WORD, max_size=12)))


@settings(max_examples=400, deadline=None)
@given(st.lists(texts(), max_size=4))
def test_ids_are_those_of_the_rust_tokeniser(some: list[str]) -> None:
    assert CACHE.encode(some) == RUST.encode(some)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_ids_of_any_unicode_are_those_of_the_rust_tokeniser(text: str) -> None:
    assert CACHE.encode([text]) == RUST.encode([text])


def test_a_small_dictionary_is_emptied_and_still_right() -> None:
    small = WordPieceCache(RUST, max_words=10)
    blocks = [[f"word{i} number {j}" for j in range(8)] for i in range(5)]
    for block in blocks:
        assert small.encode(block) == RUST.encode(block)
        assert len(small._known) <= 10 + 3 * 8 + 3


def test_special_tokens_around_a_text_are_found() -> None:
    assert (RUST.prefix, RUST.suffix) == ([101], [102])


@pytest.mark.parametrize("special", ["two words", " ", "\n"])
def test_a_tokeniser_with_blanks_in_a_special_token_is_left_to_rust(special: str) -> None:
    tokenizer = Tokenizer.from_file(str(bundled_folder() / "tokenizer.json"))
    assert WordPieceCache.supports(RustTokenizer(tokenizer))
    tokenizer.add_special_tokens([AddedToken(special)])
    assert not WordPieceCache.supports(RustTokenizer(tokenizer))
