"""Clauses that are said to be polite or to announce: nothing in them can be true or false of the documents.

English, fullest; German, Spanish and French for what is most common; thanks and greetings in Chinese and Japanese.
Each pattern is matched at the start of a clause.
"""

import re
from typing import Final

_WORDS: Final = r"(?:[ ,]+[\w.'’-]+)"
_ADVERBS: Final = r"(?:(?:\w{1,15}ly|just|very|so|quite|such|most|also) ){0,3}"
_ADDRESSING: Final = (
    # greetings and goodbyes with whom they address, thanks, wishes, signatures
    r"(?:hi|hello|hey|dear|greetings|welcome|good (?:morning|afternoon|evening|day|night)|goodbye|bye|cheers)\b"
    rf"(?![^.!?]*\b(?:is|are|was|were|has|have|had|can|will)\b){_WORDS}{{0,5}}$",
    r"(?:and |so )?(?:many |a big |big )?(?:thanks|thank you)\b(?! to )",
    rf"(?:{_ADVERBS}(?:best|kind|kindest|warm|warmest|many)? ?(?:regards|wishes)|(?:yours )?{_ADVERBS}(?:sincerely|faithfully)"
    rf"|yours truly)\b"
    rf"{_WORDS}{{0,6}}$",
    rf"(?:you're|you are) {_ADVERBS}welcome\b",
    rf"(?:and )?(?:have|enjoy|wish(?:ing)? you) (?:(?:a|your|the|rest|of|an) ){{0,4}}{_ADVERBS}\w* ?(?:day|evening|weekend|morning"
    rf"|afternoon"
    r"|night|week|time|trip|one)\b",
    r"(?:it was |it's |it is )?(?:my|our) pleasure\b|no problem\b|no worries\b|glad to (?:help|hear)\b|any ?time$",
    r"(?:we |i )(?:really |truly |greatly )?appreciate (?:your|you|the)\b",
    # regret, hope
    r"(?:(?:i'm|i am|we're|we are|so|i feel|very|really|truly) ){0,4}sorry\b|(?:i|we) (?:\w+ly )?apologi[sz]e\b|(?:my"
    r"|our) apologies\b|apologies\b",
    r"(?:i |we )?(?:do )?hope (?:this|that|it|you)\b",
    r"you can (?:always )?(?:find|read|see) (?:more|further)\b",
)
_CONVERSING: Final = (
    # praise of the question
    rf"(?:that|this|it|what)(?:'s| is| was| sounds)?(?: like)? ?(?:(?:an?|such) ){{0,2}}{_ADVERBS}(?:great|good|excellent|interesting"
    rf"|wonderful"
    r"|fantastic|nice|tricky|common|important|fair|thoughtful|lovely|fascinating|amazing)(?: \w+)? ?(?:question|point|idea|choice"
    r"|topic)s?\b",
    r"(?:great|good|excellent|interesting|nice|fair|wonderful) (?:question|point|idea|choice|job|work)\b",
    # what the speaker is or will do in the conversation
    r"(?:as |i'm |i am )(?:just |only |simply )?an? (?:\w+ ){0,2}?(?:ai|bot|chatbot|assistant|language model|model|agent)\b",
    rf"(?:now )?(?:let's|let us|let me|allow me to|shall we) {_ADVERBS}(?:look|take a|have a look|see|check|go|start|begin|walk|break"
    r"|help|assist|explain|dive|find out|work|get started|summari[sz]e|try|know)\b",
    r"(?:i'll|i will|we'll|we will|i'd|i would|we'd|i'm|i am|we are|we're) (?:be )?(?:here |always )?(?:happy|glad|pleased|delighted|ready"
    r"|here) to (?:help|assist|answer|explain|look|check)\b|(?:i'll|i will|we'll|we will) (?:look into|look|check|take a look|see|walk you"
    r"|go through|break (?:it|this)|explain|do my best|help you|assist you)\b",
    # offers of help
    r"(?:(?:please|just|do|and|then|so) ){0,3}(?:let me know|let us know|feel free|don't hesitate|do not hesitate|get in touch|contact us"
    r"|reach out|ask (?:me|us|away)\b|ask$|reply (?:here|to))\b",
    r"is there anything\b|for (?:more|further|additional) (?:information|details|help)\b",
    # what the user is asked to do in the conversation
    rf"(?:please|kindly|could you|can you|would you) {_ADVERBS}(?:tell|let|send|give|share|provide|specify|clarify|confirm|describe"
    rf"|rephrase"
    r"|contact|consult|ask|see|refer|check|reach|wait|bear with|allow)\b(?: \w+){0,2}? ?(?:me|us|your|you|more|which|what|whether|with)\b",
)
_OTHER_LANGUAGES: Final = (
    # German
    r"(?:guten (?:tag|morgen|abend)|hallo|liebe[r]? |sehr geehrte|grüß)\b|(?:einen )?schönen (?:tag|abend)\b",
    r"(?:vielen |herzlichen |besten |schönen )?dank(?:e)?\b(?! des)|gern(?:e)? geschehen\b|bitte (?:sehr|schön)$|einen schönen\b",
    r"(?:mit )?(?:freundlichen|besten|herzlichen|liebe|viele|beste|herzliche) grüßen?\b",
    r"(?:es tut mir|tut mir|es tut uns|tut uns) (?:\w+ )?leid\b|entschuldig(?:e|en|ung)\b|(?:gute|interessante) frage\b",
    r"(?:ich |wir )?hoffe(?:n)? ?,? ?(?:das|dass|es|ihnen|dir)\b|(?:bitte )?(?:melden sie sich|melde dich|lassen sie (?:es )?(?:mich"
    r"|uns))\b",
    # Spanish
    r"[¡¿]?(?:hola|buenos días|buenas (?:tardes|noches)|estimad[oa]s?)\b|[¡¿]?(?:muchas |mil )?gracias (?:por|a ti|a usted|de)\b"
    r"|[¡¿]?(?:muchas )?gracias$|de nada$|lo (?:siento|lamento)\b|perd[oó]n\b|disculp[ae]\b|(?:un )?saludos?\b"
    r"|(?:un )?cordial saludo\b|atentamente\b|espero que\b|que tengas? ?(?:un )?\b",
    # French
    r"(?:bonjour|bonsoir|salut|cher|chère)\b|(?:merci|je vous remercie|je te remercie)\b|de rien$|avec plaisir\b|(?:je suis )?désolée?\b"
    r"|(?:bien )?cordialement\b|bonne (?:journée|soirée|question)\b|j'espère que\b|n'hésitez pas\b",
    # Chinese, Japanese
    r"谢谢|感谢|謝謝|您好|你好|抱歉|对不起|對不起|不客气|ありがとう|申し訳|すみません|こんにちは|よろしくお願い|お問い合わせ",
)
_ANNOUNCING: Final = (
    r"(?:and |so )?(?:here|below)(?:'s| is| are| you go| you are)\b",
    r"(?:the )?following (?:is|are)\b",
)
_ADDRESS: Final = re.compile("|".join(f"(?:{one})" for one in (*_ADDRESSING, *_OTHER_LANGUAGES)), re.IGNORECASE)
_CONVERSATION: Final = re.compile("|".join(f"(?:{one})" for one in _CONVERSING), re.IGNORECASE)
_ANNOUNCEMENT: Final = re.compile("|".join(f"(?:{one})" for one in _ANNOUNCING), re.IGNORECASE)
_ALONE: Final = re.compile(
    r"(?:unfortunately|sadly|regrettably|however|therefore|thus|hence|so|overall|yes|no|well|sure(?: thing)?|certainly|of course|absolutely"
    r"|great|good|okay|ok|right|alright|understood|got it|glad|nice|excellent|perfect|in (?:short|summary|conclusion)|in addition"
    r"|additionally|i'm afraid"
    r"|please|leider|natürlich|gern(?:e)?|ja|nein|por supuesto|claro|desafortunadamente|bien sûr|malheureusement|oui|non)$",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(r"(?:if|when|wenn|falls|si) |should you ", re.IGNORECASE)


def is_address(clause: str) -> bool:
    """Whether a clause greets, thanks, regrets, hopes or signs; it may name whom."""
    return _ADDRESS.match(clause) is not None


def is_conversation(clause: str) -> bool:
    """Whether a clause praises the question, offers help, or says what either side is to do now; with a name it may be a statement."""
    return _CONVERSATION.match(clause) is not None


def is_announcement(clause: str) -> bool:
    """Whether it says that something follows: "here are the steps"."""
    return _ANNOUNCEMENT.match(clause) is not None


def is_aside(clause: str) -> bool:
    """Whether it says nothing by itself: "Unfortunately"."""
    return _ALONE.match(clause) is not None


def is_condition(clause: str) -> bool:
    """Whether what it says depends on its neighbour: "if you have questions"."""
    return _CONDITION.match(clause) is not None
