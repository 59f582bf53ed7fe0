"""Labelled answers with their documents, as calls that the grounding scorer takes."""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from driftline_analyzers.scoring.call import Call

FOLDERS: Final = ("grounding_ragtruth_qa", "grounding_factscore", "grounding_halueval")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """group: question or person, resampled together. spans: [start, end) of unsupported text, empty where only the answer is labelled."""

    call: Call
    group: str
    is_unsupported: bool
    spans: Sequence[tuple[int, int]] = ()


def _rows(data: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(data / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def answer_call(prompt: str, completion: str, documents: Sequence[str]) -> Call:
    """A call of which nothing else is known."""
    return Call(
        trace_id="", span_id="", start_ns=0, service="", model="", prompt_version="", session_id="", system_prompt="",
        prompt=prompt, completion=completion, documents=documents,
    )  # fmt: skip


def ragtruth(data: Path) -> Iterator[Labelled]:
    """RAGTruth QA: answers of six models, with people's spans."""
    for row in _rows(data, "grounding_ragtruth_qa/data.jsonl.gz"):
        documents = [part.strip() for part in re.split(r"passage \d+:", row["context"]) if part.strip()]
        yield Labelled(
            call=answer_call(row["question"], row["response"], documents),
            group=str(row["source_id"]),
            is_unsupported=bool(row["hallucinated"]),
            spans=[(span["start"], span["end"]) for span in row["spans"]],
        )


def _common_beginning(one: str, other: str) -> str:
    """Words that both begin with, punctuation at their ends left aside."""
    pairs = ((left.strip(",."), right.strip(",.")) for left, right in zip(one.split(), other.split(), strict=False))
    return " ".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def factscore(data: Path) -> Iterator[Labelled]:
    """FActScore: single facts of biographies against the person's Wikipedia article.

    The set leaves out its prompt, "Tell me a bio of <person>": the name is the longest run of words with which the article and one of the
    person's biographies or facts both begin.
    """
    articles = {
        row["doc_id"]: [
            re.sub(r"</?s>", "\n", part) for part in row["text"].split("####SPECIAL####SEPARATOR####") if part.strip()
        ]
        for row in _rows(data, "grounding_factscore/documents.jsonl.gz")
    }
    rows = _rows(data, "grounding_factscore/responses.jsonl.gz")
    names: dict[str, str] = {}
    for row in rows:
        article = " ".join(articles[row["doc_id"]]).strip()
        begun = [_common_beginning(article, text) for text in (row["response"], *(one["fact"] for one in row["facts"]))]
        names[row["doc_id"]] = max([names.get(row["doc_id"], ""), *begun], key=len)
    for row in rows:
        for fact in row["facts"]:
            yield Labelled(
                call=answer_call(f"Tell me a bio of {names[row['doc_id']]}.", fact["fact"], articles[row["doc_id"]]),
                group=row["doc_id"],
                is_unsupported=not fact["supported"],
            )


SETS: Final = {"ragtruth_qa": ragtruth, "factscore": factscore}
