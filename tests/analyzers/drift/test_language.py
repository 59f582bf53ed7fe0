import pytest

from driftline_analyzers.drift.language import language_of, languages_of

_SENTENCES = {
    "en": "What time does the store open on Sundays?",
    "de": "Wie kann ich mein Passwort zurücksetzen?",
    "fr": "Je ne sais pas ce que cela veut dire.",
    "es": "¿Cómo puedo restablecer mi contraseña?",
    "it": "Come posso reimpostare la mia password?",
    "pt": "Não sei o que isso significa.",
    "nl": "Hoe kan ik mijn wachtwoord opnieuw instellen?",
    "pl": "Jak mogę zresetować hasło?",
    "sv": "Jag vet inte vad det betyder.",
    "ru": "Я не знаю, что это значит.",
    "tr": "Bunun ne anlama geldiğini bilmiyorum.",
    "zh": "我不知道这是什么意思。",
    "ja": "これはどういう意味かわかりません。",
    "ko": "비밀번호를 어떻게 재설정하나요?",
    "ar": "لا أعرف ماذا يعني هذا.",
    "hi": "मैं अपना पासवर्ड कैसे रीसेट करूँ?",
}


@pytest.mark.parametrize("language", list(_SENTENCES))
def test_a_sentence_is_enough(language: str) -> None:
    assert language_of(_SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text", ["", "   \n", "ok", "hi", "123 456", "🙌😌🎉", "/\\_/\\ (o o)", "Auto Services", "\ud800", "\x00"]
)
def test_what_says_too_little_has_no_language(text: str) -> None:
    assert language_of(text) == ""


def test_many_texts_keep_their_order() -> None:
    assert languages_of([_SENTENCES["ja"], "ok", _SENTENCES["de"], "ok"]) == ["ja", "", "de", ""]


def test_a_long_text_is_read_at_its_start() -> None:
    assert language_of(_SENTENCES["en"] * 100 + _SENTENCES["ko"] * 10_000) == "en"
