"""Which groups of people does a text mention, and where? Words with boundaries, from groups.toml; English."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

Kind = Literal["adjective", "singular", "plural", "other", "slur"]

MAX_CHARS: Final = 20_000
"""Of a text that are looked at."""
MASK: Final = "XYZ"
_WORD: Final = re.compile(r"[^\W_]+")
_AN: Final = re.compile(r"\b([Aa])n\s$")
_ANY_PERSON: Final = re.compile(r" (?:person|persons|people|folks?|individuals?)\b", re.IGNORECASE)
_JOINTS: Final = frozenset(" -'’‐‑")
_SUBJECTS: Final = frozenset(
    {"i", "he", "she", "we", "you", "who", "they", "someone", "somebody", "everyone", "people"}
)
_BE: Final = frozenset({"am", "is", "are", "was", "were", "m", "s", "re", "being", "be"})
_ADVERBS: Final = frozenset(
    {
        "also", "openly", "not", "just", "really", "very", "so", "too", "only", "both", "actually", "totally", "legally",
        "always", "secretly", "still", "now",
    }
)  # fmt: skip
_SELF: Final = frozenset({"being", "identify", "identifies", "identified", "identifying"})
_SEEN: Final = _SELF | {"out", "seen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A word or phrase that names a group: [start, end) in characters of the text. kind: what part of speech it is there."""

    axis: str
    group: str
    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of one axis. forms: adjective, singular, plural: what a counterfactual puts in."""

    name: str
    forms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    axis: str
    group: str
    words: tuple[str, ...]
    kind: Kind
    is_ambiguous: bool = False
    is_cased: bool = False


class GroupLexicon:
    """Finds, masks and swaps mentions of groups. Reads what `groups.toml` describes."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._person_nouns = frozenset(data["person_nouns"])
        self._axes = {
            axis["name"]: tuple(Group(name=one["name"], forms=one.get("forms", {})) for one in axis["group"])
            for axis in data["axis"]
        }
        self._pairs = {axis["name"]: _pairs(axis.get("swap_pairs", ())) for axis in data["axis"]}
        self._pair_groups = {
            axis["name"]: tuple(group["name"] for group in axis["group"][:2])
            for axis in data["axis"]
            if "swap_pairs" in axis
        }
        terms = [term for axis in data["axis"] for group in axis["group"] for term in _terms(axis["name"], group)]
        self._by_first: dict[str, list[_Term]] = {}
        for term in terms:
            self._by_first.setdefault(term.words[0], []).append(term)
        for same in self._by_first.values():
            same.sort(key=lambda term: -len(term.words))
        single = [term for term in terms if len(term.words) == 1]
        self._modifiers = frozenset(data["modifiers"]).union(
            term.words[0] for term in single if term.kind in ("adjective", "singular")
        )
        self._subjects = (_SUBJECTS | self._person_nouns).union(
            term.words[0] for term in single if term.kind in ("singular", "plural")
        )

    @property
    def axes(self) -> Mapping[str, Sequence[Group]]:
        """Groups by axis, in the order of the file."""
        return self._axes

    def find(self, text: str) -> list[Mention]:
        """Mentions in the first 20,000 characters, in order. The longest phrase that begins at a word counts, on every axis it is of."""
        tokens = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text, 0, MAX_CHARS)]
        lowered = [token[0].lower() for token in tokens]
        found: list[Mention] = []
        i = 0
        while i < len(tokens):
            n_covered = 0
            for term in self._by_first.get(lowered[i], ()):
                n = len(term.words)
                if n < n_covered:
                    break
                if tuple(lowered[i : i + n]) != term.words or not _is_joined(text, tokens[i : i + n]):
                    continue
                if term.is_cased and not tokens[i][0][0].isupper():
                    continue
                if term.is_cased and len(tokens[i][0]) == 2 and not tokens[i][0].isupper():
                    continue
                if term.is_ambiguous and not self._is_of_person(text, tokens, lowered, i):
                    continue
                n_covered = n
                found.append(
                    Mention(
                        axis=term.axis,
                        group=term.group,
                        start=tokens[i][1],
                        end=tokens[i + n - 1][2],
                        kind=term.kind,
                    )
                )
            i += max(1, n_covered)
        return found

    def groups(self, text: str) -> dict[str, frozenset[str]]:
        """Groups mentioned, by axis; axes without a mention are left out."""
        found: dict[str, set[str]] = {}
        for mention in self.find(text):
            found.setdefault(mention.axis, set()).add(mention.group)
        return {axis: frozenset(names) for axis, names in found.items()}

    def mask(self, text: str, mentions: Sequence[Mention] | None = None) -> str:
        """The text with XYZ for every mention (of `find`, unless given), so that what is left says nothing about which group it was.

        "Black people" and "Muslims" are both XYZ, "an" before it is "a".
        """
        spans = sorted({(one.start, one.end) for one in (self.find(text) if mentions is None else mentions)})
        parts, position = [], 0
        for start, end in spans:
            before = _AN.sub(r"\1 ", text[position:start])
            parts += [before, MASK]
            noun = _ANY_PERSON.match(text, end)
            position = noun.end() if noun is not None else end
        return "".join(parts) + text[position:]

    def swap(self, text: str, *, axis: str, group: str, other: str) -> str | None:
        """The counterfactual: every mention of group becomes one of other. None where a mention has no counterpart or there is none.

        Raises KeyError for an axis or group that the lexicon lacks.
        """
        forms = {one.name: one.forms for one in self._axes[axis]}[other]
        mentions = [one for one in self.find(text) if one.axis == axis and one.group == group]
        parts, position = [], 0
        for mention in mentions:
            word = text[mention.start : mention.end]
            before = text[position : mention.start]
            counterpart = self._counterpart(word, text[mention.end :], mention, group, other)
            kind = "adjective" if self._is_before_person(mention, text) else mention.kind
            if counterpart is not None:
                replacement = _cased_like(counterpart, word)
            elif kind in forms:
                replacement = _at_start(forms[kind], text[: mention.start])
            else:
                return None
            parts += [_with_article(before, replacement), replacement]
            position = mention.end
        return "".join(parts) + text[position:] if mentions else None

    def _is_before_person(self, mention: Mention, text: str) -> bool:
        """ "Asian" is a noun, and an adjective in "an Asian man"."""
        after = _WORD.match(text, mention.end + 1) if text[mention.end : mention.end + 1] == " " else None
        return mention.kind == "singular" and after is not None and after.group().lower() in self._person_nouns

    def _counterpart(self, word: str, after: str, mention: Mention, group: str, other: str) -> str | None:
        pair = self._pair_groups.get(mention.axis, ())
        if {group, other} != set(pair):
            return None
        forward = group == pair[0]
        key = " ".join(_WORD.findall(word.lower()))
        if key == "her":  # "her book" is his, "saw her." is him
            return "his" if re.match(r"\s+[^\W\d_]", after) else "him"
        return self._pairs[mention.axis][0 if forward else 1].get(key)

    def _is_of_person(self, text: str, tokens: Sequence[tuple[str, int, int]], lowered: Sequence[str], i: int) -> bool:
        """Whether an ambiguous adjective at token i is about a person: before a person noun, or after "she is" and the like."""
        for j in range(i + 1, min(i + 5, len(tokens))):
            between = text[tokens[j - 1][2] : tokens[j][1]]
            if between.strip(" ,-‐") or len(between) > 2:
                break
            if lowered[j] in self._person_nouns:
                return True
            if lowered[j] not in self._modifiers:
                break
        k = i - 1
        while k >= 0 and k > i - 4 and lowered[k] in _ADVERBS:
            k -= 1
        if k >= 0 and lowered[k] in _SELF:
            return True
        if k >= 1 and lowered[k] == "as" and lowered[k - 1] in _SEEN:
            return True
        if k < 1 or lowered[k] not in _BE:
            return False
        subject = lowered[k - 1]
        return subject in self._subjects or _is_name(text, tokens, k - 1)


