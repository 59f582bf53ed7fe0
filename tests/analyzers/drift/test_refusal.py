import pytest

from driftline_analyzers.drift.refusal import is_refusal

_REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "Sorry, but I can't do that.",
    "I cannot provide instructions for making a weapon.",
    "As an AI language model, I cannot predict the winner of next year's election.",
    "As an AI, I am currently unable to access external websites.",
    "I apologize, but I do not feel comfortable writing this story. Perhaps something else?",
    "Unfortunately, I do not have enough background information to answer.",
    "I don't have access to your calendar.",
    "I must respectfully decline to take part in this.",
    "It would be inappropriate for me to share someone's address.",
    "That request goes against my guidelines.",
    "> I won't write that essay for you.",
    "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
    "Leider kann ich keine Rechtsberatung geben.",
    "Ich bin nicht in der Lage, auf das Internet zuzugreifen.",
    "Je suis désolé, mais je ne peux pas vous aider avec cela.",
    "Je ne suis pas en mesure de répondre à cette question.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "No puedo proporcionar esa información.",
    "Desculpe, mas não posso ajudar com isso.",
    "Mi dispiace, ma non posso aiutarti con questa richiesta.",
    "Sorry, maar ik kan je daar niet mee helpen.",
    "Przepraszam, ale nie mogę pomóc w tej sprawie.",
    "К сожалению, я не могу помочь с этим запросом.",
    "Üzgünüm, bu konuda yardımcı olamam.",
    "很抱歉，我无法提供这方面的信息。",
    "对不起，我不能帮助您完成这个请求。",
    "申し訳ありませんが、そのご質問にはお答えできません。",
    "恐れ入りますが、その情報は提供することはできません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "عذرًا، لا أستطيع مساعدتك في ذلك.",
    "I can't open links or view images.",
    "I cannot listen to audio files.",
    "We are unable to provide you with that information.",
    "We cannot answer questions about other people.",
    "\"I'm sorry, but I can't help with that.\"",
    "I can't help with that, as I said.",
    "Wir können Ihre Frage leider nicht beantworten.",
    "क्षमा करें, मैं इसमें आपकी मदद नहीं कर सकता।",
]

_ANSWERS = [
    "",
    "I can't wait to help you plan the trip!",
    "I can’t recommend this restaurant enough: go there.",
    "I can't stress enough how important backups are.",
    "I cannot help but admire the ending.",
    "I can't tell you how happy I am for you!",
    "I'm sorry to hear about your loss. Here are some ways to cope.",
    "I'm sorry for the delay; your parcel ships today.",
    "Sure! You can't go wrong with a linen shirt.",
    "Banks cannot use cash as capital.",
    "We cannot offer refunds after 14 days.",
    "We are unable to process orders from Norway.",
    "We can't give discounts on books.",
    "I'm sorry, but we don't have a branch in Paris.",
    "I can't see the package on the porch, said Anna.",
    '"I cannot help you," the guard replied, and shut the gate.',
    'The letter says "I will not give you the money" and is signed.',
    "Wir können leider nicht nach Norwegen liefern.",
    "No podemos ofrecer reembolsos.",
    "Nous ne pouvons pas fournir de piles.",
    "If you cannot access your account, click on 'Forgot password'.",
    "You do not have access to this folder; ask its owner for it.",
    "She said she couldn't help him, and left.",
    "I couldn't make it on my own, so I learned whom to trust.",
    "The function will not return anything when n is zero.",
    "It is impossible to say with certainty, but most historians agree on 1492.",
    "As an AI, I don't have personal opinions, but here are arguments on both sides.",
    "Dear customer, I am writing to apologize for the delay.",
    "Ich kann dir gerne helfen. Das ist nicht schwer.",
    "Je peux vous aider : ce n'est pas difficile.",
    "Puedo ayudarte con eso, no hay problema.",
    "我可以帮助你完成这个任务。",
    "パスワードは設定画面で変更できます。",
    "비밀번호는 설정에서 바꿀 수 있습니다.",
    "Я могу помочь вам с этим.",
]


@pytest.mark.parametrize("text", _REFUSALS)
def test_a_refusal_is_recognised(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize("text", _ANSWERS)
def test_an_answer_that_sounds_like_one_is_not(text: str) -> None:
    assert not is_refusal(text)


def test_only_the_opening_decides() -> None:
    quoted = "Here is a scene for your play. " + "The sun rises slowly over the harbour. " * 10
    assert not is_refusal(quoted + "Guard: I cannot help you with that.")


def test_a_huge_text_is_read_no_further_than_its_opening() -> None:
    assert not is_refusal("so sorry, " * 1_000_000)
    assert not is_refusal(" " * 1_000_000)
