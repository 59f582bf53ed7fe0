"""Words and phrases of groups.toml, each with the rule that says where it counts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["adjective", "singular", "plural", "other", "slur", "name"]
Rule = Literal["anywhere", "person", "nominal", "people", "lowercase", "cased", "cased_inside"]
"""Where a term counts. anywhere; person: as an adjective of a person; nominal: "the poor"; people: "blacks" that are no colours;
lowercase: in small letters anywhere, else of a person; cased: as written; cased_inside: as written, not at the start of a sentence."""

WORD: Final = re.compile(r"[^\W_]+")
_RULES: Final[Mapping[str, tuple[Rule, Kind]]] = {
    "adjectives": ("anywhere", "adjective"),
    "person_adjectives": ("person", "adjective"),
    "nominals": ("nominal", "plural"),
    "person_plurals": ("people", "plural"),
    "lowercase": ("lowercase", "adjective"),
    "cased": ("cased", "adjective"),
    "cased_inside": ("cased_inside", "adjective"),
    "other": ("anywhere", "other"),
    "slurs": ("anywhere", "slur"),
    "names": ("cased", "name"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """words: in lower case; written: as in the file. axis '' of a phrase that names no group."""

    axis: str
    group: str
    words: tuple[str, ...]
    kind: Kind
    rule: Rule
    written: str


def terms_of(axis: str, group: Mapping[str, Any]) -> Iterator[Term]:
    """Of one group. Raises KeyError without a name, ValueError for a noun that is not "singular/plural"."""
    for noun in group.get("nouns", ()):
        singular, plural = noun.split("/")
        # a demonym or "Christian" is a noun and an adjective at once: its form decides
        if singular:
            yield _term(axis, group["name"], singular, "singular")
        if plural:
            yield _term(axis, group["name"], plural, "plural")
    for key, (rule, kind) in _RULES.items():
        for one in group.get(key, ()):
            of_word: Kind = "plural" if key in ("cased", "cased_inside") and one.endswith("s") else kind
            yield _term(axis, group["name"], one, of_word, rule)


def phrase(words: str) -> Term:
    """One that names no group, whatever its words are elsewhere: "french fries"."""
    return _term("", "", words, "other")


def swap_pairs(pairs: Sequence[Sequence[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Word by counterpart, forward and backward; the first of a word counts."""
    forward: dict[str, str] = {}
    backward: dict[str, str] = {}
    for one, other in pairs:
        forward.setdefault(one, other)
        backward.setdefault(other, one)
    return forward, backward


def _term(axis: str, group: str, written: str, kind: Kind, rule: Rule = "anywhere") -> Term:
    return Term(
        axis=axis, group=group, words=tuple(WORD.findall(written.lower())), kind=kind, rule=rule, written=written
    )
