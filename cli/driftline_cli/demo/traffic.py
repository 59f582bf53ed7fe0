"""A week of calls to the assistant: who asked what when, and what was planted. Pure: a seed and an end time give the same week."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from driftline_cli.demo.assistant import REFERRAL, SYSTEM_PROMPTS, Assistant, Hit, Retriever
from driftline_cli.demo.attack import ATTEMPTS, DECLINED, LEAKING
from driftline_cli.demo.corpus import CITIES, DAYS, OPENINGS, Topic
from driftline_cli.demo.week import N_DAYS, Week

_OFF_TOPIC = (
    "Write a limerick about the decline of the Roman empire.",
    "Which enzymes split lactose in the small intestine?",
    "Translate the first verse of the Iliad into Latin.",
    "My sourdough starter smells of acetone, is it still alive?",
    "Explain the Riemann hypothesis to a child.",
    "What is the melting point of tungsten carbide?",
)
_REFUSALS = (
    "I can only help with questions about Fernpost.",
    "Sorry, that is nothing our help pages know about.",
    "That is outside of what I can answer here. Is there anything about your rides?",
)
_OFF_TOPIC_HOUR = 17  # of the day after the change, UTC
_TOPIC_WEIGHTS = (14, 12, 13, 9, 12, 9, 7, 9, 7, 8)
_ATTACK_LASTS = timedelta(minutes=6)
"""Before the end of the week: a rule about the last 15 minutes still sees it when the analysis has taken some minutes."""

AGES: Final = ("under 60", "60 and over")
"""What riders declared of themselves; half of them are of either group."""
_REFERRED_SHARE: Final = 0.3
_REFERRED_SHARE_ELSEWHERE: Final = 0.02

Plant = Literal["", "injection", "leak", "referral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One service and model. sessions_per_day: mean; turns: fewest and most calls in a session.

    changed_version: prompt version from CHANGE_DAY on; is_drift_planted: whether that version answers differently;
    n_off_topic: stray prompts on the evening after CHANGE_DAY. is_gap_planted: whether riders of 60 and over are sent to the hotline
    instead of answered far more often than others; is_attacked: whether somebody tries to turn the model in the end.
    """

    service: str
    provider: str
    model: str
    sessions_per_day: int
    turns: tuple[int, int]
    changed_version: str = "v1"
    is_drift_planted: bool = False
    n_off_topic: int = 0
    is_gap_planted: bool = False
    is_attacked: bool = False


