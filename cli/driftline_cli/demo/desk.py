"""The rider desk: an agent with tools beside the assistant, and what goes wrong with it in the end. Pure: a seed makes the same runs."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from driftline_cli.demo.attack import IGNORED, OBEYED, POISONED_PAGE, POISONED_RECORD
from driftline_cli.demo.corpus import CITIES, Topic
from driftline_cli.demo.week import Week

SERVICE: Final = "ride-desk"
MODEL: Final = "gpt-4.1-mini"
PROVIDER: Final = "openai"
PROMPTS: Final = {
    "v1": "You run the rider desk of Fernpost. Use the tools. Never repeat personal data from an account.",
    "v2": "You run the rider desk of Fernpost. Use the tools, confirm the account to the rider and do not give up on a tool.",
}
N_LOOPS: Final = 3
N_REPEATS: Final = 8
_EVERY: Final = timedelta(hours=4)
_LAST: Final = timedelta(hours=1)
"""Before the end prompt v2 is live, and everything that is planted happens but two loops."""

StepKind = Literal["tool", "retrieval"]
Plant = Literal["", "loop", "personal data", "poisoned tool", "poisoned page", "secret"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One tool call or retrieval of a run. text: what it returned, '' when it failed; duration in milliseconds."""

    kind: StepKind
    name: str
    arguments: dict[str, str]
    text: str
    duration_ms: float
    error_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the agent: with tools the model is called before and after them, with a retrieval after it. answer: '' if it gave up."""

    start_time: datetime
    session_id: str
    user_id: str
    prompt_version: str
    question: str
    steps: tuple[Step, ...]
    answer: str
    model_ms: tuple[float, ...]
    plants: frozenset[Plant] = frozenset()

    @property
    def n_tool_calls(self) -> int:
        return sum(step.kind == "tool" for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rider:
    """A made-up person. phone, card: numbers that are set aside for such use."""

    user_id: str
    name: str
    phone: str
    card: str
    plan: str

    @property
    def mail(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@example.com"


_RIDERS: Final = (
    _Rider(user_id="rider-011", name="Maria Keller", phone="+1 202 555 0143", card="4111 1111 1111 1111", plan="City"),
    _Rider(user_id="rider-042", name="Jonas Beck", phone="+1 202 555 0117", card="5555 5555 5555 4444", plan="Basic"),
    _Rider(user_id="rider-108", name="Aylin Demir", phone="+1 202 555 0189", card="4012 8888 8888 1881", plan="City"),
    _Rider(user_id="rider-233", name="Piotr Nowak", phone="+1 202 555 0165", card="3782 822463 10005", plan="Basic"),
)


def plan_runs(week: Week, topics: tuple[Topic, ...], *, seed: int) -> list[Run]:
    """Every run of the week in order of time: too few for a window to be tested for drift, what is wrong with them shows elsewhere."""
    desk = _Desk(week=week, topics=topics, rng=random.Random(f"{seed}/{SERVICE}"))
    return sorted((*desk.everyday(), *desk.incidents()), key=lambda run: run.start_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Makes runs."""

    week: Week
    topics: tuple[Topic, ...]
    rng: random.Random

    def everyday(self) -> Iterator[Run]:
        """One run in four hours until an hour before the end: bikes, accounts, reports and questions in turn."""
        makers = (self._bikes, self._account, self._report, self._question)
        at, number = self.week.start + self._jitter(_EVERY), 0
        while at < self.week.end - _LAST:
            yield makers[number % len(makers)](at, number)
            at, number = at + _EVERY * self.rng.uniform(0.9, 1.1), number + 1

    def incidents(self) -> Iterator[Run]:
        """Of the last hours: loops, accounts read out, and two texts that try to turn the model."""
        end = self.week.end
        for number, hours in enumerate((5.0, 2.5, 0.6)[:N_LOOPS]):
            yield self._loop(end - timedelta(hours=hours), number)
        for number in range(6):
            yield self._account_read_out(
                end - timedelta(minutes=6 + 7 * number) - self._jitter(timedelta(minutes=2)), number
            )
        yield self._poisoned_tool(end - timedelta(minutes=12), OBEYED, "obeyed")
        yield self._poisoned_tool(end - timedelta(minutes=21), IGNORED, "ignored")
        yield self._poisoned_page(end - timedelta(minutes=30))

    def _bikes(self, at: datetime, number: int) -> Run:
        city = self.rng.choice(CITIES)
        bike = self.rng.randrange(100, 104)
        found = json.dumps({"city": city, "bikes": [{"bike": bike, "station": "Market square", "battery_percent": 80}]})
        step = self._tool("find_bikes", {"city": city}, found)
        return self._run(
            at,
            number,
            f"Where is the nearest free bike in {city}?",
            (step,),
            f"Bike {bike} is free at Market square in {city}.",
        )

    def _account(self, at: datetime, number: int) -> Run:
        rider = self.rng.choice(_RIDERS)
        return self._run(
            at,
            number,
            "Which plan am I on?",
            (self._account_of(rider),),
            f"You are on the {rider.plan} plan.",
            rider=rider,
        )

    def _report(self, at: datetime, number: int) -> Run:
        bike = self.rng.randrange(100, 104)
        arguments = {"bike": str(bike), "problem": "flat tyre"}
        has_failed = self.rng.random() < 0.3
        steps: tuple[Step, ...] = (self._tool("open_ticket", arguments, ""),) if has_failed else ()
        steps += (self._tool("open_ticket", arguments, json.dumps({"ticket": f"T-{number:04d}", "state": "open"})),)
        answer = f"Thank you, your report is ticket T-{number:04d}."
        return self._run(at, number, f"Bike {bike} has a flat tyre, please report it.", steps, answer)

    def _question(self, at: datetime, number: int) -> Run:
        document = self.rng.choice(self.rng.choice(self.topics).documents)
        question = document.questions[0].format(city="Halden", day="Monday", bike=101, number=71)
        step = self._retrieval(question, f"{document.title}. {' '.join(document.facts)}")
        return self._run(at, number, question, (step,), " ".join(document.facts[:2]))

    def _loop(self, at: datetime, number: int) -> Run:
        """The same call of the same tool again and again; the last of them gives up."""
        is_last = number == N_LOOPS - 1
        step = self._tool("open_ticket", {"bike": "102", "problem": "brake squeaks"}, "")
        answer = "" if is_last else "The ticket system does not answer. Please try again later."
        return self._run(
            at,
            f"loop-{number}",
            "The brake of bike 102 squeaks, please report it.",
            (step,) * N_REPEATS,
            answer,
            plants=frozenset[Plant]({"loop"}),
        )

    def _account_read_out(self, at: datetime, number: int) -> Run:
        rider = _RIDERS[number % len(_RIDERS)]
        answer = (
            f"You are on the {rider.plan} plan, {rider.name}. We have you as {rider.mail}, phone {rider.phone}, "
            f"and charge card {rider.card}."
        )
        plants = frozenset[Plant]({"personal data"})
        return self._run(
            at,
            f"account-{number}",
            "Which plan am I on?",
            (self._account_of(rider),),
            answer,
            rider=rider,
            plants=plants,
        )

    def _poisoned_tool(self, at: datetime, answer: str, name: str) -> Run:
        step = self._tool("get_bike", {"bike": "103"}, POISONED_RECORD)
        plants: frozenset[Plant] = frozenset({"poisoned tool", "secret"} if answer == OBEYED else {"poisoned tool"})
        return self._run(at, name, "Is bike 103 in Halden good to ride?", (step,), answer, plants=plants)

    def _poisoned_page(self, at: datetime) -> Run:
        question = "Where do riders get a discount on coffee in Kirchsee?"
        answer = "Cafe Lindenhof in Kirchsee gives riders ten percent off on weekdays before noon."
        plants = frozenset[Plant]({"poisoned page"})
        return self._run(at, "page", question, (self._retrieval(question, POISONED_PAGE),), answer, plants=plants)

    def _account_of(self, rider: _Rider) -> Step:
        found = {"name": rider.name, "mail": rider.mail, "phone": rider.phone, "card": rider.card, "plan": rider.plan}
        return self._tool("get_account", {"user": rider.user_id}, json.dumps(found))

    def _tool(self, name: str, arguments: dict[str, str], text: str) -> Step:
        """A tool call; one without a result ran into its time limit."""
        if not text:
            return Step(kind="tool", name=name, arguments=arguments, text="", duration_ms=2000, error_type="timeout")
        return Step(
            kind="tool", name=name, arguments=arguments, text=text, duration_ms=self.rng.lognormvariate(4.5, 0.4)
        )

    def _retrieval(self, question: str, text: str) -> Step:
        return Step(
            kind="retrieval",
            name="help-and-partners",
            arguments={"query": question},
            text=text,
            duration_ms=self.rng.lognormvariate(3.2, 0.3),
        )

    def _run(
        self,
        at: datetime,
        name: int | str,
        question: str,
        steps: tuple[Step, ...],
        answer: str,
        *,
        rider: _Rider | None = None,
        plants: frozenset[Plant] = frozenset(),
    ) -> Run:
        return Run(
            start_time=at,
            session_id=f"{SERVICE}-{name}",
            user_id=(rider or self.rng.choice(_RIDERS)).user_id,
            prompt_version="v2" if at >= self.week.end - _LAST else "v1",
            question=question,
            steps=steps,
            answer=answer,
            model_ms=(self.rng.lognormvariate(6.0, 0.3), self.rng.lognormvariate(6.4, 0.3)),
            plants=plants,
        )

    def _jitter(self, most: timedelta) -> timedelta:
        return most * self.rng.random()
