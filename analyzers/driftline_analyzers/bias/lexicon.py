"""Which groups of people does a text mention, and where? Words with boundaries, from groups.toml; English."""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from driftline_analyzers.bias.ages import age_at
from driftline_analyzers.bias.person_context import PersonContext
from driftline_analyzers.bias.spelling import Speller, Token
from driftline_analyzers.bias.terms import WORD, Kind, Term, phrase, swap_pairs, terms_of

MAX_CHARS: Final = 20_000
"""Of a text that are looked at."""
MASK: Final = "XYZ"
_AN: Final = re.compile(r"\b([Aa])n\s$")
_ANY_PERSON: Final = re.compile(r" (?:person|persons|people|folks?|individuals?)\b", re.IGNORECASE)
_JOINTS: Final = frozenset(" -'’‐‑")
_FOLDER: Final = files("driftline_analyzers") / "bias"


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
class _Years:
    """A group of whom the age alone is said: from, or up to, so many years."""

    axis: str
    group: str
    least: int
    most: int


class GroupLexicon:
    """Finds, masks and swaps mentions of groups. Reads what `groups.toml` describes. version: of the file, for what is stored."""

    def __init__(self, data: Mapping[str, Any], *, names: Mapping[str, Any] | None = None, version: str = "") -> None:
        """names: an axis of first names, in the same form. Raises KeyError."""
        self.version = version
        axes = [*data["axis"], *([] if names is None else names["axis"])]
        self._person_nouns = frozenset(data["person_nouns"])
        self._axes = {
            axis["name"]: tuple(Group(name=one["name"], forms=one.get("forms", {})) for one in axis["group"])
            for axis in axes
        }
        self._pairs = {axis["name"]: swap_pairs(axis.get("swap_pairs", ())) for axis in axes}
        self._pair_groups = {
            axis["name"]: tuple(group["name"] for group in axis["group"][:2]) for axis in axes if "swap_pairs" in axis
        }
        self._years = [
            _Years(axis=axis["name"], group=one["name"], least=one.get("from_years", 0), most=one.get("to_years", 999))
            for axis in axes
            for one in axis["group"]
            if "from_years" in one or "to_years" in one
        ]
        terms = [term for axis in axes for group in axis["group"] for term in terms_of(axis["name"], group)]
        terms += [phrase(words) for words in data.get("not_people", ())]
        self._by_first: dict[str, list[Term]] = {}
        for term in terms:
            self._by_first.setdefault(term.words[0], []).append(term)
        for same in self._by_first.values():
            same.sort(key=lambda term: -len(term.words))
        single = [term for term in terms if len(term.words) == 1]
        self._speller = Speller(
            {term.words[0] for term in single if term.kind != "name" and not term.rule.startswith("cased")},
            frequent=frozenset(data.get("often_misspelt", ())),
            glued=data.get("glued", ()),
            real_words={*data.get("real_words", ()), *data["person_nouns"], *data["modifiers"]},
        )
        nouns = {term.words[0] for term in single if term.kind in ("singular", "plural") and term.rule == "anywhere"}
        self._context = PersonContext(
            person_nouns=self._person_nouns,
            modifiers={
                *data["modifiers"],
                *(term.words[0] for term in single if term.kind in ("adjective", "singular")),
            },
            subjects=self._person_nouns | nouns,
            nominals={term.words[0] for term in single if term.rule == "nominal"},
            languages=data.get("languages", ()),
            names=_given_names(),
        )

    @property
    def axes(self) -> Mapping[str, Sequence[Group]]:
        """Groups by axis, in the order of the file."""
        return self._axes

    def find(self, text: str) -> list[Mention]:
        """Mentions in the first 20,000 characters, in order. The longest phrase that begins at a word counts, on every axis it is of."""
        tokens = self._speller.tokens(text, max_chars=MAX_CHARS)
        words = [token.word for token in tokens]
        found: list[Mention] = []
        i = 0
        while i < len(tokens):
            n_covered = 0
            for term in self._by_first.get(words[i], ()):
                n = len(term.words)
                if n < n_covered:
                    break
                if tuple(words[i : i + n]) != term.words or not _is_joined(text, tokens[i : i + n]):
                    continue
                if not self._counts(term, text, tokens, i):
                    continue
                n_covered = n
                if term.axis:
                    found.append(_mention(term.axis, term.group, tokens[i : i + n], term.kind))
            age = age_at(words, i, person_nouns=self._person_nouns) if self._years else None
            if age is not None:
                begin = i if age.n_covered else i + 1  # "women over 65": women are named as well
                found += [
                    _mention(one.axis, one.group, tokens[begin : i + age.n_tokens], "other")
                    for one in self._years
                    if one.least <= age.years <= one.most
                ]
                n_covered = max(n_covered, age.n_covered)
            i += max(1, n_covered)
        return found

    def _counts(self, term: Term, text: str, tokens: Sequence[Token], i: int) -> bool:
        """Whether the term is about people at token i."""
        context, written = self._context, tokens[i].text
        match term.rule:
            case "anywhere":
                return not context.is_language(text, tokens, i)
            case "person":
                return context.is_of_person(text, tokens, i)
            case "nominal":
                return context.is_nominal(text, tokens, i)
            case "people":
                return context.is_people(text, tokens, i)
            case "lowercase":
                return written == written.lower() or context.is_of_person(text, tokens, i)
            case "cased" | "cased_inside":
                return _is_as_written(term, written) and (
                    term.rule == "cased"
                    or not _is_sentence_start(text, tokens, i)
                    or context.is_of_person(text, tokens, i)
                )

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
        after = WORD.match(text, mention.end + 1) if text[mention.end : mention.end + 1] == " " else None
        return mention.kind == "singular" and after is not None and after.group().lower() in self._person_nouns

    def _counterpart(self, word: str, after: str, mention: Mention, group: str, other: str) -> str | None:
        pair = self._pair_groups.get(mention.axis, ())
        if {group, other} != set(pair):
            return None
        forward = group == pair[0]
        key = " ".join(WORD.findall(word.lower()))
        if key == "her":  # "her book" is his, "saw her." is him
            return "his" if re.match(r"\s+[^\W\d_]", after) else "him"
        return self._pairs[mention.axis][0 if forward else 1].get(key)


