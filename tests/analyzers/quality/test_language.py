"""Is an answer in the language that was asked for?"""

import time
from collections.abc import Sequence

import pytest

from driftline_analyzers.quality.asked_language import asks_for_translation, named_languages, ordered_languages
from driftline_analyzers.quality.language import LanguageScorer
from driftline_analyzers.quality.prose import prose_of
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore
from tests.analyzers.safety.calls import call, no_embedding

QUESTION = "Where can I pick up my parcel tomorrow?"
ANSWERS = {
    "en": "You can pick it up at the post office next to the station.",
    "de": "Sie können es in der Post neben dem Bahnhof abholen.",
    "fr": "Vous pouvez le retirer au bureau de poste à côté de la gare.",
    "es": "Puede recogerlo en la oficina de correos junto a la estación.",
    "it": "Può ritirarlo all'ufficio postale accanto alla stazione.",
    "pt": "Você pode retirá-lo na agência dos correios ao lado da estação.",
    "nl": "U kunt het ophalen bij het postkantoor naast het station.",
    "pl": "Może go Pan odebrać na poczcie obok dworca.",
    "tr": "Onu istasyonun yanındaki postaneden alabilirsiniz.",
    "ru": "Вы можете забрать её на почте рядом с вокзалом.",
    "el": "Μπορείτε να το παραλάβετε από το ταχυδρομείο δίπλα στον σταθμό.",
    "ar": "يمكنك استلامه من مكتب البريد بجانب المحطة.",
    "hi": "आप इसे स्टेशन के बगल वाले डाकघर से ले सकते हैं।",
    "zh": "您可以在车站旁边的邮局领取。",
    "ja": "駅の隣の郵便局で受け取れます。",
    "ko": "역 옆에 있는 우체국에서 찾으실 수 있습니다.",
}
QUESTIONS = {
    "de": "Wo kann ich morgen mein Paket abholen?",
    "fr": "Où puis-je retirer mon colis demain ?",
    "es": "¿Dónde puedo recoger mi paquete mañana?",
    "it": "Dove posso ritirare domani il mio pacco?",
    "pt": "Onde posso retirar o meu pacote amanhã?",
    "nl": "Waar kan ik morgen mijn pakket ophalen?",
    "pl": "Gdzie mogę jutro odebrać moją paczkę?",
    "tr": "Yarın paketimi nereden alabilirim?",
    "ru": "Где я могу завтра забрать свою посылку?",
    "el": "Πού μπορώ να παραλάβω αύριο το δέμα μου;",
    "ar": "أين يمكنني استلام طردي غدًا؟",
    "hi": "मैं कल अपना पार्सल कहाँ से ले सकता हूँ?",
    "zh": "我明天可以在哪里取包裹？",
    "ja": "明日どこで荷物を受け取れますか？",
    "ko": "내일 소포를 어디에서 찾을 수 있나요?",
}


def scored(prompt: str, completion: str, system_prompt: str = "") -> CallScore:
    """The one score of an answer."""
    asked = call(prompt=prompt, completion=completion, system_prompt=system_prompt)
    ((score,),) = LanguageScorer().score([asked], embed=no_embedding)
    assert score.field == "completion"
    return score


@pytest.mark.parametrize("language", list(QUESTIONS))
def test_an_answer_in_the_language_of_its_question_is_sound_and_an_english_one_is_not(language: str) -> None:
    own, english = (scored(QUESTIONS[language], ANSWERS[told]) for told in (language, "en"))
    assert own.value is not None
    assert (own.value < 0.5, own.is_flagged) == (True, False)
    assert own.evidence["answer"]["language"] == own.evidence["question"]["language"] == language
    assert english.value is not None
    assert (english.value > 0.9, english.is_flagged) == (True, True)
    assert english.evidence["answer"]["language"] == "en"
    assert language in english.evidence["expected"]


