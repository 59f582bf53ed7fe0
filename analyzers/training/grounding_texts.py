"""What the grounding head learns from: HaluEval's question answering, its documents' sentences reworded or corrupted, answers we wrote."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from driftline_analyzers.grounding.claims import claimed_part
from driftline_analyzers.grounding.quantities import UNITS
from driftline_analyzers.grounding.sentences import split_sentences
from driftline_analyzers.grounding.words import Word, words_of

_SAME: Final = {
    "big": "large", "large": "big", "movie": "film", "film": "movie", "started": "began", "began": "started", "located": "situated",
    "situated": "located", "founded": "established", "established": "founded", "known": "recognised", "famous": "well-known",
    "released": "issued", "wrote": "authored", "written": "authored", "created": "made", "made": "created", "includes": "contains",
    "contains": "includes", "city": "town", "company": "firm", "many": "numerous", "show": "programme", "series": "show",
    "song": "track", "band": "group", "group": "band", "author": "writer", "writer": "author", "played": "performed",
    "performed": "played", "near": "close to", "also": "as well", "important": "significant", "usually": "typically",
    "about": "around", "died": "passed away", "primarily": "mainly", "mainly": "primarily", "largest": "biggest",
    "won": "received", "received": "won", "popular": "well-liked", "directed": "made", "starring": "featuring", "stars": "features",
    "help": "assist", "use": "employ", "used": "employed", "area": "region", "region": "area",
}  # fmt: skip
_SHORTEST: Final = 8
"""Words of a sentence that is worth it."""
_LEADS: Final = (
    "",
    "",
    "",
    "According to the text, ",
    "Based on the provided information, ",
    "In short, ",
    "As far as is stated, ",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One sentence about documents. group: what is kept together when data are split; kind: where it is from."""

    group: str
    kind: str
    question: str
    documents: Sequence[str]
    answer: str
    is_unsupported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAnswer:
    """An answer that we wrote. sentences: those that claim something; is_unsupported: of each of them."""

    group: str
    sentences: Sequence[Example]

    @property
    def is_unsupported(self) -> bool:
        """Whether any of its sentences is."""
        return any(one.is_unsupported for one in self.sentences)


def read_rows(data: Path, name: str) -> list[dict[str, Any]]:
    """A gzipped JSON-lines file below data. Raises FileNotFoundError."""
    with gzip.open(data / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def question_answers(data: Path) -> list[Example]:
    """HaluEval QA: HotpotQA's short gold answers, and answers that ChatGPT was told to invent."""
    return [
        Example(
            group=str(row["pair_id"]),
            kind=row["kind"],
            question=row["question"],
            documents=[row["knowledge"]],
            answer=row["answer"],
            is_unsupported=bool(row["hallucinated"]),
        )
        for row in read_rows(data, "grounding_halueval/qa.jsonl.gz")
    ]


def reworded(data: Path, *, seed: int) -> Iterator[Example]:
    """Each longer sentence of HotpotQA's documents twice: in other words, and with a word, a name, a number, a unit or a denial of ours.

    Length tells nothing here.
    """
    rng = random.Random(seed)
    rows = [row for row in read_rows(data, "grounding_halueval/qa.jsonl.gz") if row["kind"] == "right"]
    strangers: dict[str, list[str]] = {"name": [], "number": [], "content": []}
    for row in rows:
        for sentence in split_sentences(row["knowledge"]):
            for word in words_of(row["knowledge"], sentence.start, sentence.end):
                if word.kind in strangers:
                    strangers[word.kind].append(row["knowledge"][word.start : word.end])
    for row in rows:
        text = row["knowledge"]
        sentences = [one for one in split_sentences(text) if len(words_of(text, one.start, one.end)) >= _SHORTEST]
        for sentence, is_unsupported in ((one, label) for one in sentences for label in (False, True)):
            answer = _reword(text[sentence.start : sentence.end], rng)
            if is_unsupported:
                answer = _corrupt(answer, strangers, rng)
            yield Example(
                group=str(row["pair_id"]),
                kind="corrupted" if is_unsupported else "reworded",
                question="",
                documents=[text],
                answer=rng.choice(_LEADS) + answer,
                is_unsupported=is_unsupported,
            )


def written_answers() -> list[WrittenAnswer]:
    """Answers in the manner of a model to questions about documents, supported or not in marked places; all of them written by us."""
    found = []
    for path in sorted(Path(__file__).parent.glob("grounding_answers_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found += [_written(row, one) for one in row["answers"]]
    return [answer for answer in found if answer.sentences]


def _written(row: dict[str, Any], answer: dict[str, Any]) -> WrittenAnswer:
    text = answer["answer"]
    spans = [(text.index(part), text.index(part) + len(part)) for part in answer["unsupported"]]
    sentences = [
        Example(
            group=row["id"],
            kind="written",
            question=row["question"],
            documents=row["documents"],
            answer=text[one.start + part[0] : one.start + part[1]],
            is_unsupported=any(start < one.start + part[1] and end > one.start + part[0] for start, end in spans),
        )
        for one in split_sentences(text)
        if (part := claimed_part(text[one.start : one.end])) is not None
    ]
    return WrittenAnswer(group=row["id"], sentences=sentences)


def _reword(sentence: str, rng: random.Random) -> str:
    """Other words for some, a bracket or a clause left out, halves exchanged at a comma."""
    sentence = re.sub(r"\s*\([^)]*\)", "", sentence)
    words = [_SAME.get(word.lower(), word) if rng.random() < 0.8 else word for word in sentence.split()]
    parts = " ".join(words).rstrip(".").split(", ")
    if len(parts) >= 3:
        parts.pop(rng.randrange(1, len(parts)))
    elif len(parts) == 2 and rng.random() < 0.4:
        parts.reverse()
    return ", ".join(parts) + "."


def _corrupt(sentence: str, strangers: dict[str, list[str]], rng: random.Random) -> str:
    words = words_of(sentence)
    by_kind = {kind: [word for word in words if word.kind == kind] for kind in strangers}
    kinds = [kind for kind, found in by_kind.items() if found]
    units = [one for one in words if one.key in UNITS]
    if units and rng.random() < 0.5:
        unit = rng.choice(units)
        other = rng.choice(
            [word for word in ("miles", "kilometres", "days", "years", "percent", "kg") if word[:3] != unit.key[:3]]
        )
        return sentence[: unit.start] + other + sentence[unit.end :]
    if not kinds or rng.random() < 0.1:
        return re.sub(r"\b(is|was|are|were|has|had|can|will)\b", r"\1 not", sentence, count=1)
    chosen: list[Word] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind = rng.choice(kinds)
        chosen.append(rng.choice(by_kind[kind]))
    for word in sorted(set(chosen), key=lambda one: -one.start):
        sentence = sentence[: word.start] + rng.choice(strangers[word.kind]) + sentence[word.end :]
    return sentence