@cache
def default_lexicon(*, with_names: bool = False) -> GroupLexicon:
    """The one that ships. with_names: an axis "first name" as well, a proxy of gender and no more."""
    return _lexicon((_FOLDER / "groups.toml").read_bytes(), with_names=with_names)


def load_lexicon(path: Path, *, with_names: bool = False) -> GroupLexicon:
    """One of the user's, in the form of groups.toml. Raises OSError, TOMLDecodeError and KeyError."""
    return _lexicon(path.read_bytes(), with_names=with_names)


def _lexicon(raw: bytes, *, with_names: bool) -> GroupLexicon:
    names = (_FOLDER / "given_names.toml").read_bytes()
    version = hashlib.sha256(raw + (names if with_names else b"")).hexdigest()[:8]
    return GroupLexicon(
        tomllib.loads(raw.decode("utf-8")),
        names=tomllib.loads(names.decode("utf-8")) if with_names else None,
        version=version,
    )


@cache
def _given_names() -> frozenset[str]:
    axes = tomllib.loads((_FOLDER / "given_names.toml").read_text("utf-8"))["axis"]
    return frozenset(name.lower() for axis in axes for group in axis["group"] for name in group["names"])


def _mention(axis: str, group: str, tokens: Sequence[Token], kind: Kind) -> Mention:
    return Mention(axis=axis, group=group, start=tokens[0].start, end=tokens[-1].end, kind=kind)


def _is_as_written(term: Term, written: str) -> bool:
    """In the file's letters; of longer words, capitals alone are the same."""
    return written == term.written.split()[0] or (written.isupper() and len(written) > 2)


def _is_sentence_start(text: str, tokens: Sequence[Token], i: int) -> bool:
    return i == 0 or bool(text[tokens[i - 1].end : tokens[i].start].strip(" ,-'’“\""))


def _is_joined(text: str, tokens: Sequence[Token]) -> bool:
    return all(after.start - before.end == 1 and text[before.end] in _JOINTS for before, after in pairwise(tokens))


def _with_article(before: str, replacement: str) -> str:
    """ "a" or "an" at the end of what stands before, as the replacement wants it."""
    match = re.search(r"\b([Aa])(n?)(\s+)$", before)
    if match is None:
        return before
    return before[: match.start()] + match[1] + ("n" if replacement[0].lower() in "aeio" else "") + match[3]


def _at_start(replacement: str, before: str) -> str:
    """With a capital at the start of a sentence."""
    is_start = not before.strip() or before.rstrip()[-1] in ".!?:"
    return replacement[0].upper() + replacement[1:] if is_start else replacement


def _cased_like(replacement: str, word: str) -> str:
    if word.isupper() and len(word) > 1:
        return replacement.upper()
    return replacement[0].upper() + replacement[1:] if word[0].isupper() else replacement
