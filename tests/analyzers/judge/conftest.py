"""A judge on loopback, calls to judge, and a scorer that asks the one about the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_analyzers.judge import JudgeScorer, JudgeSettings
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore
from driftline_core.store import Store, load_migrations, migrate
from tests.analyzers.judge.judge_server import JudgeServer

RUBRIC = "Does the answer do what the user asked for?"
KEY = "sk-do-not-tell-4711"


def no_embedding(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("expected no text to be embedded")


def call(number: int = 0, *, prompt: str = "What is two and two?", completion: str | None = None, **texts: Any) -> Call:
    return Call(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_ns=number,
        service="shop",
        model="m",
        prompt_version="1",
        session_id="",
        system_prompt=texts.pop("system_prompt", ""),
        prompt=prompt,
        completion=f"Four, says {number}." if completion is None else completion,
        **texts,
    )


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A store with the judge's tables alone: every test makes one."""
    migrate(empty_store, [one for one in load_migrations() if one.name == "judge"])
    return empty_store


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    server = JudgeServer()
    yield server
    server.close()


@pytest.fixture
def settings(judge: JudgeServer) -> Callable[..., JudgeSettings]:
    """Settings of a judge that is asked one thing about every call, with short waits."""

    def make(**changes: Any) -> JudgeSettings:
        values: dict[str, Any] = {
            "url": judge.url,
            "model": "judge-1",
            "api_key": KEY,
            "criteria": {"helpfulness": RUBRIC},
            "share": 1.0,
            "timeout_s": 20.0,
            "retry_wait_s": 0.01,
            "max_wait_s": 2.0,
        }
        return JudgeSettings(**{**values, **changes})

    return make


@pytest.fixture
def scorer(settings: Callable[..., JudgeSettings], store: Store) -> Callable[..., JudgeScorer]:
    def make(**changes: Any) -> JudgeScorer:
        return JudgeScorer(settings(**changes), store)

    return make


def scores(scorer: JudgeScorer, *calls: Call) -> list[CallScore]:
    """The one score of each call."""
    found = scorer.score(calls, embed=no_embedding)
    assert [len(one) for one in found] == [1] * len(calls)
    return [one[0] for one in found]


def unknown(scorer: JudgeScorer, *calls: Call) -> str | None:
    """Why the first call's score is unknown; None when it is known."""
    score = scores(scorer, *(calls or (call(),)))[0]
    reason = score.evidence.get("unknown")
    assert (reason is None) == (score.value is not None)
    return reason
