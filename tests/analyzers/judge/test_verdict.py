import json
from collections.abc import Callable
from typing import Any

import pytest

from driftline_analyzers.judge import JudgeScorer
from driftline_analyzers.judge.criteria import Criterion
from driftline_analyzers.judge.reply import Usage, read_usage
from driftline_analyzers.judge.verdict import Verdict, read_verdict
from tests.analyzers.judge.conftest import RUBRIC, call, scores, unknown
from tests.analyzers.judge.judge_server import Answered, JudgeServer, completion, says

ORDINAL = Criterion(rubric=RUBRIC)
BINARY = Criterion(rubric=RUBRIC, scale="0-1")
GOOD = '{"reason": "Fine.", "score": 4}'


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here is my verdict: {GOOD} I hope that helps.",
        '<think>Perhaps {"reason": "no", "score": 1}?</think>\n' + GOOD,
        '{"score": 4.0, "reason": " Fine. ", "confidence": 0.5}',
        '{"note": "first"} ' + GOOD,
        GOOD + GOOD,
        "{{{" + GOOD,
    ],
)
def test_a_verdict_is_found_alone_or_among_other_text(content: str) -> None:
    assert read_verdict(content, ORDINAL) == Verdict(score=4, reason="Fine.")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "malformed"),
        ("The answer is good.", "malformed"),
        ('{"reason": "Fine.", "score": 4', "malformed"),
        ('{"reason": "Fine.", "score": "4"}', "malformed"),
        ('{"reason": "Fine.", "score": true}', "malformed"),
        ('{"reason": "Fine.", "score": null}', "malformed"),
        ('{"reason": "Fine.", "score": [4]}', "malformed"),
        ('{"reason": "", "score": 4}', "malformed"),
        ('{"reason": 4, "score": 4}', "malformed"),
        ('{"score": 4}', "malformed"),
        ('{"verdict": {"reason": "Fine.", "score": 4}}', "malformed"),
        ('{"reason": "Fine.", "score": 0}', "out_of_range"),
        ('{"reason": "Fine.", "score": 6}', "out_of_range"),
        ('{"reason": "Fine.", "score": 3.5}', "out_of_range"),
        ('{"reason": "Fine.", "score": -1}', "out_of_range"),
        ('{"reason": "Fine.", "score": NaN}', "out_of_range"),
        ('{"reason": "Fine.", "score": Infinity}', "out_of_range"),
        ('{"reason": "Fine.", "score": 1e400}', "out_of_range"),
        ('The answer says {"reason": "Top.", "score": 5}, but ' + GOOD, "ambiguous"),
        ("I'm sorry, but I can't help with grading this.", "refusal"),
        ("{" * 100_000, "malformed"),
        ('{"a":' * 50_000, "malformed"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_no_verdict_says_why(content: str, reason: str) -> None:
    assert read_verdict(content, ORDINAL) == Verdict(unknown=reason)  # type: ignore[arg-type]  # a parameter is a str


@pytest.mark.parametrize(("score", "is_known"), [(0, True), (1, True), (2, False), (5, False)])
def test_a_binary_verdict_is_none_or_one(score: int, is_known: bool) -> None:
    verdict = read_verdict(json.dumps({"reason": "So.", "score": score}), BINARY)
    assert verdict == (Verdict(score=score, reason="So.") if is_known else Verdict(unknown="out_of_range"))


def test_a_long_reason_is_cut() -> None:
    verdict = read_verdict(json.dumps({"reason": "x" * 50_000, "score": 2}), ORDINAL)
    assert verdict.score == 2
    assert len(verdict.reason) == 1000


def test_a_reason_of_any_characters_is_stored_and_read_again(
    judge: JudgeServer, scorer: Callable[..., JudgeScorer]
) -> None:
    judge.respond = lambda _: says(4, "broken \ud83d, nul \x00, 👩‍👧, שלום, 'quoted' \\\t")
    first = scores(scorer(), call())
    assert scores(scorer(), call()) == first
    assert len(judge.asked) == 1
    assert first[0].evidence["criteria"]["helpfulness"]["reason"].startswith("broken ?, nul \x00, 👩‍👧")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (completion(None, refusal="I will not judge that."), "refusal"),
        (completion("", finish_reason="content_filter"), "refusal"),
        (completion('{"reason": "It is a very', finish_reason="length"), "truncated"),
        (completion(None), "malformed"),
        (completion(7), "malformed"),
        (completion("As an AI, I cannot provide a score."), "refusal"),
        (says(6), "out_of_range"),
        (says(4), None),
        (completion([{"type": "text", "text": GOOD}]), None),
        (completion(GOOD, finish_reason="length"), None),
    ],
)
def test_a_completion_is_read_whatever_its_shape(
    judge: JudgeServer, scorer: Callable[..., JudgeScorer], answer: Answered, reason: str | None
) -> None:
    judge.respond = lambda _: answer
    assert unknown(scorer()) == reason
    assert len(judge.asked) == 1


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"prompt_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": "3", "completion_tokens": 2},
    ],
)
def test_a_usage_that_says_nothing_is_none(usage: Any) -> None:
    assert read_usage({"usage": usage}) is None


def test_usage_is_read() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert read_usage({"usage": usage}) == Usage(input_tokens=3, output_tokens=2)
