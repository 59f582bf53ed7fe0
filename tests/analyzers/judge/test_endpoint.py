import email.utils
import logging
import time
from collections.abc import Callable

import pytest
import structlog

from driftline_analyzers.judge import JudgeScorer
from tests.analyzers.judge.conftest import KEY, call, scores, unknown
from tests.analyzers.judge.judge_server import Answered, Asked, JudgeServer, completion, in_turn, refuses, says
from tests.ports import free_port

Make = Callable[..., JudgeScorer]


def test_when_one_is_told_to_wait_all_wait(judge: JudgeServer, scorer: Make) -> None:
    times: list[float] = []
    answers = in_turn(
        refuses(429, headers={"Retry-After": "1"}, message="slow down"),
        Answered(body=says(5).body, delay_s=0.2),
        says(5),
    )

    def respond(asked: Asked) -> Answered:
        times.append(time.monotonic())
        return answers(asked)

    judge.respond = respond
    found = scores(scorer(max_concurrency=2), *(call(n) for n in range(4)))
    assert [one.value for one in found] == [1.0] * 4
    assert len(times) == 5
    assert times[2] - times[0] >= 1.0, "the second was on its way, the third waits as the first does"


def test_a_judge_that_asks_for_a_long_rest_gets_it(judge: JudgeServer, scorer: Make) -> None:
    later = email.utils.format_datetime(email.utils.localtime().replace(year=2099))
    judge.respond = lambda _: refuses(429, headers={"Retry-After": later})
    strict = scorer(max_concurrency=1, max_retries=5)
    found = scores(strict, *(call(n) for n in range(3)))
    assert [one.evidence["unknown"] for one in found] == ["rate_limited", "resting", "resting"]
    assert len(judge.asked) == 1
    assert unknown(strict) == "resting"
    assert len(judge.asked) == 1


@pytest.mark.parametrize(("status", "reason"), [(429, "rate_limited"), (500, "server_error"), (503, "server_error")])
def test_a_judge_that_keeps_refusing_is_given_up_after_the_tries(
    judge: JudgeServer, scorer: Make, status: int, reason: str
) -> None:
    judge.respond = lambda _: refuses(status, message="not now")
    assert unknown(scorer(max_retries=2)) == reason
    assert len(judge.asked) == 3