@pytest.mark.parametrize("language", sorted(set(ANSWERS) - {"en"}))
def test_an_answer_in_another_language_than_an_english_question_is_flagged(language: str) -> None:
    score = scored(QUESTION, ANSWERS[language])
    assert score.is_flagged
    assert score.evidence["answer"]["language"] == language
    assert score.evidence["question"]["language"] == "en"
    assert score.evidence["question"]["confidence"] > 0.5


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Tell me in French where I can pick up my parcel.", "fr"),
        ("Where can I pick up my parcel? Auf Deutsch bitte.", "de"),
        ("Wo kann ich mein Paket abholen? Schreib es mir auf Polnisch.", "pl"),
        ("¿Dónde puedo recoger mi paquete? Dímelo en alemán.", "de"),
        ("Translate into Russian: you can pick it up at the post office next to the station.", "ru"),
        ("Скажи это по-английски: посылку можно забрать на почте.", "en"),
        ("请用英文告诉我在哪里取包裹。", "en"),
        ("荷物をどこで受け取れるか、ドイツ語で教えてください。", "de"),
        ("أخبرني بالفرنسية أين يمكنني استلام طردي.", "fr"),
    ],
)
def test_a_language_that_the_question_names_is_expected_beside_its_own(prompt: str, language: str) -> None:
    score = scored(prompt, ANSWERS[language])
    assert score.value is not None
    assert (score.value < 0.5, score.is_flagged) == (True, False)
    third = scored(prompt, ANSWERS["ko"])
    assert third.is_flagged


@pytest.mark.parametrize(
    ("order", "language"),
    [
        ("You help the customers of a post office. Always answer in German, politely.", "de"),
        ("Respond exclusively in simple French.", "fr"),
        ("Du bist freundlich. Antworte immer auf Deutsch.", "de"),
        ("Réponds toujours en français.", "fr"),
        ("Responde siempre en español.", "es"),
        ("Rispondi sempre in italiano.", "it"),
        ("Responda sempre em português.", "pt"),
        ("Antwoord altijd in het Nederlands.", "nl"),
        ("Odpowiadaj po polsku.", "pl"),
        ("Отвечай только на русском языке.", "ru"),
        ("Her zaman Türkçe yanıt ver.", "tr"),
        ("请始终用中文回答。", "zh"),
        ("必ず日本語で回答してください。", "ja"),
        ("항상 한국어로 대답하세요.", "ko"),
        ("أجب دائمًا باللغة العربية.", "ar"),
    ],
)
def test_what_the_system_prompt_orders_comes_before_the_language_of_the_question(order: str, language: str) -> None:
    obeyed = scored(QUESTION, ANSWERS[language], order)
    assert (obeyed.is_flagged, obeyed.evidence["expected_by"]) == (False, "system_prompt")
    assert obeyed.evidence["expected"] == [language]
    assert scored(QUESTION, ANSWERS["en"], order).is_flagged


def test_what_the_user_orders_comes_before_the_language_of_the_question() -> None:
    prompt = f"{QUESTION} Please answer in Spanish."
    english, spanish = (scored(prompt, ANSWERS[language]) for language in ("en", "es"))
    assert (english.is_flagged, english.evidence["expected_by"]) == (True, "question")
    assert not spanish.is_flagged


@pytest.mark.parametrize(
    "system_prompt",
    [
        "You are a tutor. Answer questions about German grammar.",
        "If the user writes German, answer in German.",
        "Never answer in German.",
        "Answer in English or German.",
    ],
)
def test_a_language_that_is_named_but_not_ordered_leaves_the_language_of_the_question(system_prompt: str) -> None:
    assert ordered_languages(system_prompt, is_instruction=True) == set()
    for language in ("en", "de"):
        assert not scored(QUESTION, ANSWERS[language], system_prompt).is_flagged
    assert scored(QUESTION, ANSWERS["tr"], system_prompt).is_flagged


