"""Clauses about what is not known or not in the documents: no document could support them, and they invent nothing.

What is denied must be knowing, finding or saying, of the speaker ("I could not find it") or of documents ("the passages do not mention it",
"it is not covered by the manual"): "the app does not contain advertising" or "we cannot offer refunds" are statements about the world.
English, fullest; German, Spanish, French; "I do not know" in Chinese and Japanese.
"""

import re
from typing import Final

_SOURCE: Final = (
    r"(?:passages?|contexts?|documents?|documentation|texts?|sources?|articles?|excerpts?|snippets?|manual|handbook|files?|records?"
    r"|reports?"
    r"|materials?|brochure|guide|faq|knowledge base|pages?|(?:provided|given|available|retrieved|search) \w+)"
)
_DETERMINER: Final = (
    r"(?:the|these|this|those|that|your|our|my|any|provided|given|either|both|all|retrieved|above|available)"
)
_OF_SOURCE: Final = rf"{_DETERMINER} (?:[\w-]+ ){{0,3}}?{_SOURCE}"
_SAY: Final = (
    r"(?:mention|provide|contain|state|specify|say|include|cover|give|discuss|address|describe|tell|indicate|explain|list|answer|offer|show"
    r"|refer|clarify|elaborate|detail|go into|define|have (?:any|enough|information)|speak|touch)"
)
_SAID: Final = (
    r"(?:mentioned|provided|stated|specified|covered|given|discussed|addressed|described|included|indicated|explained|listed|answered|found"
    r"|available|contained|clear|known|detailed|defined|present)"
)
_NOT: Final = r"(?: not|n't| never)"
_ADVERBS: Final = r"(?:(?:\w{1,15}ly|even|also) ){0,3}"
_FACTS: Final = r"(?:information|mention|details?|answers?|indication|references?|data|evidence|knowledge|records?)"
_START: Final = (
    r"(?:(?:and|but|so|however|while|although|though|even though|as|since|because|note that|please note that|it is (?:also )?(?:worth"
    r"|important) (?:noting|to note) that"
    r"|it's worth noting that|it should be noted that|it appears that|it seems that|i'm afraid(?: that)?|unfortunately|sorry|also"
    r"|additionally"
    r"|i see that|yet|therefore|thus),? ){0,3}"
)
_ENGLISH: Final = (
    # the documents do not say
    rf"(?:(?:{_DETERMINER}|none of the|neither|no) )?(?:[\w-]+ ){{0,3}}?{_SOURCE}(?: \d+)?(?: (?:itself|themselves|above|below"
    rf"|provided|given|here"
    rf"|that [\w ]{{1,30}}?))? (?:do|does|did){_NOT} {_ADVERBS}{_SAY}\b",
    rf"{_DETERMINER} (?:[\w-]+ ){{0,3}}?{_SOURCE} never {_SAY}s?\b",
    rf"(?:none of {_OF_SOURCE}|neither (?:of {_OF_SOURCE}|{_SOURCE})|no {_SOURCE}) {_ADVERBS}{_SAY}(?:s|ed)?\b",
    rf"{_OF_SOURCE} (?:{_SAY}s?|has|have) (?:no (?:[\w-]+ )?{_FACTS}|nothing)\b",
    rf"(?:{_OF_SOURCE}) (?:is|are|was|were) (?:silent|not (?:clear|explicit|specific)|unclear)\b",
    rf"nothing (?:in|about|on) {_OF_SOURCE}\b",
    # it is not in the documents
    rf"[\w' -]{{1,60}}?(?:is|are|was|were|isn't|aren't|wasn't|weren't|be)(?: not| never| nowhere"
    rf"|(?<=n't)) {_ADVERBS}(?:{_SAID} )?(?:\w+ly )?"
    rf"(?:anywhere )?(?:in|by|within|from) {_OF_SOURCE}\b",
    rf"(?:it|this|that|what|which|the \w+|that \w+) (?:is|was|isn't|wasn't)(?: not| never|(?<=n't)) {_ADVERBS}(?:mentioned|stated"
    rf"|specified|indicated)$",
    rf"(?:there (?:is|was|are|were|isn't|'s|wasn't)(?: also)? )(?:no|not? (?:any|enough|sufficient)|nothing|any|enough"
    rf"|sufficient) ?(?:[\w-]+ ){{0,2}}?"
    rf"(?:{_FACTS}|about|on|regarding|to go)\b(?! that \w+ed\b)",
    rf"(?:i have |i've |we have )?no (?:[\w-]+ ){{0,2}}?(?:{_FACTS}|{_SOURCE}) (?:about this|on this|on that|in {_OF_SOURCE}|(?:was"
    rf"|were|is|are|could be) "
    rf"(?:\w+ly )?(?:found|available|given|provided))\b",
    rf"i (?:have|see|found|find) (?:no|nothing) ?(?:[\w-]+ ){{0,2}}?(?:{_FACTS}|about|on|in)\b",
    # the speaker does not know, or has not found
    rf"(?:i|we) (?:\w+ly )?(?:do not|don't|did not|didn't) {_ADVERBS}(?:know|have (?:\w+ ){{0,3}}?{_FACTS}|have access|have an answer)\b",
    rf"(?:(?:i|we) ?)?{_ADVERBS}(?:cannot|can't|can not|could not|couldn't|am unable to|(?:am|'m|was|were|are) not able to"
    rf"|wasn't able to|weren't able to"
    rf"|'m unable to|was unable to|were unable to|did not|didn't|unable to|not able to) {_ADVERBS}"
    rf"(?:find (?:this|that|it|any|an|the answer|information|anything)|answer|say|tell (?:you|for)|determine|locate (?:this|that|it|any|an)"
    rf"|provide (?:an|a definite|a specific|any) )",
    r"(?:i'm|i am|we're|we are) (?:\w+ly )?(?:not (?:\w+ly )?(?:sure|certain|aware)|unsure|uncertain|unaware)\b",
    r"(?:it|the answer|this|that) (?:is|'s|remains) (?:not (?:possible|clear|known)|impossible|unclear|unknown|uncertain)"
    r"(?:$| (?:to (?:say|tell|know|determine|answer|infer)|from|whether|if|what|who|how|why|when|which|based))",
    r"(?:it|this|that|the answer|[\w' -]{1,60}?) (?:cannot|can't|could not|can not) be (?:\w+ly )?(?:determined|inferred|answered)\b",
    r"(?:n/?a|unknown|none|no answer|not (?:specified|stated|mentioned|given|provided|found|available|applicable|known|sure|clear)"
    r"|no idea)$",
)
_GERMAN: Final = (
    r"(?:(?:das|es|dazu|darüber|davon) )?(?:weiß|wissen) (?:ich|wir) (?:(?:es|das|leider|darüber) ){0,3}nicht\b",
    r"(?:ich|wir) (?:weiß|wissen|kenne|kennen|finde|finden|habe|haben|konnte|konnten|kann)\b[^.!?]{0,50}"
    r"\b(?:nicht|nichts|keine?)\b[^.!?]{0,40}(?:$|(?:gefunden|finden|beantworten|informationen|angaben|antwort|sagen)\b)",
    r"(?:dazu|darüber|hierzu|leider) (?:habe|haben|finde|finden|liegen|kann|steht|gibt)\b[^.!?]{0,40}"
    r"\b(?:nichts?|keine?)\b",
    r"(?:das|es|dazu|darüber|dies|davon)?\b[^.!?]{0,30}(?:steht|stehen|ist|wird|werden)\b[^.!?]{0,30}\b(?:nicht|nichts)\b[^.!?]{0,30}"
    r"\b(?:unterlagen|dokumente?n?|text|quellen?|handbuch|artikel)\b",
    r"in (?:den|dem|der|diesen|diesem) (?:\w+ )?(?:unterlagen|dokument\w*|texte?n?|quellen?|handbuch|artikeln?)\b[^.!?]{0,40}"
    r"\b(?:nicht|nichts|keine?)\b",
    r"(?:die|das|der) (?:\w+ )?(?:unterlagen|dokumente?|texte?|quellen?|handbuch|artikel) (?:sag|nenn|erwähn|enthalt|enthält|mach|geb)\w*"
    r"[^.!?]{0,60}\b(?:nicht|nichts|keine?)\b",
)
_SPANISH: Final = (
    r"(?:yo )?no (?:lo )?(?:sé|sabemos)\b|no (?:tengo|tenemos|hay|encontré|encuentro|encontramos|he encontrado|pude encontrar"
    r"|dispongo de)\b"
    r"[^.!?]{0,30}\b(?:información|datos|respuesta|eso|nada|detalles)\b",
    r"(?:el|la|los|las) (?:documentos?|textos?|fuentes?|artículos?|manual|pasajes?|contexto) no (?:lo )?(?:menciona|dice|indica|especifica"
    r"|contiene|incluye|explica)n?\b",
    r"(?:esto|eso|la respuesta|no) ?(?:no )?(?:está|aparece|figura|se menciona|se indica)\b[^.!?]{0,40}"
    r"\b(?:documentos?|textos?|fuentes?|artículos?|manual|contexto)\b",
)
_FRENCH: Final = (
    r"(?:je|nous) (?:ne |n')(?:le )?(?:sais|savons|trouve|ai|avons|peux)\b[^.!?]{0,20}\b(?:pas|rien|aucune)\b(?:$|[^.!?]{0,30}"
    r"\b(?:trouvé|information|réponse|répondre|dire)\b)",
    r"(?:le|la|les|l'|ces?|cet) ?(?:documents?|textes?|sources?|articles?|manuel|passages?|contexte) ne (?:le |la |l')?(?:précise|mentionne"
    r"|dit|indique|contien|parle)\w* (?:pas|rien|aucune)\b",
    r"(?:ce|cela|ceci|la réponse|ça) (?:n'est|ne figure|n'apparaît) (?:pas|nulle part)\b[^.!?]{0,30}"
    r"\b(?:documents?|textes?|sources?|articles?|manuel|contexte)\b",
)
_EAST_ASIAN: Final = (
    r"我?(?:不知道|不清楚|不确定|不確定)|[^。！？]{0,20}(?:没有|沒有|未)(?:提到|提及|说明|說明|找到)",
    r"[^。！？]{0,20}(?:わかりません|分かりません|存じません|見つかりません(?:でした)?|記載されていません)",
)
_ABSTENTION: Final = re.compile(
    "|".join(f"(?:{_START}{one})" for one in (*_ENGLISH, *_GERMAN, *_SPANISH, *_FRENCH, *_EAST_ASIAN)), re.IGNORECASE
)


def is_abstention(clause: str) -> bool:
    """Whether a clause, from its start, only says that something is not known or not in the documents."""
    return _ABSTENTION.match(clause) is not None
