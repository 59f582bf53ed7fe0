"""Is an ambiguous word about people where it stands? "black" of a woman, "the poor", "blacks", and "English" that is a language."""

from collections.abc import Collection, Sequence
from typing import Final

from driftline_analyzers.bias.spelling import Token

_SUBJECTS: Final = frozenset(
    {"i", "he", "she", "we", "you", "who", "they", "someone", "somebody", "everyone", "people"}
)
_BE: Final = frozenset({"am", "is", "are", "was", "were", "m", "s", "re", "being", "be"})
_ADVERBS: Final = frozenset(
    {
        "also", "openly", "not", "just", "really", "very", "so", "too", "only", "both", "actually", "totally", "legally", "always",
        "secretly", "still", "now",
    }
)  # fmt: skip
_SELF: Final = frozenset({"being", "identify", "identifies", "identified", "identifying"})
_BORN: Final = _SELF | {"born", "raised"}
_SEEN: Final = _SELF | {"out", "seen"}
_VERBS: Final = frozenset(
    {
        "are", "were", "is", "have", "had", "has", "do", "don", "dont", "did", "didn", "should", "shouldn", "will", "won", "can",
        "cannot", "could", "couldn", "would", "wouldn", "must", "may", "get", "got", "always", "never", "often", "who", "whose", "in",
        "as", "to", "by", "at", "but", "than", "with", "on", "from", "because", "when", "while", "deserve", "need", "pay", "live", "work",
        "think", "want", "know", "understand", "steal", "stay", "suffer", "give", "make", "take", "spend", "buy", "die", "eat", "commit",
        "use", "love", "enjoy", "look", "feel", "tend", "become", "go", "keep", "try", "help", "cheat", "abuse", "act", "behave", "earn",
        "donate", "say", "believe", "vote", "complain", "lie", "drink", "speak", "see", "hear", "walk", "drive", "also", "really", "just",
        "only", "usually", "sometimes", "generally", "all", "alone", "today", "everywhere", "until", "if", "that", "which", "she", "he",
        "they", "we", "you", "i", "so", "through", "under", "against", "without",
    }
)  # fmt: skip
_BEFORE_PEOPLE: Final = frozenset(
    {
        "the", "by", "for", "from", "of", "with", "some", "many", "most", "all", "other", "hate", "hates", "hated", "against", "between",
        "than", "these", "those", "fellow", "young", "poor", "rich", "that", "are", "and", "or", "no", "how", "because", "when", "where",
    }
)  # fmt: skip
_COLOURS: Final = frozenset(
    {
        "egg", "eggs", "laundry", "wash", "washing", "teeth", "photo", "photos", "image", "images", "color", "colors", "colour",
        "colours", "shadows", "chess", "grays", "greys", "blues", "reds", "eyes", "ink", "paint", "tv", "clothes", "whisk", "beat",
    }
)  # fmt: skip
_TONGUE_BEFORE: Final = frozenset({"in", "to", "into", "from"})
_SPEAK: Final = frozenset(
    {
        "speak", "speaks", "speaking", "spoke", "learn", "learning", "learned", "teach", "teaching", "translate", "translated",
        "translating", "fluent",
    }
)  # fmt: skip
_TONGUE_AFTER: Final = frozenset(
    {
        "language", "languages", "translation", "translations", "translator", "word", "words", "sentence", "sentences", "grammar",
        "vocabulary", "phrase", "phrases", "text", "alphabet", "lesson", "lessons", "dictionary", "subtitles", "verb", "verbs", "noun",
        "nouns", "spelling", "pronunciation", "version", "keyboard", "equivalent",
    }
)  # fmt: skip
_LITTLE: Final = frozenset(
    {
        "and", "or", "to", "for", "please", "with", "from", "as", "what", "is", "was", "like", "using", "but", "the", "so", "because",
        "you", "i", "how", "then", "do", "if", "at", "when", "without", "by", "about", "it",
    }
)  # fmt: skip
_ENDS: Final = '.!?;:)"”'


