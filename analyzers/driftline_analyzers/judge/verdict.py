"""What a judge says, and every way in which it says nothing that can be used."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.judge.criteria import Criterion

Unusable = Literal["refusal", "truncated", "malformed", "out_of_range", "ambiguous"]
"""The judge answered, and would answer so again. refusal: it, or a filter before it, declined. truncated: max_tokens ended it.
malformed: no verdict in it. out_of_range: a score off the scale. ambiguous: two verdicts that differ, as when it quotes one that an
answer planted."""
Unanswered = Literal[
    "timeout", "rate_limited", "server_error", "unreachable", "unauthorized", "rejected", "bad_response",
    "resting", "budget", "out_of_time", "store",
]  # fmt: skip
"""The judge did not answer, and may later. resting: the endpoint is left alone after failures. budget: of the day is spent. out_of_time: of
the batch. store: what was spent could not be read or written. bad_response: no chat completion. rejected: another 4xx."""
Unknown = Unusable | Unanswered
UNUSABLE: Final[frozenset[str]] = frozenset(get_args(Unusable))

_MAX_REASON_CHARS: Final = 1000
_MAX_READ_CHARS: Final = 100_000
_MAX_OBJECTS: Final = 100
_END_OF_THOUGHT: Final = "</think>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """score on the criterion's scale and the judge's reason, or None and why it is unknown."""

    score: int | None = None
    reason: str = ""
    unknown: Unknown | None = None


def read_verdict(content: str, criterion: Criterion) -> Verdict:
    """The verdict in a judge's words: the one JSON object with a score, alone or among other text, after any thinking."""
    content = content[-_MAX_READ_CHARS:].rpartition(_END_OF_THOUGHT)[2]
    found = [one for one in _objects(content) if "score" in one]
    if not found:
        return Verdict(unknown="refusal" if is_refusal(content) else "malformed")
    verdicts = [_checked(one, criterion) for one in found]
    if len({(verdict.score, verdict.unknown) for verdict in verdicts}) > 1:
        return Verdict(unknown="ambiguous")
    return verdicts[-1]


def _checked(answer: dict[str, Any], criterion: Criterion) -> Verdict:
    score, reason = answer["score"], answer.get("reason")
    if (
        isinstance(score, bool)
        or not isinstance(score, int | float)
        or not isinstance(reason, str)
        or not reason.strip()
    ):
        return Verdict(unknown="malformed")
    if score not in range(criterion.lowest, criterion.highest + 1):  # 4.0 is; 4.5, 6 and NaN are not
        return Verdict(unknown="out_of_range")
    reason = reason.encode("utf-8", errors="replace").decode()  # the store takes no lone surrogates
    return Verdict(score=int(score), reason=reason.strip()[:_MAX_REASON_CHARS])


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if start < 0:
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield value
        start = text.find("{", end)