def test_a_server_error_is_tried_again(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = in_turn(refuses(500), Answered(status=502, body=b"<html>bad gateway</html>"), says(2))
    assert unknown(scorer()) is None
    assert len(judge.asked) == 3


def test_a_judge_that_does_not_answer_in_time_is_not_asked_again(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(body=says(5).body, delay_s=30.0)
    started = time.monotonic()
    assert unknown(scorer(timeout_s=1.0)) == "timeout"
    assert time.monotonic() - started < 15
    assert len(judge.asked) == 1


def test_waiting_for_a_place_is_not_waiting_for_the_judge(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(body=says(5).body, delay_s=0.3)
    found = scores(scorer(timeout_s=1.2, max_concurrency=1, max_retries=0), *(call(n) for n in range(6)))
    assert [one.value for one in found] == [1.0] * 6


def test_a_judge_that_sends_byte_by_byte_runs_into_the_same_limit(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(body=says(5).body, byte_s=0.1)
    started = time.monotonic()
    assert unknown(scorer(timeout_s=0.5)) == "timeout"
    assert time.monotonic() - started < 15


def test_an_answer_that_breaks_off_is_unknown(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(body=says(5).body, cut_after=40)
    assert unknown(scorer()) == "unreachable"
    assert len(judge.asked) == 1


def test_no_judge_is_unreachable(scorer: Make) -> None:
    assert unknown(scorer(url=f"http://127.0.0.1:{free_port()}/v1", max_retries=1)) == "unreachable"


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[1]", b'{"choices": []}', b'{"choices": [{"message": "x"}]}', b"[" * 100_000]
)
def test_what_is_no_chat_completion_is_a_bad_response(judge: JudgeServer, scorer: Make, body: bytes) -> None:
    judge.respond = lambda _: Answered(body=body)
    assert unknown(scorer()) == "bad_response"


def test_an_endless_answer_is_not_read_to_its_end(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(body=b" " * (8 << 20) + says(5).body)
    assert unknown(scorer()) == "bad_response"


@pytest.mark.parametrize(("status", "reason"), [(401, "unauthorized"), (403, "unauthorized"), (404, "rejected")])
def test_a_judge_that_gives_no_access_is_not_asked_by_every_call(
    judge: JudgeServer, scorer: Make, status: int, reason: str
) -> None:
    judge.respond = lambda _: refuses(status, message="no")
    found = scores(scorer(max_concurrency=1), *(call(n) for n in range(5)))
    assert [one.evidence["unknown"] for one in found] == [reason, *["resting"] * 4]
    assert len(judge.asked) == 1


def test_a_redirect_is_not_followed(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(status=307, headers={"Location": "/v1/elsewhere"})
    assert unknown(scorer()) == "rejected"
    assert len(judge.asked) == 1


def test_the_breaker_opens_after_failures_and_one_request_closes_it_again(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: refuses(503)
    tired = scorer(max_concurrency=1, max_retries=0, breaker_failures=3, breaker_rest_s=1.0)
    found = scores(tired, *(call(n) for n in range(8)))
    assert [one.evidence["unknown"] for one in found] == ["server_error"] * 3 + ["resting"] * 5
    assert len(judge.asked) == 3
    judge.respond = lambda _: says(4)
    time.sleep(1.05)
    assert [one.value for one in scores(tired, *(call(n) for n in range(8)))] == [0.75] * 8


def test_a_failed_try_after_a_rest_is_one_request(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: refuses(503)
    tired = scorer(max_retries=0, breaker_failures=1, breaker_rest_s=1.0, max_concurrency=2)
    scores(tired, *(call(n) for n in range(2)))
    before = len(judge.asked)
    time.sleep(1.05)
    found = scores(tired, *(call(n) for n in range(6)))
    assert len(judge.asked) == before + 1
    assert found[-1].evidence["unknown"] == "resting"


def test_a_batch_has_an_end(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: Answered(body=says(5).body, delay_s=0.4)
    found = scores(scorer(max_concurrency=1, batch_timeout_s=1.0), *(call(n) for n in range(10)))
    reasons = [one.evidence.get("unknown") for one in found]
    assert reasons[0] is None
    assert reasons[-1] == "out_of_time"
    assert len(judge.asked) < 5


def test_a_server_without_json_schema_is_asked_for_json_and_then_in_words(judge: JudgeServer, scorer: Make) -> None:
    def respond(asked: Asked) -> Answered:
        if "response_format" in asked.body:
            return refuses(400, message="response_format is not supported", param="response_format")
        return completion('Here is my verdict:\n```json\n{"reason": "Fine.", "score": 5}\n```')

    judge.respond = respond
    plain = scorer(max_concurrency=1)
    assert [one.value for one in scores(plain, call(1), call(2))] == [1.0, 1.0]
    kinds = [asked.body.get("response_format", {}).get("type", "plain") for asked in judge.asked]
    assert kinds == ["json_schema", "json_object", "plain", "plain"]


def test_a_model_with_other_parameters_is_asked_by_them(judge: JudgeServer, scorer: Make) -> None:
    def respond(asked: Asked) -> Answered:
        if "max_tokens" in asked.body:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return refuses(400, message=message, param="max_tokens", code="unsupported_parameter")
        if "temperature" in asked.body:
            return refuses(
                400, message="Only the default (1) is supported.", param="temperature", code="unsupported_value"
            )
        return says(5)

    judge.respond = respond
    assert unknown(scorer()) is None
    assert judge.asked[-1].body["max_completion_tokens"] == 512
    assert "temperature" not in judge.asked[-1].body
    assert judge.asked[-1].body["response_format"]["type"] == "json_schema"


def test_a_request_that_no_dialect_saves_is_rejected_and_changes_nothing_for_the_next(
    judge: JudgeServer, scorer: Make
) -> None:
    judge.respond = lambda _: refuses(400, message="This model's maximum context length is 8192 tokens.")
    asking = scorer()
    assert unknown(asking, call(1)) == "rejected"
    judge.respond = lambda _: says(5)
    assert unknown(asking, call(2)) is None
    assert judge.asked[-1].body["response_format"]["type"] == "json_schema"


def test_a_content_filter_is_a_refusal(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: refuses(400, code="content_filter", message="filtered")
    assert unknown(scorer()) == "refusal"
    assert len(judge.asked) == 1


def test_the_key_is_nowhere_but_in_the_header(
    judge: JudgeServer, scorer: Make, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def respond(asked: Asked) -> Answered:
        return refuses(401, message=f"Incorrect API key provided: {asked.headers['authorization']}")

    judge.respond = respond
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        asking = scorer()
        found = scores(asking, call(1), call(2))
    out = capfd.readouterr()
    told = [repr(found), repr(logs), caplog.text, out.out, out.err, repr(vars(asking)), repr(asking._settings)]
    assert any("left alone" in str(line) for line in logs)
    assert judge.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert [text for text in told if KEY in text] == []
    for asked in judge.asked:
        assert KEY not in repr(asked.body)


def test_logs_hold_no_text(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: says(1, "The judge's own words.")
    with structlog.testing.capture_logs() as logs:
        scores(scorer(), call(prompt="A secret question.", completion="A secret answer."))
    assert [line["event"] for line in logs] == ["judged"]
    assert "secret" not in repr(logs)
    assert "own words" not in repr(logs)


def test_no_key_is_no_header(judge: JudgeServer, scorer: Make) -> None:
    scores(scorer(api_key=None), call())
    assert "authorization" not in judge.asked[0].headers
