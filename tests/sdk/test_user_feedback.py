"""feedback(): what a user says reaches the store, before or after its call, and never gets in the app's way."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import driftline
from driftline.user_feedback import QUEUE_RECORDS, FeedbackSender, use_sender
from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings
from driftline_core.store import Store

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_READ = (
    "SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, value, label, comment, service "
    "FROM judgements(project = 'shop', traces = [], from_ms = 0, to_ms = 4102444800000) ORDER BY time, trace"
)


@pytest.fixture
def endpoint(store: Store, tmp_path: Path) -> Iterator[str]:
    settings = CollectorSettings(http_port=0, grpc_port=0, spool_path=tmp_path / "spool", linger_s=0.02)
    collector = Collector(settings, store)
    collector.start()
    yield f"http://127.0.0.1:{collector.http_port}"
    collector.stop(deadline_s=10.0)


@pytest.fixture
def instrumented() -> Iterator[Callable[..., driftline.Instrumentation]]:
    """Instruments this process and undoes it."""
    made: list[driftline.Instrumentation] = []

    def instrument(endpoint: str, **more: Any) -> driftline.Instrumentation:
        provider = TracerProvider(resource=Resource.create({"service.name": "bot"}), shutdown_on_exit=False)
        made.append(
            driftline.instrument(
                endpoint=endpoint, project="shop", instrumentations=[], tracer_provider=provider, **more
            )
        )
        return made[-1]

    yield instrument
    for one in made:
        one.shutdown()


def wait_for(store: Store, *, n_rows: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 30
    while len(found := store.rows(_READ)) < n_rows and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_feedback_stands_in_the_store_with_its_call(
    store: Store, endpoint: str, instrumented: Callable[..., driftline.Instrumentation]
) -> None:
    running = instrumented(endpoint)
    assert driftline.feedback(trace_id=TRACE, span_id=SPAN, score=-1, comment="Wrong address. 😕")
    with driftline.start_generation(model="m") as generation:
        assert driftline.feedback(rating=1.0)
    assert driftline.feedback(trace_id=generation.trace_id, comment="Thanks")
    assert driftline.feedback(trace_id=int(TRACE, 16), span_id=int(SPAN, 16), score=0)
    assert running.flush(timeout_s=20)
    rows = wait_for(store, n_rows=3)
    deadline = time.monotonic() + 30
    while rows[-1]["label"] != "neutral" and time.monotonic() < deadline:
        time.sleep(0.05)
        rows = store.rows(_READ)
    said = {(row["trace"], row["span"]): (row["value"], row["label"], row["comment"], row["service"]) for row in rows}
    assert said == {
        (TRACE, SPAN): (0.0, "neutral", "", "bot"),
        (generation.trace_id, generation.span_id): (1.0, "positive", "", "bot"),
        (generation.trace_id, "0" * 16): (None, "", "Thanks", "bot"),
    }


def test_the_answers_to_several_questions_stand_beside_each_other(
    store: Store, endpoint: str, instrumented: Callable[..., driftline.Instrumentation]
) -> None:
    running = instrumented(endpoint)
    assert driftline.feedback(trace_id=TRACE, span_id=SPAN, score=1)
    assert driftline.feedback(trace_id=TRACE, span_id=SPAN, rating=0.25, name="was it helpful")
    assert running.flush(timeout_s=20)
    wait_for(store, n_rows=2)
    rows = store.rows(
        "SELECT name, value, kind FROM judgements(project = 'shop', traces = [], from_ms = 0, to_ms = 4102444800000) ORDER BY name"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("user_feedback", 1.0, "feedback"),
        ("was it helpful", -0.5, "feedback"),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trace_id": TRACE, "score": 2}, "expected a score from -1 to 1, got 2"),
        ({"trace_id": TRACE, "score": float("nan")}, "expected a score from -1 to 1, got nan"),
        ({"trace_id": TRACE, "score": 1, "rating": 1}, "expected score or rating, got both"),
        ({"trace_id": TRACE}, "expected a score, a rating or a comment, got none"),
        ({"trace_id": "beef", "score": 1}, "expected a trace_id of 32 hex digits"),
        ({"trace_id": TRACE, "span_id": "", "score": 1}, "expected a span_id of 16 hex digits"),
        ({"score": 1}, "expected a trace_id of 32 hex digits"),
        ({"trace_id": TRACE, "score": 1, "name": "<b>"}, "expected a name like"),
        ({"trace_id": TRACE, "score": "bad"}, "feedback not sent"),
        ({"trace_id": TRACE, "score": 1}, "call driftline.instrument() first"),
    ],
)
def test_what_cannot_be_sent_is_logged_and_never_raised(
    caplog: pytest.LogCaptureFixture, given: dict[str, Any], said: str
) -> None:
    assert driftline.feedback(**given) is False
    assert said in caplog.text


def test_a_receiver_that_is_away_blocks_nobody_and_what_does_not_fit_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender = FeedbackSender("http://127.0.0.1:9/v1/logs", headers={}, resource={}, timeout_s=0.5)
    use_sender(sender)
    began = time.monotonic()
    results = [driftline.feedback(trace_id=TRACE, score=1) for _ in range(QUEUE_RECORDS + 200)]
    assert time.monotonic() - began < 5
    sender.shutdown()
    use_sender(None)
    assert results[0] is True
    assert results[-1] is False
    assert sender.dropped["queue full"] == results.count(False)
    assert "feedback dropped" in caplog.text


def test_a_comment_is_text_and_stays_here_where_content_does(
    caplog: pytest.LogCaptureFixture, instrumented: Callable[..., driftline.Instrumentation]
) -> None:
    instrumented("http://127.0.0.1:9", capture_content=False, timeout_s=0.5)
    assert driftline.feedback(trace_id=TRACE, comment="my own words") is False
    assert "expected a score, a rating or a comment" in caplog.text
    assert driftline.feedback(trace_id=TRACE, score=-1, comment="my own words") is True