SLICES: Final = (
    Slice(
        service="support-chat",
        provider="openai",
        model="gpt-4o-mini",
        sessions_per_day=70,
        turns=(2, 5),
        changed_version="v2",
        is_drift_planted=True,
        is_gap_planted=True,
    ),
    Slice(
        service="support-chat",
        provider="anthropic",
        model="claude-haiku-4-5",
        sessions_per_day=48,
        turns=(2, 5),
        n_off_topic=6,
        is_gap_planted=True,
        is_attacked=True,
    ),
    # A prompt that was edited without consequence: the version changes on the same day, the answers do not.
    Slice(
        service="help-search",
        provider="openai",
        model="gpt-4o-mini",
        sessions_per_day=70,
        turns=(1, 3),
        changed_version="v1.1",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question and its answer. Durations in milliseconds; answer is '' when error_type is set.

    first_token_ms: until the answer began, 0 unknown; rider_age: one of AGES, '' not declared; plant: what is wrong with it on purpose.
    """

    source: Slice
    start_time: datetime
    session_id: str
    user_id: str
    prompt_version: str
    system_prompt: str
    question: str
    hits: tuple[Hit, ...]
    answer: str
    retrieval_ms: float
    model_ms: float
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    error_type: str
    is_off_topic: bool
    first_token_ms: float = 0.0
    rider_age: str = ""
    plant: Plant = ""


def plan_calls(week: Week, topics: tuple[Topic, ...], *, seed: int, scale: float = 1.0) -> list[Call]:
    """Every call of the week in order of time. scale: share of the usual number of sessions, above 0."""
    retriever, assistant = Retriever(topics), Assistant(topics)
    calls: list[Call] = []
    for source in SLICES:
        rng = random.Random(f"{seed}/{source.service}/{source.model}")
        asker = _Asker(source=source, week=week, retriever=retriever, assistant=assistant, rng=rng, seed=seed)
        calls.extend(asker.sessions(topics, n_sessions=round(source.sessions_per_day * N_DAYS * scale)))
        calls.extend(asker.strays())
        calls.extend(asker.attack())
    return sorted(calls, key=lambda call: call.start_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """The people behind one slice."""

    source: Slice
    week: Week
    retriever: Retriever
    assistant: Assistant
    rng: random.Random
    seed: int

    def sessions(self, topics: tuple[Topic, ...], *, n_sessions: int) -> Iterator[Call]:
        """Conversations about one topic each; the mix of topics is the same all the week."""
        rng = self.rng
        for number in range(n_sessions):
            topic = rng.choices(topics, weights=_TOPIC_WEIGHTS)[0]
            at = _session_start(self.week, rng)
            user_id = self._user_id()
            session_id = self._session_id(number)
            who = random.Random(f"{self.seed}/{session_id}")  # apart, so that what is declared moves nothing else
            rider_age = who.choice(AGES)
            for _ in range(rng.randint(*self.source.turns)):
                if at >= self.week.end:
                    break
                document = rng.choice(topic.documents)
                question = rng.choice(OPENINGS) + rng.choice(document.questions).format(
                    city=rng.choice(CITIES),
                    day=rng.choice(DAYS),
                    bike=rng.randrange(100, 104),
                    number=rng.randrange(70, 74),
                )
                hits = self.retriever.search(question, topic=topic.name)
                answer = self.assistant.answer(hits, model=self.source.model, prompt_version=self._version(at), rng=rng)
                is_referred = self.source.is_gap_planted and who.random() < _referred_share(rider_age)
                yield self._call(
                    at,
                    session_id=session_id,
                    user_id=user_id,
                    question=question,
                    hits=tuple(hits),
                    answer=REFERRAL if is_referred else answer,
                    rider_age=rider_age,
                    plant="referral" if is_referred else "",
                )
                at += timedelta(seconds=rng.uniform(15, 90))

    def strays(self) -> Iterator[Call]:
        """Single prompts about anything but the product, from several people on one evening."""
        rng = self.rng
        evening = (self.week.change + timedelta(days=1)).replace(hour=_OFF_TOPIC_HOUR, minute=0, second=0)
        for number, question in enumerate(_OFF_TOPIC[: self.source.n_off_topic]):
            yield self._call(
                evening + timedelta(minutes=rng.uniform(0, 120)),
                session_id=self._session_id(f"stray-{number}"),
                user_id=self._user_id(),
                question=question,
                hits=tuple(self.retriever.search(question)),
                answer=_REFUSALS[number % len(_REFUSALS)],
            )

    def attack(self) -> Iterator[Call]:
        """One session of attempts to turn the model; twice it gives its system prompt away."""
        if not self.source.is_attacked:
            return
        between = _ATTACK_LASTS / len(ATTEMPTS)
        user_id = self._user_id()
        for turn, question in enumerate(ATTEMPTS):
            at = self.week.end - _ATTACK_LASTS + between * (turn + self.rng.random() / 2)
            yield self._call(
                at,
                session_id=self._session_id("attack"),
                user_id=user_id,
                question=question,
                hits=tuple(self.retriever.search(question)),
                answer=SYSTEM_PROMPTS[self._version(at)] if turn in LEAKING else DECLINED[turn % len(DECLINED)],
                plant="leak" if turn in LEAKING else "injection",
            )

    def _version(self, at: datetime) -> str:
        return self.source.changed_version if at >= self.week.change else "v1"

    def _user_id(self) -> str:
        return f"rider-{self.rng.randrange(400):03d}"

    def _session_id(self, number: int | str) -> str:
        return f"{self.source.service}-{self.source.model}-{number}"

    def _call(
        self,
        at: datetime,
        *,
        session_id: str,
        user_id: str,
        question: str,
        hits: tuple[Hit, ...],
        answer: str,
        rider_age: str = "",
        plant: Plant = "",
    ) -> Call:
        rng = self.rng
        is_off_topic = answer in _REFUSALS
        is_error = rng.random() < 0.008 and not is_off_topic and not plant
        system_prompt = SYSTEM_PROMPTS[self._version(at)]
        documents = " ".join(hit.document.text for hit in hits)
        output_tokens = 0 if is_error else count_tokens(answer)
        per_token_ms = 14 if self.source.provider == "openai" else 11
        retrieval_ms, first_token_ms = rng.lognormvariate(3.2, 0.3), rng.lognormvariate(5.8, 0.3)
        return Call(
            source=self.source,
            start_time=at,
            session_id=session_id,
            user_id=user_id,
            prompt_version=self._version(at),
            system_prompt=system_prompt,
            question=question,
            hits=hits,
            answer="" if is_error else answer,
            retrieval_ms=retrieval_ms,
            model_ms=first_token_ms + per_token_ms * output_tokens,
            input_tokens=450 + count_tokens(system_prompt) + count_tokens(documents) + count_tokens(question),
            cache_read_tokens=384 if rng.random() < 0.3 else 0,
            output_tokens=output_tokens,
            error_type="rate_limit_exceeded" if is_error else "",
            is_off_topic=is_off_topic,
            first_token_ms=0.0 if is_error else first_token_ms,
            rider_age=rider_age,
            plant=plant,
        )


def _referred_share(rider_age: str) -> float:
    """Of a rider's questions, how many are answered with the number of the hotline alone."""
    return _REFERRED_SHARE if rider_age == AGES[-1] else _REFERRED_SHARE_ELSEWHERE


def _session_start(week: Week, rng: random.Random) -> datetime:
    """A moment of the week by rejection from a daily wave: busiest at 14:00 UTC, a third of that at 02:00."""
    while True:
        at = week.start + (week.end - week.start) * rng.random()
        hour = at.hour + at.minute / 60
        if rng.random() < (2 + math.cos((hour - 14) / 24 * 2 * math.pi)) / 3:
            return at


def count_tokens(text: str) -> int:
    """About how many tokens a text has: four thirds of its words."""
    return max(1, len(text.split()) * 4 // 3)
