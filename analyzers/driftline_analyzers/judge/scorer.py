"""Asks an LLM what it thinks of answers, within a budget. The one scorer of single calls that sends texts away."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import xxhash

from driftline_analyzers.judge.budget import Budget, Cost
from driftline_analyzers.judge.cache import VerdictCache
from driftline_analyzers.judge.endpoint import Answer, Endpoint
from driftline_analyzers.judge.question import PROMPT_VERSION, Question, judge_version, question
from driftline_analyzers.judge.settings import JudgeSettings
from driftline_analyzers.judge.verdict import UNUSABLE, Unanswered, Verdict
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed
from driftline_core.clock import Clock, utc_now
from driftline_core.errors import ConfigError, StoreError
from driftline_core.log import get_logger
from driftline_core.store import Store

_REQUESTS_PER_PLACE: Final = 8
"""Requests that are reserved, sent and stored together, for each one that may be in flight."""
_SAMPLING_SEED: Final = 0x6A756467
_LOG = get_logger("judge")


class JudgeScorer:
    """One score a sampled call, of field completion: the mean place of its criteria's scores on their scales, 0 to 1.

    evidence["criteria"] has each criterion's score, scale and reason, or its unknown. Flagged when a criterion is at or below its flag_at.
    The value is None, and evidence["unknown"] says why, as soon as one of them is unknown, unless another one flags: then it is the mean
    of those that are known. A failure raises nothing, of whatever kind. Calls from several threads wait for each other; not from inside an
    event loop. Raises ConfigError when the judge is off.
    """

    name: ClassVar[str] = "judge"

    def __init__(self, settings: JudgeSettings, store: Store, *, clock: Clock = utc_now) -> None:
        if not settings.is_enabled:
            raise ConfigError("expected DRIFTLINE_JUDGE_URL, got none: the judge is off")
        self.version = judge_version(settings)
        self.budget = Budget(store, settings, clock=clock)
        self._settings = settings
        self._endpoint = Endpoint(settings)
        self._cache = VerdictCache(store, model=settings.model)
        self._lock = threading.Lock()

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """One list a call, in order: one score, or none where the call is not sampled or no criterion applies. embed is not used."""
        asked = [self._questions(call) if is_sampled(call.trace_id, self._settings.share) else [] for call in calls]
        distinct = {one.key: one for questions in asked for one in questions}
        with self._lock:
            verdicts = self._verdicts(distinct)
        return [[self._score(questions, verdicts)] if questions else [] for questions in asked]

    def _questions(self, call: Call) -> list[Question]:
        return [
            question(self._settings, name=name, criterion=criterion, call=call)
            for name, criterion in self._settings.asked.items()
            if criterion.applies_to(call)
        ]

    def _verdicts(self, questions: Mapping[str, Question]) -> dict[str, Verdict]:
        if not questions:
            return {}
        try:
            verdicts = self._cache.look_up(list(questions))
        except StoreError:
            _LOG.warning("verdicts not read, nothing is asked", n_questions=len(questions))
            return _all(questions, "store")
        missing = [one for key, one in questions.items() if key not in verdicts]
        n_cached = len(verdicts)
        if missing:
            verdicts.update(asyncio.run(self._ask_all(missing)))
        unknown = Counter(verdict.unknown for verdict in verdicts.values() if verdict.unknown is not None)
        _LOG.info("judged", n_questions=len(questions), n_cached=n_cached, unknown=dict(unknown))
        return verdicts

    async def _ask_all(self, questions: Sequence[Question]) -> dict[str, Verdict]:
        """Block by block: reserve, ask, keep, settle. The store is asked between blocks alone, while nothing is in flight."""
        verdicts: dict[str, Verdict] = {}
        until = time.monotonic() + self._settings.batch_timeout_s
        start = 0
        async with self._endpoint.client() as client:
            while start < len(questions):
                state = self._endpoint.breaker.state(time.monotonic())
                if state == "open":
                    return verdicts | _all((one.key for one in questions[start:]), "resting")
                size = 1 if state == "half_open" else self._settings.max_concurrency * _REQUESTS_PER_PLACE
                block = questions[start : start + size]
                most = [
                    self.budget.cost(input_tokens=one.most_input_tokens, output_tokens=self._settings.max_tokens)
                    for one in block
                ]
                try:
                    reservation = self.budget.reserve(most)
                except StoreError:
                    _LOG.warning("budget not read, nothing more is asked", n_questions=len(questions) - start)
                    return verdicts | _all((one.key for one in questions[start:]), "store")
                if reservation is None:
                    return verdicts | _all((one.key for one in questions[start:]), "budget")
                places = asyncio.Semaphore(self._settings.max_concurrency)

                async def ask(one: Question, places: asyncio.Semaphore = places) -> Answer:
                    async with places:
                        return await self._endpoint.ask(client, one, until=until)

                answers = await asyncio.gather(*(ask(one) for one in block[: reservation.n]))
                given = [(one, answer.verdict) for one, answer in zip(block, answers, strict=False)]
                try:
                    self._cache.keep((one, said) for one, said in given if _is_final(said))
                    self.budget.settle(reservation, sum(map(self._cost, answers, most), Cost()))
                except StoreError:
                    _LOG.warning("verdicts or their cost not stored", n_questions=len(given))
                verdicts.update((one.key, said) for one, said in given)
                start += reservation.n
        return verdicts

    def _cost(self, answer: Answer, most: Cost) -> Cost:
        if not answer.may_be_billed:
            return Cost()
        if answer.usage is None:
            return most
        return self.budget.cost(input_tokens=answer.usage.input_tokens, output_tokens=answer.usage.output_tokens)

    def _score(self, questions: Sequence[Question], verdicts: Mapping[str, Verdict]) -> CallScore:
        said = [(one, verdicts[one.key]) for one in questions]
        known = [(one.criterion, verdict.score) for one, verdict in said if verdict.score is not None]
        unknown = [verdict.unknown for _, verdict in said if verdict.score is None]
        evidence: dict[str, Any] = {
            "criteria": {one.name: _shown(one, verdict) for one, verdict in said},
            "judge": {"model": self._settings.model, "prompt_version": PROMPT_VERSION},
        }
        if cut := sorted({name for one in questions for name in one.cut}):
            evidence["cut"] = cut
        is_flagged = any(one.is_flagged(score) for one, score in known)
        if unknown and not is_flagged:
            return CallScore(
                field="completion", value=None, is_flagged=False, evidence={**evidence, "unknown": unknown[0]}
            )
        value = sum(one.share(score) for one, score in known) / len(known)
        return CallScore(field="completion", value=value, is_flagged=is_flagged, evidence=evidence)


def is_sampled(trace_id: str, share: float) -> bool:
    """Whether a trace is among that share: the same for every worker and run, and the larger share holds the smaller one."""
    return xxhash.xxh3_64_intdigest(trace_id.encode(errors="replace"), seed=_SAMPLING_SEED) < share * 2.0**64


def _is_final(verdict: Verdict) -> bool:
    return verdict.score is not None or verdict.unknown in UNUSABLE


def _all(keys: Iterable[str], reason: Unanswered) -> dict[str, Verdict]:
    return {key: Verdict(unknown=reason) for key in keys}


def _shown(asked: Question, verdict: Verdict) -> dict[str, Any]:
    if verdict.score is None:
        return {"unknown": verdict.unknown}
    return {"score": verdict.score, "scale": asked.criterion.scale, "reason": verdict.reason}