class PersonContext:
    """What stands around a word. person_nouns, modifiers, subjects: words of the lexicon; names: first names, in lower case."""

    def __init__(
        self,
        *,
        person_nouns: Collection[str],
        modifiers: Collection[str],
        subjects: Collection[str],
        nominals: Collection[str],
        languages: Collection[str],
        names: Collection[str],
    ) -> None:
        self._person_nouns = frozenset(person_nouns)
        self._modifiers = frozenset(modifiers)
        self._subjects = _SUBJECTS | frozenset(subjects)
        self._nominals = frozenset(nominals)
        self._languages = frozenset(languages)
        self._names = frozenset(names)

    def is_of_person(self, text: str, tokens: Sequence[Token], i: int) -> bool:
        """Whether an ambiguous adjective at token i is: before a person noun, or after "she is" and the like."""
        for j in range(i + 1, min(i + 5, len(tokens))):
            between = text[tokens[j - 1].end : tokens[j].start]
            if between.strip(" ,-‐") or len(between) > 2:
                break
            if tokens[j].word in self._person_nouns:
                return True
            if tokens[j].word not in self._modifiers:
                break
        k = i - 1
        while k >= 0 and k > i - 4 and tokens[k].word in _ADVERBS:
            k -= 1
        if k >= 0 and tokens[k].word in _BORN:
            return True
        if k >= 1 and tokens[k].word == "as" and tokens[k - 1].word in _SEEN:
            return True
        if k < 1 or tokens[k].word not in _BE:
            return False
        if tokens[k].word == "s" and not self._ends_clause(
            text, tokens, i
        ):  # "Jeremy's black", not "Jeremy's black car"
            return False
        return tokens[k - 1].word in self._subjects or self._is_name(text, tokens, k - 1)

    def is_nominal(self, text: str, tokens: Sequence[Token], i: int) -> bool:
        """ "the poor are", "the rich and the poor", "of the old."; not "the poor weather"."""
        if i == 0 or tokens[i - 1].word != "the":
            return False
        after = text[tokens[i].end : tokens[i].end + 1]
        if not after or after in _ENDS or after == "\n":
            return True
        if after not in " ,'’" or i + 1 >= len(tokens):
            return False
        word, then = tokens[i + 1].word, tokens[i + 2].word if i + 2 < len(tokens) else ""
        if word in {"and", "or"}:
            return then == "the" or then in self._nominals
        return word in _VERBS

    def is_people(self, text: str, tokens: Sequence[Token], i: int) -> bool:
        """ "blacks" and "whites" that are no colours."""
        if any(token.word in _COLOURS for token in tokens):
            return False
        before = tokens[i - 1].word if i else ""
        after = tokens[i + 1].word if i + 1 < len(tokens) else ""
        return before in _BEFORE_PEOPLE or after in _VERBS or after in {"and", "or"}

    def is_language(self, text: str, tokens: Sequence[Token], i: int) -> bool:
        """ "translate it into French", not "a French woman"."""
        if tokens[i].word not in self._languages:
            return False
        is_next = i + 1 < len(tokens) and text[tokens[i].end : tokens[i + 1].start] in (" ", "-")
        after = tokens[i + 1].word if is_next else ""
        if after in self._person_nouns:
            return False
        if after in _TONGUE_AFTER or after in _SPEAK:
            return True
        before = tokens[i - 1].word if i else ""
        if before in {"and", "or"} and i >= 2:
            return self.is_language(text, tokens, i - 2)
        return before in _SPEAK or (before in _TONGUE_BEFORE and (not is_next or after in _LITTLE))

    def _ends_clause(self, text: str, tokens: Sequence[Token], i: int) -> bool:
        is_next = i + 1 < len(tokens) and text[tokens[i].end : tokens[i + 1].start] in (" ", "-")
        return not is_next or tokens[i + 1].word in _VERBS | _LITTLE

    def _is_name(self, text: str, tokens: Sequence[Token], k: int) -> bool:
        """A capital inside a sentence: "because Jeremy is black", not "Coffee is black"; at its start, a first name."""
        if not tokens[k].text[0].isupper():
            return False
        return tokens[k].word in self._names or (k > 0 and text[tokens[k - 1].end : tokens[k].start] == " ")