@cache
def default_lexicon() -> GroupLexicon:
    """The one that ships."""
    return GroupLexicon(tomllib.loads((files("driftline_analyzers") / "bias" / "groups.toml").read_text("utf-8")))


def load_lexicon(path: Path) -> GroupLexicon:
    """One of the user's, in the form of groups.toml. Raises OSError, TOMLDecodeError and KeyError."""
    return GroupLexicon(tomllib.loads(path.read_text(encoding="utf-8")))


def _terms(axis: str, group: Mapping[str, Any]) -> list[_Term]:
    def term(phrase: str, kind: Kind, **flags: bool) -> _Term:
        return _Term(axis=axis, group=group["name"], words=tuple(_WORD.findall(phrase.lower())), kind=kind, **flags)

    terms = []
    for noun in group.get("nouns", ()):
        singular, plural = noun.split("/")
        # a demonym or "Christian" is a noun and an adjective at once: its form decides
        terms += [term(singular, "singular")] if singular else []
        terms += [term(plural, "plural")] if plural else []
    terms += [term(one, "adjective") for one in group.get("adjectives", ())]
    terms += [term(one, "adjective", is_ambiguous=True) for one in group.get("person_adjectives", ())]
    terms += [
        term(one, "plural" if one.endswith("s") else "adjective", is_cased=True) for one in group.get("cased", ())
    ]
    terms += [term(one, "other") for one in group.get("other", ())]
    terms += [term(one, "slur") for one in group.get("slurs", ())]
    return terms


def _pairs(pairs: Sequence[Sequence[str]]) -> tuple[dict[str, str], dict[str, str]]:
    forward: dict[str, str] = {}
    backward: dict[str, str] = {}
    for one, other in pairs:
        forward.setdefault(one, other)
        backward.setdefault(other, one)
    return forward, backward


def _is_joined(text: str, tokens: Sequence[tuple[str, int, int]]) -> bool:
    return all(after[1] - before[2] == 1 and text[before[2]] in _JOINTS for before, after in pairwise(tokens))


def _with_article(before: str, replacement: str) -> str:
    """ "a" or "an" at the end of what stands before, as the replacement wants it."""
    match = re.search(r"\b([Aa])(n?)(\s+)$", before)
    if match is None:
        return before
    return before[: match.start()] + match[1] + ("n" if replacement[0].lower() in "aeio" else "") + match[3]


def _is_name(text: str, tokens: Sequence[tuple[str, int, int]], k: int) -> bool:
    """A capital inside a sentence: "because Jeremy is black", not "Coffee is black"."""
    return k > 0 and tokens[k][0][0].isupper() and text[tokens[k - 1][2] : tokens[k][1]] == " "


def _at_start(replacement: str, before: str) -> str:
    """With a capital at the start of a sentence."""
    is_start = not before.strip() or before.rstrip()[-1] in ".!?:"
    return replacement[0].upper() + replacement[1:] if is_start else replacement


def _cased_like(replacement: str, word: str) -> str:
    if word.isupper() and len(word) > 1:
        return replacement.upper()
    return replacement[0].upper() + replacement[1:] if word[0].isupper() else replacement
