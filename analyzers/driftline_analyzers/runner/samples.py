"""From rows to samples: which texts count, which of them may be exchanged, and which answer the same prompt."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import xxhash

from driftline_analyzers.runner.records import TextRow

DOCUMENT: Final = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSample:
    """Texts of one field: rows[i], texts[i] and groups[i] belong together. groups: names of exchangeable blocks."""

    rows: Sequence[TextRow]
    texts: Sequence[str]
    groups: Sequence[str]

    @property
    def n_blocks(self) -> int:
        """Exchangeable blocks."""
        return len(set(self.groups))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Answers to the same prompts. reference[i] and current[i] are row numbers of pair i; units[i] names what is swapped together."""

    reference: Sequence[int]
    current: Sequence[int]
    units: Sequence[int]

    @property
    def n_units(self) -> int:
        """Pairs or groups of pairs that are swapped on their own."""
        return len(set(self.units))


def field_sample(rows: Sequence[TextRow], *, field: str, block_texts: int) -> FieldSample:
    """The non-empty texts of a field in order of time. rows: in order of time; field: prompt, completion, query or document.

    A session is a block, and a text that it repeats exactly counts once. Texts without a session id are blocks of block_texts
    consecutive ones, so that what happens at one time stays together; documents of one retrieval always do.
    """
    kept, texts, groups = [], [], []
    n_without_session = 0
    seen: set[tuple[str, str]] = set()
    for row in rows:
        found = [text for text in (row.documents if field == DOCUMENT else (row.text(field),)) if text.strip()]
        if not found:
            continue
        if row.session_id:
            group = f"session:{row.session_id}"
        else:
            group = f"block:{n_without_session // block_texts}"
            n_without_session += 1
        for text in found:
            if row.session_id and (group, text) in seen:
                continue
            seen.add((group, text))
            kept.append(row)
            texts.append(text)
            groups.append(group)
    return FieldSample(rows=kept, texts=texts, groups=groups)


def call_sample(rows: Sequence[TextRow], *, block_texts: int) -> FieldSample:
    """Calls and their blocks, without a text: every one counts, however often a number repeats."""
    groups = []
    n_without_session = 0
    for row in rows:
        if row.session_id:
            groups.append(f"session:{row.session_id}")
        else:
            groups.append(f"block:{n_without_session // block_texts}")
            n_without_session += 1
    return FieldSample(rows=list(rows), texts=[""] * len(rows), groups=groups)


def limit_sample(sample: FieldSample, *, max_texts: int) -> FieldSample:
    """At most max_texts texts, whole blocks in the order of a hash of their name; one retrieval can bring many documents."""
    if len(sample.texts) <= max_texts:
        return sample
    order = sorted(range(len(sample.texts)), key=lambda i: (xxhash.xxh3_64_intdigest(sample.groups[i].encode()), i))
    keep = sorted(order[:max_texts])
    return FieldSample(
        rows=[sample.rows[i] for i in keep],
        texts=[sample.texts[i] for i in keep],
        groups=[sample.groups[i] for i in keep],
    )


def sample_sessions(rows: Sequence[TextRow], *, max_texts: int) -> list[TextRow]:
    """At most max_texts rows, whole sessions in the order of a hash of their id, so that the same ones are chosen every time."""
    if len(rows) <= max_texts:
        return list(rows)
    ordered = sorted(rows, key=lambda row: xxhash.xxh3_64_intdigest((row.session_id or row.trace_id).encode()))
    return sorted(ordered[:max_texts], key=lambda row: (row.start_ns, row.trace_id, row.span_id))


def pair_answers(reference: FieldSample, current: FieldSample) -> Pairs:
    """Pair the rows that answer the same prompt, one to one. Pairs that share a session on either side are one unit.

    Without session ids a pair is its own unit: given the prompt, what two calls answer does not depend on when they came.
    """
    waiting: dict[str, list[int]] = defaultdict(list)
    for i in reversed(range(len(reference.rows))):
        waiting[reference.rows[i].prompt.strip()].append(i)
    waiting.pop("", None)
    pairs: list[tuple[int, int]] = []
    for j, row in enumerate(current.rows):
        same = waiting.get(row.prompt.strip())
        if same:
            pairs.append((same.pop(), j))
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        parents.setdefault(name, name)
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    for number, (i, j) in enumerate(pairs):
        for side, session in (("r", reference.rows[i].session_id), ("c", current.rows[j].session_id)):
            if session:
                parents[root(f"{side}:{session}")] = root(f"pair:{number}")
    numbers: dict[str, int] = {}
    units = [numbers.setdefault(root(f"pair:{number}"), len(numbers)) for number in range(len(pairs))]
    return Pairs(reference=[i for i, _ in pairs], current=[j for _, j in pairs], units=units)
