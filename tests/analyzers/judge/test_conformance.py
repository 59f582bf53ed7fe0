"""The judge keeps the contract of the scorers of single calls."""

import pytest

from driftline_analyzers.judge import JudgeScorer
from tests.analyzers.judge.conftest import no_embedding
from tests.analyzers.judge.judge_server import JudgeServer, says
from tests.analyzers.judge.test_scorer import Make
from tests.analyzers.scoring.test_conformance import CALLS, HUGE, check, said, with_text


@pytest.fixture
def asked(judge: JudgeServer, scorer: Make) -> JudgeScorer:
    """All shipped criteria; one of them cannot be used."""
    judge.respond = lambda question: says(9) if "relevance" in question.system else says(2)
    return scorer(criteria={})


@pytest.mark.parametrize("kind", [*CALLS, "huge"])
def test_scores_keep_the_contract(asked: JudgeScorer, kind: str) -> None:
    call = CALLS.get(kind) or with_text(HUGE)
    (scores,) = asked.score([call], embed=no_embedding)
    check(call, scores)


def test_a_batch_says_what_each_call_alone_does(asked: JudgeScorer) -> None:
    calls = list(CALLS.values())
    together = [said(scores) for scores in asked.score(calls, embed=no_embedding)]
    assert together == [said(asked.score([call], embed=no_embedding)[0]) for call in calls]
    assert asked.score([CALLS["nothing"], CALLS["blank"]], embed=no_embedding) == [[], []]
    assert asked.version
