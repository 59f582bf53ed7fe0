"""Grounding of single answers: what their documents do not support, with the words marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.embed.token_vectors import TokenEmbedder
from driftline_analyzers.grounding.claims import claimed_part
from driftline_analyzers.grounding.features import Claim, claim_features
from driftline_analyzers.grounding.head import Head, probability, shipped_head, weights_of
from driftline_analyzers.grounding.markup import spoken_sentences
from driftline_analyzers.grounding.matching import unmatched
from driftline_analyzers.grounding.rarity import shipped_rarity
from driftline_analyzers.grounding.second_stage import Asked, Judgement, SecondStage
from driftline_analyzers.grounding.sentences import Sentence, split_sentences
from driftline_analyzers.grounding.sources import Source
from driftline_analyzers.grounding.translation import foreign_language
from driftline_analyzers.grounding.unsupported import unsupported_spans
from driftline_analyzers.grounding.words import words_of
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed
from driftline_core.call_contexts import Unread
from driftline_core.errors import ConfigError

_MAX_SENTENCES: Final = 200
_MAX_QUESTION_CHARS: Final = 20_000
_SHOWN_SENTENCES: Final = 50
_EVIDENCE_CHARS: Final = 300
_SUPPORTED: Final = 0.5
"""An answer whose probability is below this share of the threshold is called supported; between that and the threshold it is unsure."""


@dataclass(slots=True, kw_only=True)
class _Judged:
    """One sentence of an answer that claims something. values: (f,) as the head's features; log_odds: of being unsupported; judgement: of
    the second stage, if asked.
    """

    sentence: Sentence
    claim: Claim
    values: NDArray[np.float64]
    log_odds: float = 0.0
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    call: Call
    source: Source
    asked: frozenset[str]
    judged: Sequence[_Judged]
    n_unread: int


class GroundingScorer:
    """value: probability that a sentence of the answer is not supported by the documents; calls without documents or without a claim get no
    score. evidence: verdict (supported, unsure, unsupported), sentences with the best evidence for each, spans of unsupported words (the
    second stage's, where it marks any).

    The first stage reads words and numbers alone and needs no model. second_stage: asked about sentences whose probability is in grey,
    with the evidence that stage one found. max_chars: characters of a call's documents that are read; what is beyond is told, and an answer
    that the rest does not support is then unsure and not flagged.
    head: one of your own, as `refit` makes; its fingerprint is part of the version. token_embedder: where that head has TOKEN_FEATURES.
    """

    name: ClassVar[str] = "grounding"

    def __init__(
        self,
        *,
        second_stage: SecondStage | None = None,
        grey: tuple[float, float] = (0.15, 0.85),
        max_chars: int = 200_000,
        head: Head | None = None,
        token_embedder: TokenEmbedder | None = None,
    ) -> None:
        parts = [
            "3",
            head.fingerprint if head is not None else "",
            second_stage.name if second_stage is not None else "",
        ]
        self.version = "/".join(part for part in parts if part)
        self._second_stage = second_stage
        self._grey = grey
        self._max_chars = max_chars
        self._given_head = head
        self._token_embedder = token_embedder

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Field completion. Raises the second stage's and the token embedder's errors, ConfigError when that is not the head's."""
        answers = self._judge(calls)
        if self._second_stage is not None:
            self._ask(self._second_stage, [answer for answer in answers if answer is not None])
        return [[] if answer is None else [self._score(answer)] for answer in answers]

    def features(self, calls: Sequence[Call]) -> list[list[tuple[Sentence, NDArray[np.float64]]]]:
        """For each call its answer's sentences that claim something, with what the head reads of them, (f,); none without documents."""
        return [
            [] if answer is None else [(one.sentence, one.values) for one in answer.judged]
            for answer in self._judge(calls)
        ]

    @property
    def _head(self) -> Head:
        return self._given_head or shipped_head()

    def _judge(self, calls: Sequence[Call]) -> list[_Answer | None]:
        sources: dict[tuple[str, ...], Source] = {}
        answers = [self._read(call, sources) for call in calls]
        if self._head.token_model:
            self._match([answer for answer in answers if answer is not None])
        for answer in answers:
            for one in answer.judged if answer is not None else ():
                one.log_odds = float(self._head.sentences(one.values[None])[0])
        return answers

    def _read(self, call: Call, sources: dict[tuple[str, ...], Source]) -> _Answer | None:
        """sources: of the calls before, by their documents; calls that share them share the work."""
        if not any(document.strip() for document in call.documents) or not call.completion.strip():
            return None
        sentences = spoken_sentences(call.completion, split_sentences(call.completion))
        source: Source | None = None
        asked = frozenset(word.key for word in words_of(call.prompt[:_MAX_QUESTION_CHARS]))
        judged = []
        for whole in sentences[:_MAX_SENTENCES]:
            words = words_of(call.completion, whole.start, whole.end)
            part = claimed_part(call.completion[whole.start : whole.end], words, offset=whole.start)
            if part is None:
                continue
            sentence = Sentence(whole.start + part[0], whole.start + part[1])
            if sentence != whole:
                words = words_of(call.completion, sentence.start, sentence.end)
            if source is None:
                source = self._source(tuple(call.documents), sources)
            claim = claim_features(words, source, asked=asked, rarity=shipped_rarity())
            judged.append(_Judged(sentence=sentence, claim=claim, values=claim.values))
        if source is None:
            return None
        n_unread = max(0, len(sentences) - _MAX_SENTENCES)
        return _Answer(call=call, source=source, asked=asked, judged=judged, n_unread=n_unread)

    def _source(self, documents: tuple[str, ...], sources: dict[tuple[str, ...], Source]) -> Source:
        if documents not in sources:
            sources[documents] = Source(documents, max_chars=self._max_chars)
        return sources[documents]

    def _match(self, answers: Sequence[_Answer]) -> None:
        """Adds TOKEN_FEATURES, one source after the other: vectors of a document's tokens are large."""
        embedder = self._token_embedder
        if embedder is None or weights_of(embedder.model_id) != self._head.token_model:
            raise ConfigError(
                f"expected the embedding model {self._head.token_model}, whose token vectors the grounding head was fitted with, got "
                f"{'none' if embedder is None else weights_of(embedder.model_id)}"
            )
        by_source: dict[int, list[_Answer]] = {}
        for answer in answers:
            by_source.setdefault(id(answer.source), []).append(answer)
        for sharing in by_source.values():
            read = embedder.token_vectors(sharing[0].source.read)
            source = np.concatenate([one.vectors for one in read])
            judged = [(answer, one) for answer in sharing for one in answer.judged]
            texts = [answer.call.completion[one.sentence.start : one.sentence.end] for answer, one in judged]
            for (answer, one), tokens in zip(judged, embedder.token_vectors(texts), strict=True):
                lacks = unmatched(one.claim.words, tokens, source, start=one.sentence.start, asked=answer.asked)
                one.values = np.append(one.values, lacks)

    def _ask(self, stage: SecondStage, answers: Sequence[_Answer]) -> None:
        """Sentences in the grey zone get the mean of both stages' log odds; sentences without any evidence have nothing to show it."""
        low, high = self._grey
        grey = [
            (answer, one)
            for answer in answers
            for one in answer.judged
            if one.claim.best >= 0 and low <= float(probability(one.log_odds)) <= high
        ]
        if not grey:
            return
        asked = [
            Asked(
                question=answer.call.prompt,
                documents=tuple(answer.call.documents),
                evidence=answer.source.around(one.claim.best),
                answer=answer.call.completion,
                start=one.sentence.start,
                end=one.sentence.end,
            )
            for answer, one in grey
        ]
        for (_, one), judgement in zip(grey, stage.judge(asked), strict=True):
            one.judgement = judgement
            if judgement.support is not None:
                clipped = min(max(judgement.support, 1e-4), 1 - 1e-4)
                one.log_odds = (one.log_odds + float(np.log((1 - clipped) / clipped))) / 2

    def _score(self, answer: _Answer) -> CallScore:
        head = self._head
        value = head.answer([one.log_odds for one in answer.judged])
        left = answer.call.unread.get("document", Unread())
        unread_chars = answer.source.n_unread + left.chars
        is_suspect = value >= head.threshold
        doubt = self._doubt(answer, is_all_read=not unread_chars and not left.texts) if is_suspect else ""
        is_flagged = is_suspect and not doubt
        verdict = "unsupported" if is_flagged else "supported" if value < _SUPPORTED * head.threshold else "unsure"
        weak = [one for one in answer.judged if float(probability(one.log_odds)) >= head.sentence_threshold]
        if is_flagged and not weak:
            weak = [max(answer.judged, key=lambda one: one.log_odds)]
        evidence: dict[str, Any] = {
            "verdict": verdict,
            "threshold": head.threshold,
            "n_claims": len(answer.judged),
            "sentences": [
                _described(answer, one)
                for one in sorted(answer.judged, key=lambda one: -one.log_odds)[:_SHOWN_SENTENCES]
            ],
            "spans": [
                {"start": start, "end": end, "reason": reason}
                for one in (weak if is_flagged else ())
                for reason, (start, end) in _marked(one)
            ],
        }
        again = [one.judgement for one in answer.judged if one.judgement is not None]
        if self._second_stage is not None and again:
            n_unread = sum(judgement.support is None for judgement in again)
            evidence["second_stage"] = {"model": self._second_stage.name, "n_asked": len(again), "n_unread": n_unread}
            if problem := next((one.problem for one in again if one.problem), ""):
                evidence["second_stage"]["problem"] = problem
        if unread_chars:
            evidence["n_unread_document_chars"] = unread_chars
        if left.texts:
            evidence["n_unread_documents"] = left.texts
        if doubt:
            evidence["not_flagged"] = doubt
        if answer.n_unread:
            evidence["n_unread_sentences"] = answer.n_unread
        return CallScore(field="completion", value=value, is_flagged=is_flagged, evidence=evidence)

    def _doubt(self, answer: _Answer, *, is_all_read: bool) -> str:
        """Why a suspicion must not count; '' where it may. A second stage may read languages that words do not."""
        if not is_all_read:
            return "not all of the documents was read; what was not may hold it"
        if self._second_stage is None and (code := foreign_language(answer.call.completion, answer.call.documents)):
            return f"the answer is in another language ({code}) than its documents; words cannot be compared"
        return ""


def _marked(one: _Judged) -> list[tuple[str, tuple[int, int]]]:
    """What to mark of a sentence, with the reason: what the second stage found in it, or where that marked nothing, its words."""
    if one.judgement is not None and one.judgement.spans:
        return [("not supported, says the second stage", span) for span in one.judgement.spans]
    spans = unsupported_spans(one.sentence, one.claim.words, one.claim.is_missing)
    return [("not in the documents", span) for span in spans]


def _described(answer: _Answer, one: _Judged) -> dict[str, Any]:
    described: dict[str, Any] = {
        "start": one.sentence.start,
        "end": one.sentence.end,
        "probability": round(float(probability(one.log_odds)), 4),
    }
    if one.judgement is not None and one.judgement.support is not None:
        described["second_stage_support"] = round(one.judgement.support, 4)
    if one.claim.best >= 0:
        passage = answer.source.passages[one.claim.best]
        described["evidence"] = {
            "document": passage.document,
            "start": passage.start,
            "end": passage.end,
            "text": answer.source.text(one.claim.best)[:_EVIDENCE_CHARS],
            "overlap": round(one.claim.overlap, 4),
        }
    return described
