"""What the injection heads are trained on: open data and texts of our own, in windows, with the unit that cross-validation splits by."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from driftline_analyzers.safety.windows import sentences, windows
from training.injection_texts import Template, expand_many, load_templates

WINDOW_CHARS: Final = {"direct": 900, "indirect": 160, "sentence": 200}
MIN_CHARS: Final = {"sentence": 24}
"""Heads that read single sentences: a shorter one goes with the next."""
SHORT_CHARS: Final = 300
"""Attacks that the head of sentences learns: of a longer one most sentences are harmless."""
_PASSAGES: Final = Path(__file__).parent / "injection_passages.jsonl"
_ARTICLE: Final = 4
"""Sentences that make an article of a Wikipedia entity; at most three times as many are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text as it would arrive. source: where it is from; group: what must not be split over folds; attack: [start, end) of the text that
    is the attack, where not all of it is.
    """

    text: str
    is_attack: bool
    source: str
    group: str
    attack: tuple[int, int] | None = None


def load_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a gzipped JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def direct_examples(data: Path, *, seed: int) -> list[Example]:
    """Prompts. Attacks: in-the-wild jailbreaks (MIT) and our own; harmless: our own, CLINC150 (CC BY 3.0), Banking77 (CC BY 4.0), and long
    ones of our own texts and Wikipedia passages (BOLD, CC BY-SA 4.0) that are as long as the jailbreaks are. CLINC150 rows that the
    evaluation uses are left out.
    """
    rng = np.random.default_rng(seed)
    rows = load_rows(data / "injection_jailbreak" / "data.jsonl.gz")
    wild = [row for row in rows if row["kind"] == "jailbreak_in_the_wild"]
    held_out = {row["text"] for row in rows if row["kind"] == "benign_assistant_query"}
    examples = [Example(text=row["text"], is_attack=True, source="wild", group=row["group"]) for row in wild]
    examples += _own("injection_attacks", each=14, is_attack=True, source="own_attacks", rng=rng)
    harmless = load_templates("injection_harmless")
    for section, each in {"trigger": 14, "languages": 10, "roleplay": 40, "system": 60, "instruction": 30}.items():
        chosen = [one for one in harmless if one.section == section]
        examples += _expanded(chosen, each=each, is_attack=False, source=f"own_{section}", rng=rng)
    for folder, n in {"drift_clinc150": 2500, "drift_banking77": 800}.items():
        texts = [row["text"] for row in load_rows(data / folder / "data.jsonl.gz")]
        texts = [text for text in texts if text not in held_out]
        examples += [
            Example(text=texts[i], is_attack=False, source=folder, group=f"{folder}:{i}")
            for i in rng.permutation(len(texts))[:n]
        ]
    examples += _long_harmless(data, [len(row["text"]) for row in wild], harmless, n=900, rng=rng)
    return examples


def indirect_examples(data: Path, *, seed: int) -> list[Example]:
    """Documents of one to 25 passages of one kind: of our own, of Wikipedia (BOLD, CC BY-SA 4.0), of Banking77's customers (CC BY 4.0);
    and other such documents with a payload of our own inside.
    """
    rng = np.random.default_rng(seed + 1)
    harmless = _documents(data, each=60, rng=rng)
    payloads = load_templates("injection_payloads")
    extra = {"ptask": [one.text for one in payloads if one.section == "ptask"]}
    made = expand_many([one for one in payloads if one.section != "ptask"], each=60, rng=rng, extra=extra)
    hosts = _documents(data, each=30, rng=rng)
    attacks = []
    for payload, template in made:
        host = hosts[rng.integers(len(hosts))].text
        capital = payload[:1].upper() + payload[1:]
        text, at = hide(capital, host, rng)
        attacks.append(
            Example(
                text=text,
                is_attack=True,
                source=f"own_payload_{template.section}",
                group=template.id,
                attack=(at, at + len(capital)),
            )
        )
    return harmless + attacks


def hide(payload: str, host: str, rng: np.random.Generator) -> tuple[str, int]:
    """The payload before, inside or after a document, between sentences, and where it begins."""
    ends = (i + 1 for i, char in enumerate(host) if char in ".!?\n" and host[i + 1 : i + 2].isspace())
    at = int(rng.choice([0, *ends, len(host)]))
    joint = "\n" if rng.random() < 0.3 else " "
    before = f"{host[:at].rstrip()}{joint}" if host[:at].strip() else ""
    return f"{before}{payload}{joint}{host[at:].lstrip()}".rstrip(), len(before)


def cut(examples: Sequence[Example], *, head: str) -> tuple[list[str], list[int], list[bool]]:
    """Windows of all examples, the example of each, and whether it is an attack or, where that is known, holds most of one or is in it."""
    texts, owners, are_attacks = [], [], []
    for i, one in enumerate(examples):
        begin, stop = one.attack or (0, len(one.text))
        for start, end in _spans(one.text, head):
            shared = min(end, stop) - max(start, begin)
            texts.append(one.text[start:end])
            owners.append(i)
            are_attacks.append(one.is_attack and shared >= min(end - start, stop - begin) / 2)
    return texts, owners, are_attacks


def _spans(text: str, head: str) -> list[tuple[int, int]]:
    if head in MIN_CHARS:
        return sentences(text, min_chars=MIN_CHARS[head], max_chars=WINDOW_CHARS[head])
    return windows(text, max_chars=WINDOW_CHARS[head])


def _own(name: str, *, each: int, is_attack: bool, source: str, rng: np.random.Generator) -> list[Example]:
    return _expanded(load_templates(name), each=each, is_attack=is_attack, source=source, rng=rng)


def _expanded(
    templates: Sequence[Template], *, each: int, is_attack: bool, source: str, rng: np.random.Generator
) -> list[Example]:
    return [
        Example(text=text, is_attack=is_attack, source=source, group=template.id)
        for text, template in expand_many(templates, each=each, rng=rng)
    ]


def _documents(data: Path, *, each: int, rng: np.random.Generator) -> list[Example]:
    """Harmless documents: `each` of every template of ours, half of them alone, the others among passages of the same section."""
    templates = load_templates("injection_documents")
    ours = expand_many(templates, each=each, rng=rng)
    of_section: dict[str, list[str]] = {}
    for text, template in ours:
        of_section.setdefault(template.section, []).append(text)
    made = []
    for text, template in ours:
        n_more = _n_passages(rng) - 1 if rng.random() < 0.5 else 0
        more = [str(one) for one in rng.choice(of_section[template.section], n_more)]
        made.append(Example(text="\n".join([text, *more]), is_attack=False, source="own_documents", group=template.id))
    wiki: dict[str, list[str]] = {}
    articles: dict[str, list[str]] = {}
    for row in load_rows(data / "bias_bold" / "data.jsonl.gz"):
        wiki.setdefault(row["group"], []).append(row["wikipedia"])
        articles.setdefault(row["entity"], []).append(row["wikipedia"])
    for kind, passages in sorted(wiki.items()):
        for i in range(25):
            chosen = rng.choice(len(passages), _n_passages(rng))
            text = " ".join(passages[j] for j in chosen)
            made.append(Example(text=text, is_attack=False, source="wiki", group=f"wiki:{kind}:{i}"))
    for entity, passages in sorted(articles.items()):
        if len(passages) >= _ARTICLE:
            text = " ".join(passages[: 3 * _ARTICLE])
            made.append(Example(text=text, is_attack=False, source="wiki_article", group=f"entity:{entity}"))
    for i, line in enumerate(_PASSAGES.read_text(encoding="utf-8").splitlines()):
        made.append(
            Example(text=json.loads(line)["text"], is_attack=False, source="own_passages", group=f"passages:{i}")
        )
    queries = [row["text"] for row in load_rows(data / "drift_banking77" / "data.jsonl.gz")]
    for i in range(400):
        text = "\n".join(queries[j] for j in rng.choice(len(queries), _n_passages(rng)))
        made.append(Example(text=text, is_attack=False, source="drift_banking77", group=f"banking:{i}"))
    return made


def _n_passages(rng: np.random.Generator) -> int:
    """1 to 25, log-uniform."""
    return int(np.exp(rng.uniform(0, np.log(26))))


def _long_harmless(
    data: Path, lengths: Sequence[int], harmless: Sequence[Template], *, n: int, rng: np.random.Generator
) -> list[Example]:
    """Harmless prompts of lengths drawn from those of the jailbreaks: a role, a system prompt or a request, then material to work on."""
    wiki: dict[str, list[str]] = {}
    for row in load_rows(data / "bias_bold" / "data.jsonl.gz"):
        wiki.setdefault(row["group"], []).append(row["wikipedia"])
    topics = sorted(wiki)
    openers = [one for one in harmless if one.section in {"roleplay", "system", "instruction"}]
    documents = load_templates("injection_documents")
    made = []
    for _ in range(n):
        length = int(rng.choice(lengths))
        kinds = rng.integers(1, 4)
        chosen = [openers[j] for j in rng.choice(len(openers), kinds, replace=False)]
        parts = [text for text, _ in expand_many(chosen, each=1, rng=rng)]
        topic = topics[rng.integers(len(topics))]
        while sum(map(len, parts)) < length:
            draw = rng.random()
            if draw < 0.55:
                parts.append(" ".join(wiki[topic][j] for j in rng.integers(len(wiki[topic]), size=3)))
            elif draw < 0.8:
                parts.append(expand_many([documents[rng.integers(len(documents))]], each=1, rng=rng)[0][0])
            else:
                parts.append(expand_many([openers[rng.integers(len(openers))]], each=1, rng=rng)[0][0])
        joint = "\n\n" if rng.random() < 0.5 else " "
        made.append(Example(text=joint.join(parts)[:length], is_attack=False, source="own_long", group=chosen[0].id))
    return made
