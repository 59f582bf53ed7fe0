"""Every scorer over a batch of calls: one that fails holds up neither the others nor the other calls."""

import dataclasses
import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import xxhash

from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.records import ScoreKey, ScoreRow, Status
from driftline_analyzers.scoring.scorer import CallScore, CallScorer, Embed
from driftline_core.call_contexts import Unread
from driftline_core.errors import ConfigError, DriftlineError
from driftline_core.log import get_logger

FAILED_FIELD: Final = "call"
"""Field of a row that says that a scorer failed on a call."""
_FIELDS: Final = frozenset({"prompt", "completion", "document", "tool_result"})
_LOG = get_logger("scoring")


class EmbeddingFailed(DriftlineError, RuntimeError):
    """Texts cannot be embedded now; the calls are scored again later."""


class Panel:
    """Scorers, the share of traces that each looks at (1 unless told), and the time that each has taken, in seconds.

    unusable: why scorers cannot work as they are set up, by name; they are left out, and added here when they say so (ConfigError).
    """

    def __init__(
        self, scorers: Sequence[CallScorer], *, embed: Embed, shares: Mapping[str, float], unusable: dict[str, str]
    ) -> None:
        self.scorers = tuple(scorers)
        self.unusable = unusable
        self.seconds = {scorer.name: 0.0 for scorer in scorers}
        self._embed = embed
        self._shares = shares

    def looks_at(self, scorer: CallScorer, trace_id: str) -> bool:
        """Whether a trace is in the scorer's sample, always the same one, of which a larger share has all and more; never when unusable."""
        if scorer.name in self.unusable:
            return False
        share = self._shares.get(scorer.name, 1.0)
        return share >= 1 or xxhash.xxh3_64_intdigest(bytes.fromhex(trace_id)) < share * 2**64

    def score(self, calls: Sequence[Call]) -> tuple[list[ScoreRow], EmbeddingFailed | None]:
        """Rows of every scorer. A call that one fails on gets a row with status error. The error is of a scorer that could not embed:
        its calls have no rows, and nothing is known of them yet."""
        rows: list[ScoreRow] = []
        problem: EmbeddingFailed | None = None
        for scorer in self.scorers:
            sampled = [call for call in calls if self.looks_at(scorer, call.trace_id)]
            begun = time.perf_counter()
            try:
                rows += self._score(scorer, sampled)
            except EmbeddingFailed as error:
                problem = error
            except ConfigError as error:
                self.unusable[scorer.name] = str(error)
                _LOG.error("scorer cannot work", scorer=scorer.name, error=str(error))
            self.seconds[scorer.name] += time.perf_counter() - begun
        return rows, problem

    def _score(self, scorer: CallScorer, calls: Sequence[Call]) -> list[ScoreRow]:
        if not calls:
            return []
        try:
            return _rows(scorer, calls, scorer.score(calls, embed=self._embed))
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of the loop: whatever a scorer raises, the calls go on
            if len(calls) == 1:
                self._require_embedding()
                _LOG.exception("scorer failed on a call", scorer=scorer.name, trace_id=calls[0].trace_id)
                return [_failed(scorer, calls[0], error)]
            self._require_embedding()
        return [row for call in calls for row in self._score(scorer, [call])]

    def _require_embedding(self) -> None:
        """Raises EmbeddingFailed where the model or its cache is what failed, not the scorer."""
        try:
            self._embed(["Does it embed?"])
        except Exception as error:
            raise EmbeddingFailed(f"expected texts to be embedded, got {type(error).__name__}: {error}") from error


def _rows(scorer: CallScorer, calls: Sequence[Call], scores: Sequence[Sequence[CallScore]]) -> list[ScoreRow]:
    return [
        _row(scorer, call, score)
        for call, of_call in zip(calls, scores, strict=True)
        for score in _checked(scorer, of_call)
    ]


def _checked(scorer: CallScorer, scores: Sequence[CallScore]) -> Sequence[CallScore]:
    fields = [score.field for score in scores]
    if len(set(fields)) != len(fields) or not _FIELDS.issuperset(fields):
        raise ValueError(
            f"expected {scorer.name} to score each of {', '.join(sorted(_FIELDS))} at most once, got {fields}"
        )
    return scores


def _row(scorer: CallScorer, call: Call, score: CallScore) -> ScoreRow:
    evidence = {**score.evidence, **_unread(call, score)}
    if score.value is None or not math.isfinite(score.value):
        reason = {} if "unknown" in evidence else {"unknown": "the scorer gave no number"}
        return _made(scorer, call, field=score.field, status="unknown", evidence=evidence | reason)
    row = _made(scorer, call, field=score.field, status="ok", evidence=evidence)
    return dataclasses.replace(row, value=float(score.value), is_flagged=score.is_flagged)


def _unread(call: Call, score: CallScore) -> dict[str, int]:
    """What the reader left out of the field's texts, on top of what the scorer left out, for evidence: unread_chars, unread_texts."""
    left = call.unread.get(score.field, Unread())
    counts = {"unread_chars": left.chars, "unread_texts": left.texts}
    return {name: count + int(score.evidence.get(name, 0)) for name, count in counts.items() if count}


def _failed(scorer: CallScorer, call: Call, error: Exception) -> ScoreRow:
    evidence = {"unknown": f"the scorer failed: {type(error).__name__}"}
    return _made(scorer, call, field=FAILED_FIELD, status="error", evidence=evidence)


def _made(scorer: CallScorer, call: Call, *, field: str, status: Status, evidence: Mapping[str, Any]) -> ScoreRow:
    return ScoreRow(
        key=ScoreKey(
            analyzer=scorer.name,
            analyzer_version=scorer.version,
            field=field,
            start_ns=call.start_ns,
            trace_id=call.trace_id,
            span_id=call.span_id,
        ),
        service=call.service,
        model=call.model,
        prompt_version=call.prompt_version,
        status=status,
        evidence=json.dumps(evidence, ensure_ascii=False, allow_nan=False),
    )