@pytest.mark.parametrize(
    ("prompt", "completion", "why"),
    [
        (QUESTION, "Danke!", "the language of the answer is not clear"),
        (QUESTION, "42, 17 and 😀😀😀", "the language of the answer is not clear"),
        (QUESTION, "```python\nprint('Sie können es in der Post abholen')\n```", "the language of the answer is not clear"),
        ("ok", ANSWERS["de"], "the language of the question is not clear"),
        ("`git push --force`", ANSWERS["de"], "the language of the question is not clear"),
        ("Please translate this sentence: the train is late.", ANSWERS["de"], "a translation is asked for"),
    ],
)  # fmt: skip
def test_it_is_unknown_where_too_little_is_said(prompt: str, completion: str, why: str) -> None:
    score = scored(prompt, completion)
    assert (score.value, score.is_flagged, score.evidence) == (None, False, {"unknown": why})


def test_a_task_in_one_language_may_come_with_a_text_in_another() -> None:
    text = "The parcels that were not delivered are kept at the post office for seven days. " * 5
    assert not scored(f"Fasse diesen Text zusammen:\n{text}", ANSWERS["de"]).is_flagged
    assert not scored(f"{text}\n\nWas steht in diesem Text?\n\n{text}", ANSWERS["de"]).is_flagged
    assert scored(f"Fasse diesen Text zusammen:\n{text}", ANSWERS["fr"]).is_flagged


def test_quotes_and_code_of_an_answer_do_not_decide() -> None:
    told = 'Die Antwort steht unten.\n```\n# You can pick it up at the post office next to the station, of course\n```\n"{}"'
    score = scored(QUESTIONS["de"], told.format(ANSWERS["en"] * 3))
    assert (score.is_flagged, score.evidence["answer"]["language"]) == (False, "de")


def test_look_alikes_count_as_one_language() -> None:
    danish = scored("Hvor kan jeg hente pakken min i morgen?", "Du kan hente den på posthuset ved siden af banegården.")
    malay = scored("Di mana saya bisa mengambil paket saya besok?", "Anda boleh mengambilnya di pejabat pos esok pagi.")
    assert [danish.is_flagged, malay.is_flagged] == [False, False]
    assert danish.value is not None
    assert danish.value < 0.1


def test_nothing_is_asked_where_there_is_neither_question_nor_system_prompt() -> None:
    calls: Sequence[Call] = [call(completion=ANSWERS["de"]), call(prompt=QUESTION), call()]
    assert LanguageScorer().score(calls, embed=no_embedding) == [[], [], []]


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("How do the Japanese say this in Portuguese?", {"ja", "pt"}),
        ("auf Englischen und Spanischem", {"en", "es"}),
        ("в переводе на французский и немецкого", {"fr", "de"}),
        ("用德语和法语", {"de", "fr"}),
        ("the frenzy of the spaniel in Thailand", set()),
    ],
)
def test_names_of_languages_are_found_in_any_language_and_with_endings(text: str, languages: set[str]) -> None:
    assert named_languages(text) == languages


@pytest.mark.parametrize(
    "text", ["Übersetze das bitte", "переведи это", "翻译一下", "traduza isto", "in another language"]
)
def test_a_request_to_translate_is_known(text: str) -> None:
    assert asks_for_translation(text)
    assert not asks_for_translation(QUESTION)


def test_prose_is_what_is_left_without_code_quotes_and_links() -> None:
    text = (
        "See <b>this</b> at https://example.org/a?b=c or mail ada@example.org:\n"
        "> someone else said so\n"
        "`x = 1` and “a quote” and «encore une»\n"
        "def add(a, b):\n"
        "    return a + b\n"
        '  "key": "value",\n'
        "~~~\nall of it\n~~~\n"
        "Πώς αλλάζω τον κωδικό μου;\n"
        "Done."
    )
    words = " ".join(prose_of(text).split())
    assert words == "See this at or mail : and and : , Πώς αλλάζω τον κωδικό μου; Done."


@pytest.mark.parametrize(
    "piece", ["“", "«", "`", '"', "<a", "a(", "```", "https://", "in German ", "a@", "用", "= ", "; "]
)
def test_hostile_texts_take_no_long_time(piece: str) -> None:
    text = (piece * 200_000)[:200_000]
    begun = time.process_time()
    LanguageScorer().score([call(prompt=text, completion=text, system_prompt=text)], embed=no_embedding)
    assert time.process_time() - begun < 5  # a quadratic search takes minutes
