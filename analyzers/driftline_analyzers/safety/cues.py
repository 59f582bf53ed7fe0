"""Signs of an attack on a model that can be named: phrases and the look of the characters. None depends on the length of the text."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

_PATTERNS: Final = {
    "override": r"\b(?:ignor|disregard|forget|overrid|overwrit|discard|drop|stop following|bypass|nevermind|do not (?:obey"
    r"|follow))\w*\W(?:[^.!?\n]{0,40}\W)?"
    r"(?:instruct|rule|prompt|guideline|direct|polic|program|restrict|training|everything|anything|filter"
    r"|orders|safety|context)\w*",
    "override_other": r"ignorier|vergiss alle|oublie (?:toutes|les)|ignore[zr]? tou|ignora (?:todas|tutte)|olvida (?:todas|las)"
    r"|dimentica tutte|esqueça todas"
    r"|ignore todas|игнорируй|забудь|忽略|无视|無視|忘记|忘れて|무시|تجاهل|अनदेखा|yok say|zignoruj|negeer",
    "extraction": r"\b(?:print|reveal|show|repeat|output|display|recite|quote|what (?:is|are|was)|tell|copy|write out"
    r"|translate|list)\b[^.!?\n]{0,50}"
    r"\b(?:system prompt|system message|initial (?:prompt|instructions?|message)|hidden (?:prompt"
    r"|instructions?|rules?)|your (?:instructions|rules|prompt|config\w*)"
    r"|(?:text|words|everything|message) above|secret (?:key|word|code|prompt)|password|flag)\b",
    "no_limits": r"\b(?:no|without|free (?:of|from)|not bound by|any|lack\w*|remov\w*|disabl\w*|not have|breaks?"
    r"|zero)\s(?:\w+\s){0,3}?"
    r"(?:restriction|filter|rule|guideline|limit|ethic|moral|censor|polic|boundar|disclaimer|safety|safeguard)\w*",
    "unfiltered": r"\b(?:unfiltered|uncensored|amoral|unrestricted|unethical|immoral|nsfw|jailbroken|unaligned|unhinged)\b",
    "persona": r"\b(?:you (?:are|will be) (?:now|going to)|from now on|act(?:ing)? as|pretend|role-?play|simulat\w+"
    r"|respond as|in the role of|imagine you)\b",
    "named_jailbreak": r"\b(?:do anything now|dan|developer mode|jailbreak\w*|god mode|opposite mode|evil (?:twin|ai|bot)"
    r"|anti-?gpt|\w+gpt)\b",
    "no_refusal": r"\b(?:never|not|don'?t|won'?t|cannot|must|without)\b[^.!?\n]{0,30}\b(?:refus\w+|declin\w+|apolog\w+"
    r"|warn\w*|sorry|disclaimer\w*|say(?:ing)? no"
    r"|break\w* character|i can'?t)\b",
    "in_character": r"\b(?:stay(?:ing)? in character|break(?:ing)? character|tokens? (?:left|system)|lose .{0,10}tokens"
    r"|confines of ai)\b",
    "policy": r"\b(?:openai|content polic\w+|use.case polic\w+|illegal|legality|ethical|ethics|morals?|harmful|offensive"
    r"|profan\w+|swear\w*|explicit)\b",
    "fake_turn": r"<\|?\/?(?:im_start|im_end|system|sys|user|assistant|endoftext)\|?>|\[/?(?:inst|sys|system|admin)\]"
    r"|\"role\":|^\W*(?:system|assistant|human|user)\s?:"
    r"|###\s*(?:system|instruction|user)|end of (?:instructions|prompt|context|document)",
    "to_model": r"\b(?:ai|a\.i\.|llms?|assistants?|chat ?bots?|language models?|chatgpt|gpt-?\d?|agents?|ki)\b|助手"
    r"|アシスタント|ассистент",
    "secretly": r"\b(?:do not|don'?t|without|never) (?:tell|telling|inform\w*|mention\w*|reveal\w*|show\w*|explain\w*)\b"
    r"|\b(?:secretly|silently|hidden)\b|<!--",
    "exfiltration": r"\b(?:send|post|forward|upload|transmit|email|share|curl|wget|call|visit|click"
    r"|link)\b[^.!?\n]{0,60}(?:https?:|www\.|@|\bto \w+@)",
    "code": r"\b(?:import os|import socket|subprocess|os\.system|eval\(|exec\(|curl |wget |rm -rf|chmod|process\.env"
    r"|socket\.|requests\.|child_process|base64|powershell)",
    "request": r"^\W*(?:please|also|then|now|next|finally|could you|can you|would you|write|translate|tell|give|list"
    r"|recommend|suggest|explain|describe|generate"
    r"|draft|compose|calculate|compute|convert|encode|decode|answer|reply|respond|say|summari[sz]e|classify"
    r"|create|provide|promote|insert|include|ignore|print)\b",
    "request_inside": r"[.!?\n]\W*(?:please|also|then|now|next|finally,?|could you|can you|would you)?,? ?(?:write|translate"
    r"|tell|give|list|recommend|suggest|explain"
    r"|describe|generate|draft|compose|calculate|compute|encode|decode|answer|reply|respond|say|summari[sz]e"
    r"|classify|create|promote|insert|ignore|print)\b",
    "order_to_answer": r"\b(?:in your|your) (?:answer|response|reply|summary|output)\b|\b(?:answer|respond|reply"
    r"|output)\b[^.!?\n]{0,25}\b(?:only|with|in|as|nothing)\b",
    "when_read": r"\b(?:when|if|once|before|instead of)\b[^.!?\n]{0,20}\b(?:you|assistant|model"
    r"|ai)\b[^.!?\n]{0,25}\b(?:summari|read|process|answer|see|translat)\w*",
    "warning_word": r"\b(?:important|attention|urgent|warning|note|critical)\b\W",
    "spaced_letters": r"(?:\b\w ){6,}",
    "leet": r"\b(?=\w*[a-z])(?=\w*[0134])[a-z0134]{5,}\b",
}  # fmt: skip
_COMPILED: Final = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}
"""For folded text: ignoring case costs them most of their speed."""
_CASED: Final = re.compile(r"[A-Z]{4,}")
_OTHER_SCRIPTS: Final = re.compile(r"[^\W\d_\x00-\u024f]")
_WORD: Final = re.compile(r"\w+")
_YOU: Final = frozenset({"you", "your", "you're", "yourself", "u"})
CUES: Final = (
    *_PATTERNS,
    "you_share",
    "capital_words",
    "upper_share",
    "digit_share",
    "sign_share",
    "other_scripts",
    "exclamations",
)
"""What each place of cue_values stands for."""
NAMED: Final = (
    "override", "override_other", "extraction", "no_limits", "unfiltered", "named_jailbreak", "no_refusal", "in_character",
    "fake_turn", "secretly", "exfiltration", "code", "order_to_answer", "when_read",
)  # fmt: skip
"""Those that evidence tells: the others say nothing on their own."""


def cue_values(text: str) -> NDArray[np.float32]:
    """(len(CUES),) in [0, 1]: phrases are there or not; the rest are shares of characters or words."""
    folded = text.lower()
    phrases = [1.0 if pattern.search(folded) else 0.0 for pattern in _COMPILED.values()]
    words = _WORD.findall(folded)
    n_words, n_chars = max(1, len(words)), max(1, len(text))
    letters = sum(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    shares = [
        sum(map(_YOU.__contains__, words)) / n_words,
        len(_CASED.findall(text)) / n_words,
        sum(map(str.isupper, text)) / n_chars,
        digits / n_chars,
        (len(text) - letters - digits - sum(map(str.isspace, text))) / n_chars,
        len(_OTHER_SCRIPTS.findall(text)) / n_chars,
        min(1.0, text.count("!") / n_words * 5),
    ]
    return np.array(phrases + shares, dtype=np.float32)


def named_cues(text: str) -> list[str]:
    """The telling signs that the text has."""
    folded = text.lower()
    return [name for name in NAMED if _COMPILED[name].search(folded)]
