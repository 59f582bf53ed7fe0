"""What patterns find in a text, and which of a field's texts decides."""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore

MAX_CHARS: Final = 200_000
"""Of one text; what is beyond is not read, and evidence says so."""
MAX_TEXTS: Final = 64
"""Of one field."""
MAX_SPANS: Final = 50
"""Kept in evidence; kinds are counted over all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place in a text. kind: what it is, e.g. 'email'; start, end: offsets in characters, end exclusive. Never the text itself.

    score: how certain its finder is, 0 to 1; None for our own patterns, which say yes or no.
    """

    kind: str
    start: int
    end: int
    score: float | None = None


Find = Callable[[str], list[Finding]]


def without_overlaps(found: Iterable[Finding]) -> list[Finding]:
    """In order of place; of findings that overlap the one given first stays."""
    kept: list[Finding] = []  # by place
    for one in found:
        at = bisect(kept, one.start, key=lambda other: other.start)
        if (at == 0 or kept[at - 1].end <= one.start) and (at == len(kept) or one.end <= kept[at].start):
            kept.insert(at, one)
    return kept


def fields_of(call: Call) -> Iterator[tuple[str, Sequence[str]]]:
    """(field, its texts) of what was captured of a call, blank texts too."""
    for field, texts in (
        ("prompt", (call.prompt,)),
        ("completion", (call.completion,)),
        ("document", call.documents),
        ("tool_result", call.tool_results),
    ):
        if any(text.strip() for text in texts):
            yield field, texts


def score_patterns(call: Call, find: Find) -> list[CallScore]:
    """One score a field: how many findings it has in all its texts; the spans are of the text with the most, whose index is told."""
    scores = []
    for field, texts in fields_of(call):
        found = [find(text[:MAX_CHARS]) for text in texts[:MAX_TEXTS]]
        worst = max(range(len(found)), key=lambda i: len(found[i]))
        count = sum(map(len, found))
        evidence: dict[str, Any] = {}
        if count:
            kinds = Counter(one.kind for in_text in found for one in in_text)
            evidence = {
                "kinds": dict(sorted(kinds.items())),
                "spans": [[one.start, one.end] for one in found[worst][:MAX_SPANS]],
                "span_kinds": [one.kind for one in found[worst][:MAX_SPANS]],
            }
            if any(one.score is not None for one in found[worst]):
                evidence["span_scores"] = [one.score for one in found[worst][:MAX_SPANS]]
            if field in {"document", "tool_result"}:
                evidence["index"] = worst
        scores.append(
            CallScore(field=field, value=float(count), is_flagged=count > 0, evidence=evidence | unread(texts))
        )
    return scores


def unread(texts: Sequence[str], *, max_chars: int = MAX_CHARS, max_texts: int = MAX_TEXTS) -> dict[str, Any]:
    """What of a field's texts was beyond the limits, for evidence; empty where all was read."""
    n_chars = sum(max(0, len(text) - max_chars) for text in texts[:max_texts])
    left = {"unread_chars": n_chars, "unread_texts": max(0, len(texts) - max_texts)}
    return {name: count for name, count in left.items() if count}
