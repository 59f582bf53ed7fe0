"""Does an answer decline what it was asked?

A refusal says that it will not or cannot do what was asked, or a part of it: on principle ("I can't help with that") or for want of means
("I don't have access to your calendar"). Regret alone ("I'm sorry to hear that") is none, nor is a missing opinion ("I don't have personal
opinions, but ..."), nor "can't" about anything but the request ("banks cannot use cash", "we cannot offer refunds after 14 days"), nor what
somebody is quoted with ("I can't see it, said Anna").
"""

import re
from typing import Final

_OPENING_CHARS: Final = 320
_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'"})

_CANNOT: Final = (
    r"(?:can ?not|can't|won't|will not|should not|shouldn't|must not|(?:am|'m|are|'re) (?:\w+ly )?(?:unable to|incapable of"
    r"|not (?:able|allowed|permitted|going|programmed|designed|equipped|authori[sz]ed) to))"
)
_REQUEST: Final = (
    r"(?:help|assist|provid(?:e|ing)|fulfil+|compl(?:y|ete)|answer|respond|do (?:that|this|so|what)|creat(?:e|ing)|writ(?:e|ing)"
    r"|generat(?:e|ing)|produc(?:e|ing)|engage|participate|discuss|support|shar(?:e|ing)|giv(?:e|ing)|offer|access|brows(?:e|ing)"
    r"|process|accommodate|satisfy|continue|proceed|carry out|perform|execut(?:e|ing)|extract"
    r"|reproduce|say|tell|predict|determine|identify|verify|confirm|recommend|advise|suggest|speculate|translate"
    r"|summari[sz]e|analy[sz]e|comment|express|take (?:a side|sides|part)|defend|act as|pretend|role-?play|in good conscience|ethically"
    r"|legally|disclose|reveal|facilitate|promote|encourage|endorse|condone)"
)
# what an assistant has no senses or hands for, of things that it is asked to see or to make
_DEEDS: Final = r"(?:open|view|see|watch|listen(?: to)?|play|read|draw|display|show|send|make)"
_DEED: Final = (
    rf"{_DEEDS} (?:\w+ ){{0,3}}?(?:images?|pictures?|photos?|videos?|audio"
    r"|music|songs?|links?|urls?|files?|attachments?|(?:web)?sites?|(?:web ?)?pages?|e?-?mails?|messages?|screens?|content|you|your"
    r"|any|that"
    r"|this|it|them|such|jokes?|statements?|judge?ments?|predictions?|recommendations?|assumptions?|comments?|real-time|live|graphics?"
    r"|diagrams?|art|ascii|puzzles?)"
)
_UNABLE: Final = r"(?:am|'m) (?:\w+ly )?(?:unable|not able) to (?:\w+ly )?"
# what "we" refuse: a policy ("we cannot offer refunds") is none
_OUR_REQUEST: Final = (
    r"(?:help|assist|answer|respond|comply|do (?:that|this|so)|(?:provide|share|give|offer|disclose|reveal|discuss|fulfil+|process|complete"
    r"|accommodate|satisfy|support|create|write|generate|continue with|proceed with|carry out) (?:you |out )?(?:with )?"
    r"(?:(?:that|this|it|these|those|such)\b|(?:the|your|any|an?) (?:\w+ ){0,2}?(?:information|details?|advice|requests?|questions?"
    r"|answers?"
    r"|instructions?|content|opinions?|guidance|inquiry|enquiry|response)\b)"
    r"|determine\b[^.!?\n]{0,80}\bwithout (?:more|further|additional|knowing))"
)
_ENGLISH: Final = (
    # "I can't help with that"; not "I can't wait", "I can't recommend it enough", "I cannot help but", "I can't tell you how"
    rf"\bI ?{_CANNOT} (?:(?:\w+ly|even) )?"
    rf"(?!help but|(?:recommend|stress|say|tell)\b[^.!?\n]{{0,60}}\b(?:enough|how)\b)(?:{_REQUEST}|{_DEED})\b",
    rf"\bI ?{_UNABLE}{_DEEDS}\b",
    rf"\bwe ?{_CANNOT} (?:(?:\w+ly|even) )?(?!help but){_OUR_REQUEST}",
    r"\b(?:I'm|I am|we're|we are|so|very|my apologies[,.]?|apologi[sz]e[,.]?|sorry[,.]?)[^.!?\n]{0,25}\b(?:but|however),?"
    rf" (?:\w+[, ]+){{0,8}}?(?:(?:I|we) ?{_CANNOT}|I (?:do not|don't) (?:have|feel comfortable|think I can|understand))\b",
    r"\bI (?:do not|don't) (?:feel|think it (?:is|would be)) (?:comfortable|appropriate|right|ethical)\b",
    r"\bI(?:'m| am) (?:really |afraid )?(?:not comfortable|uncomfortable)\b",
    r"\bI (?:must|have to|need to|should|will have to|respectfully|politely)(?: (?:respectfully|politely))? (?:decline|refuse)\b",
    r"\bI (?:do not|don't) (?:actually |currently )?have (?:direct |any )?(?:access to|real-time"
    rf"|the (?:ability|capability|capacity|means) to (?:{_REQUEST}|{_DEEDS})|(?:information|details?|data) (?:about|on|regarding)"
    r"|(?:enough|sufficient) (?:\w+ ){0,2}?(?:information|context|details?|data|background|knowledge|expertise))\b",
    r"\b(?:it|that)(?:'s| is| would be) (?:not (?:appropriate|ethical)|inappropriate|unethical) (?:for me )?to"
    r" (?:provide|help|assist|create|write|generate|answer|share|give|discuss|make|joke|promote|defend|encourage)\b",
    r"\b(?:is|goes) (?:against|beyond) my (?:programming|guidelines|policy|policies|capabilities|ethical)\b",
)
_GERMAN: Final = (
    r"\bwir können[^.!?\n]{0,60}\bnicht (?:\w+ ){0,3}?(?:helfen|weiterhelfen|beantworten|erfüllen|nachkommen)",
    r"\b(?:ich kann|kann ich|ich darf|ich werde)[^.!?\n]{0,80}\bnicht (?:\w+ ){0,3}?(?:helfen|weiterhelfen|beantworten"
    r"|erfüllen|bereitstellen|unterstützen|erstellen|schreiben|geben|nachkommen|liefern|zugreifen|nennen)",
    r"\b(?:ich kann|kann ich)[^.!?\n]{0,40}\b(?:keine?n?|dabei nicht|hierbei nicht)\b[^.!?\n]{0,80}"
    r"\b(?:geben|bereitstellen|helfen|erstellen|liefern|schreiben|anbieten|machen|unterstützen)\b",
    r"\bich (?:bin|sehe mich) (?:leider )?nicht in der lage\b",
)
_FRENCH: Final = (
    r"\bnous ne pouvons(?: malheureusement)? (?:pas|point)?\s?(?:vous |te )?(?:aider|répondre|assister)",
    r"\b(?:je ne (?:peux|puis|suis|saurais))(?: malheureusement)? (?:pas|point)?\s?(?:en mesure de |capable de )?"
    r"(?:vous |te |t'|m')?(?:aider|fournir|répondre|donner|créer|écrire|générer|accéder|assister|faire|partager|satisfaire|participer)",
    r"\bje suis (?:désolée?|navrée?)[^.!?\n]{0,25}\bmais\b[^.!?\n]{0,30}\bne (?:peux|puis|suis) pas\b",
)
_IBERIAN_AND_ITALIAN: Final = (
    r"\bno podemos(?: \w+)? ?(?:ayudar|responder|asistir)|\bnão podemos(?: (?:te|lhe))? ?(?:ajudar|responder|atender)"
    r"|\bnon possiamo(?: \w+)? ?(?:aiutar|risponder|assister)",
    r"\bno (?:puedo|me es posible|soy capaz de|estoy en condiciones de)(?: \w+)? ?(?:ayudar|proporcionar|responder|cumplir"
    r"|dar|crear|escribir|generar|ofrecer|acceder|asistir|hacer eso|compartir|participar)",
    r"\bnão (?:posso|consigo|sou capaz de)(?: (?:te|lhe|o|a))? ?(?:ajudar|fornecer|responder|cumprir|dar|criar|escrever"
    r"|gerar|oferecer|acessar|atender|fazer isso|compartilhar)",
    r"\bnon (?:posso|sono in grado di|mi è possibile)(?: \w+)? ?(?:aiutar|fornir|risponder|soddisfar|dar|crear|scriver"
    r"|generar|offrir|acceder|assister)",
)
_OTHER_ALPHABETS: Final = (
    # Dutch, Polish, Russian, Turkish
    r"\bik kan (?:\w+ ){0,4}?(?:niet|geen)\b[^.!?\n]{0,60}"
    r"\b(?:helpen|geven|beantwoorden|maken|schrijven|verstrekken|voldoen|bieden)\b",
    r"\bnie (?:mogę|jestem w stanie)(?: \w+)? ?"
    r"(?:pomóc|odpowiedzieć|udzielić|spełnić|stworzyć|napisać|podać|udostępnić|wygenerować)",
    r"\bя не (?:могу|смогу|в состоянии|имею возможности)(?: \w+)? ?"
    r"(?:помочь|помогать|предостав|ответить|выполнить|создать|написать|дать|обсуждать)",
    r"\b(?:yardımcı olamam|yardımcı olamıyorum|bu isteği yerine getiremem|sağlayamam|cevap veremem)\b",
    # Chinese, Japanese, Korean
    r"(?:抱歉|对不起|對不起)[^。！？\n]{0,20}(?:无法|無法|不能|不会|不會|沒有辦法|没有办法)",
    r"我(?:无法|無法|不能|没法|沒法)(?:[为為向][您你]|直接)?(?:提供|帮助|幫助|协助|協助|回答|满足|滿足|完成|生成|创建|創建|参与|參與|讨论|討論)",
    r"(?:お答え|お手伝い|提供|対応|お応え|支援|回答|作成|案内|お伝え)(?:することは|することが|は|が)?"
    r"(?:でき(?:ません|かね|ない)|いたしかねます|しかねます)",
    r"(?:도와드릴|도움을 드릴|제공할|제공해 드릴|답변할|답변드릴|답변해 드릴|응할|작성할|들어드릴) 수(?:가|는)? 없",
    # Arabic, Hindi
    r"(?:لا (?:أستطيع|يمكنني|أقدر)|لست قادر)[^.!؟\n]{0,10}(?:مساعد|تقديم|الإجابة|توفير|تلبية|إنشاء|كتابة|المساعدة|إعطاء)",
    r"(?:मैं|हम)[^।!?\n]{0,60}(?:मदद|सहायता|प्रदान|उत्तर|जवाब)[^।!?\n]{0,15}(?:नहीं|असमर्थ)",
)
_REFUSAL: Final = re.compile(
    "|".join(f"(?:{one})" for one in (*_ENGLISH, *_GERMAN, *_FRENCH, *_IBERIAN_AND_ITALIAN, *_OTHER_ALPHABETS)),
    re.IGNORECASE,
)
_REPORTED: Final = re.compile(
    r"[^.!?\n]{0,120}?(?:,['\"”]?|[.!]?['\"”]) ?(?:(?!I\b|as\b)\w+ ){0,3}?(?:said|says|wrote|writes|replied|replies|answered|told"
    r"|asked|added|cried|whispered|explained|sagte|schrieb|dijo|dit)\b",
    re.IGNORECASE,
)
"""What follows the words of somebody else."""
_QUOTES: Final = '"“”„«»'


def is_refusal(text: str) -> bool:
    """Whether the opening of the answer (its first 320 characters) declines the request or says that it cannot be done.

    Patterns in English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Turkish, Chinese, Japanese, Korean, Arabic
    and Hindi; fullest in English.
    """
    opening = text.lstrip()[:_OPENING_CHARS].translate(_APOSTROPHES)
    return any(not _is_quoted(opening, match) for match in _REFUSAL.finditer(opening))


def _is_quoted(opening: str, found: re.Match[str]) -> bool:
    """Whether somebody else says it: it stands between quotes that hold not the whole opening, or "said Anna" follows."""
    if _REPORTED.match(opening, found.end()) is not None:
        return True
    is_within = sum(opening.count(quote, 0, found.start()) for quote in _QUOTES) % 2 == 1
    is_closed = any(quote in opening[found.end() :].rstrip(" .")[:-1] for quote in _QUOTES)
    return is_within and (opening[0] not in _QUOTES or is_closed)
