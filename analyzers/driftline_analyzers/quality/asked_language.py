"""Which language a call asks its answer to be in: languages that its texts name, orders to answer in one, requests to translate."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from driftline_analyzers.drift.language import language_odds

_READ_CHARS: Final = 20_000
_INFLECTION: Final = 4
"""Letters that may follow the beginning of a name: 'polsk' of 'polsku', 'французск' of 'французском'."""
_STEM: Final = 5
"""Letters that such a beginning has at least: 'thai' is not the beginning of 'Thailand'."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_LAST_SPACED: Final = "\u052f"
"""Latin, Greek and Cyrillic letters, in which a name is a word, come up to this one; Vietnamese ones count as parts."""
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+")
_REPLY: Final = (
    r"(?<!\w)(?:answer|respond|reply|replies|antworte|beantworte|répond|contest[ae]|rispond|antwoord|svar|vastaa|odpowi|odpov[íě]|válaszol|răspun"
    r"|отвеча|ответ|відповід|отговаря|απάντ|απαντ|yanıt|cevap|jawab|trả lời|أجب|اجب|الرد|پاسخ|उत्तर|जवाब|উত্তর|ענ[הו]|תענ[הו])"
    r"|回答|回复|回覆|答复|答え|返信|대답|답변|답하|응답|ตอบ"
)
_WRITE: Final = (
    r"(?<!\w)(?:write|speak|talk|communicate|converse|output|generate|only use|use|schreib|sprich|sprech|formulier|écri|parl[ea]|rédige"
    r"|fale|redact|escr[ie]|habl[ae]|scriv|schrijf|spreek|praat|skriv|kirjoita|pisz|mów|piš|mluv|írj|beszélj|scrie|vorbeș|пиши|говори|γράψ|γράφ|yaz|konuş"
    r"|tulis|bicara|viết|nói|اكتب|تحدث|بنویس|लिख|बोल|כתוב|דבר)|用|使用|書|写|話|작성|말하|써|เขียน|พูด"
)
_IN: Final = re.compile(
    r"\b(?:in|auf|en|em|på|po|v|ve|na|în|в|на|по|dalam|bằng|use|only|language|sprache|langue|idioma|taal)[\s:-]+"
    r"(?:(?:het|the|simple|plain|good|einfachem|gutem|tiếng|bahasa)\s+)?$"
)
"""What stands before the name of the language to answer in: 'about German grammar' orders nothing."""
_ADVERB: Final = re.compile(
    r"türkçe|i?̇?ngilizce|almanca|magyarul|angolul|németül|suomeksi|englanniksi|česky|anglicky|německy|slovensky"
)
_REPLY_ORDER: Final = re.compile(_REPLY)
_ORDER: Final = re.compile(f"{_REPLY}|{_WRITE}")
_NOT_AN_ORDER: Final = re.compile(
    r"\b(?:not|never|don't|if|when|unless|whenever|or|nicht|nie|niemals|kein\w*|wenn|falls|oder|ne|pas|jamais|si|ou|nunca|cuando|non|mai|se|quando|não"
    r"|niet|nooit|nie|jeśli|lub|не|если|или)\b|\bno (?:respond|contest|escrib|habl|use)|不要|如果|或|または|もし|또는|만약",
    re.IGNORECASE,
)
_TRANSLATION: Final = re.compile(
    r"translat|übersetz|traduc|tradui|traduz|tradur|traduç|vertaal|vertal|tłumacz|překlad|přelož|preklad|prelož|översätt|oversett|oversæt|kään|fordít"
    r"|çevir|перевед|перевод|переклад|преведи|превод|prevedi|prevod|μετάφρα|μεταφρ|翻译|翻譯|翻訳|訳して|번역|ترجم|अनुवाद|অনুবাদ|dịch|terjemah|תרגם|תרגום|แปล"
    r"|another language|other language|second language|foreign language|andere[nr]? sprache|autre langue|otro idioma|outra língua",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """codes: those that are judged. family: of each code, the code it counts as. by_word: families by the whole name or its
    beginning, in scripts that set spaces; by_part: in the others, where a name is any run of letters."""

    family: dict[str, str]
    by_word: dict[str, frozenset[str]]
    by_part: dict[str, str]
    parts: re.Pattern[str]
    codes: frozenset[str]


@cache
def known_languages() -> Languages:
    """The languages of languages.toml."""
    table = tomllib.loads(files(__package__).joinpath("languages.toml").read_text(encoding="utf-8"))
    family: dict[str, str] = {}
    words: dict[str, set[str]] = {}
    by_part: dict[str, str] = {}
    for code, entry in table.items():
        family |= dict.fromkeys([code, *entry.get("near", ())], code)
        for name in entry["names"].split():
            if max(name) <= _LAST_SPACED:
                for stem in _stems(name):
                    words.setdefault(stem, set()).add(code)
            else:
                by_part[name] = code
    return Languages(
        family=family,
        by_word={name: frozenset(codes) for name, codes in words.items()},
        by_part=by_part,
        codes=frozenset(table),
        parts=re.compile("|".join(map(re.escape, sorted(by_part, key=len, reverse=True)))),
    )


def odds_by_family(text: str) -> dict[str, float]:
    """Probability of each language, look-alikes added up, from the first 1,000 characters without repeated blanks; they sum to 1."""
    family = known_languages().family
    odds: dict[str, float] = {}
    for code, probability in language_odds(" ".join(text.split())).items():
        language = family.get(code, code)
        odds[language] = odds.get(language, 0.0) + probability
    return odds


def named_languages(text: str) -> set[str]:
    """Families whose name the text has, in any language and with an ending."""
    return {code for _, codes in _names(text[:_READ_CHARS].casefold()) for code in codes}


def ordered_languages(text: str, *, is_instruction: bool) -> set[str]:
    """Families that a text orders the answer to be in: one sentence says to answer and 'in' a language, without 'not', 'if' and 'or'.

    is_instruction: of a system prompt, where to write or to speak is to answer; a user may ask for a letter in French inside an
    English answer.
    """
    order = _ORDER if is_instruction else _REPLY_ORDER
    ordered: set[str] = set()
    for match in _SENTENCE.finditer(text[:_READ_CHARS].casefold()):
        sentence = match[0]
        if order.search(sentence) and not _NOT_AN_ORDER.search(sentence):
            ordered |= {code for start, codes in _names(sentence) if _is_after_in(sentence, start) for code in codes}
    return ordered


def asks_for_translation(text: str) -> bool:
    """Whether the text speaks of translating."""
    return _TRANSLATION.search(text[:_READ_CHARS]) is not None


def _names(folded: str) -> Iterator[tuple[int, frozenset[str]]]:
    """(place, families) of each name of a language in a case-folded text."""
    known = known_languages()
    for match in _WORD.finditer(folded):
        word = match[0]
        stems = (word[:length] for length in range(len(word) - 1, max(len(word) - _INFLECTION, _STEM) - 1, -1))
        found = next((known.by_word[one] for one in (word, *stems) if one in known.by_word), None)
        if found is not None:
            yield match.start(), found
    for match in known.parts.finditer(folded):
        yield match.start(), frozenset({known.by_part[match[0]]})


def _stems(name: str) -> set[str]:
    """A name and what of it stays when it is inflected: Slavic adjectives lose two letters, other long words one."""
    if len(name) <= _STEM:
        return {name}
    return {name, name[:-1], name[:-2]} if name.endswith(("ий", "ски")) else {name, name[:-1]}


def _is_after_in(folded: str, start: int) -> bool:
    before = folded[max(0, start - 24) : start]
    return folded[start] > _LAST_SPACED or _IN.search(before) is not None or _ADVERB.match(folded, start) is not None
