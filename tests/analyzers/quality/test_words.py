import unicodedata
from typing import Any

import pytest

from driftline_analyzers.quality.readability import ReadabilityScorer
from driftline_analyzers.quality.words import n_letters, sets_no_spaces, words_of
from driftline_analyzers.scoring.call import Call

HINDI = (
    "साइकिल की सदस्यता बर्लिन में हर महीने उनचास यूरो की है। आप इसे किसी भी समय ऐप में रद्द कर सकते हैं और डिलीवरी मुफ्त है। "
    "यदि आपके कोई प्रश्न हैं तो कृपया ग्राहक सहायता से संपर्क करें।"
)
KOREAN = (
    "자전거 구독은 베를린에서 한 달에 사십구 유로입니다. 언제든지 앱에서 취소할 수 있으며 배송은 무료입니다. 질문이 있으시면 "
    "고객 지원 센터로 연락해 주시기 바랍니다. 저희는 매일 아침 여덟 시부터 저녁 여섯 시까지 도와드리고 있습니다."
)
ENGLISH = (
    "The lease of a bicycle costs forty-nine euros a month in Berlin. You may cancel it in the app at any time. " * 2
)


def readability(completion: str) -> float | None:
    blank: dict[str, Any] = {
        "service": "",
        "model": "",
        "prompt_version": "",
        "session_id": "",
        "system_prompt": "",
        "prompt": "",
    }
    call = Call(trace_id="0" * 32, span_id="0" * 16, start_ns=0, completion=completion, **blank)
    ((score,),) = ReadabilityScorer().score([call], embed=lambda texts: pytest.fail("embedded"))
    return score.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("साइकिल की कीमत", ["साइकिल", "की", "कीमत"]),
        ("اتَّفَقَ الطَّرَفَانِ", ["اتَّفَقَ", "الطَّرَفَانِ"]),
        ("자전거 구독은", ["자전거", "구독은"]),
        ("自行车每月49欧元", ["自", "行", "车", "每", "月", "49", "欧", "元"]),
        ("it's well-known, un_done", ["it's", "well-known", "un", "done"]),
    ],
)
def test_words_of_every_script_keep_their_marks(text: str, words: list[str]) -> None:
    assert [word.text for word in words_of(text)] == words
    assert [text[word.start : word.end] for word in words_of(text)] == words


@pytest.mark.parametrize(
    ("word", "letters"),
    [("für", 3), (unicodedata.normalize("NFD", "für"), 3), ("اتَّفَقَ", 4), ("한국", 6), ("की", 2), ("cat", 3)],
)
def test_letters_are_counted_as_an_alphabet_would(word: str, letters: int) -> None:
    assert n_letters(word) == letters


@pytest.mark.parametrize(
    ("text", "without"),
    [(KOREAN, False), (HINDI, False), ("自行车每月49欧元", True), ("ការជាវកង់មានតម្លៃ", True), (ENGLISH, False)],
)
def test_scripts_without_spaces_are_told_from_those_with_them(text: str, without: bool) -> None:
    assert sets_no_spaces(text) is without
    assert (readability(text * 3) is None) is without


def test_readability_does_not_tell_how_a_text_is_encoded() -> None:
    german = "Für die Übergabe der Schlüssel benötigen Müllers größere Behälter. " * 4
    for text in (german, HINDI, KOREAN):
        assert readability(unicodedata.normalize("NFD", text)) == readability(unicodedata.normalize("NFC", text))


def test_an_easy_hindi_text_is_about_as_hard_as_an_easy_english_one() -> None:
    hindi, english = readability(HINDI), readability(ENGLISH)
    assert hindi is not None
    assert english is not None
    assert 0 < hindi < english + 2
