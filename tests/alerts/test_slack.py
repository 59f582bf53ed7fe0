"""Slack's incoming webhook: the message, its bounds, its errors."""

import json

import pytest
from pydantic import SecretStr

from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification
from driftline_alerts.slack import Slack, message_body
from tests.alerts.notices import NOW, notice
from tests.alerts.receiver import Receiver


def post(receiver: Receiver, *notifications: Notification) -> None:
    channel = Slack(SecretStr(f"{receiver.url}/services/T0/B0/KEY"), external_url="http://driftline.test")
    try:
        channel.post(notifications, now=NOW, delivery_id="a")
    finally:
        channel.close()


def test_message_says_what_moved_by_how_much_where_with_examples_and_links(receiver: Receiver) -> None:
    post(receiver, notice())
    (request,) = receiver.requests
    assert request.path == "/services/T0/B0/KEY"
    assert request.json["text"] == "FIRING: Answers of chat have drifted"
    header, section, context = request.json["blocks"]
    assert header["text"]["text"] == "FIRING: Answers of chat have drifted"
    assert section["text"] == {
        "type": "plain_text",
        "emoji": False,
        "text": "What moved: The answers of chat differ by 9.2 standard deviations\n"
        "By how much: p-value 0.001, effect 9.2\n"
        "Slice: model=gpt, service=chat\n"
        "Severity: critical\n"
        "Since: 2026-11-20 11:58 UTC\n"
        "Examples:\n- example 0 (trace 0)\n- example 1 (trace 1)\n- example 2 (trace 2)",
    }
    assert context["elements"][0]["text"] == (
        "<http://driftline.test/?service=chat&amp;model=gpt#alerts|Driftline> · <https://runbooks.test/drift.md|Runbook>"
    )


def test_end_says_when_and_why(receiver: Receiver) -> None:
    post(receiver, notice(is_resolved=True, annotations={"resolved_because": "its rule was removed"}))
    body = receiver.requests[0].json
    assert body["text"].startswith("RESOLVED: ")
    assert "Ended: 2026-11-20 12:00 UTC\nEnded because: its rule was removed" in body["blocks"][1]["text"]["text"]


def test_message_stays_within_slacks_limits() -> None:
    long = {name: f"{name} " * 5_000 for name in ("summary", "description", "finding", "examples", "resolved_because")}
    body = message_body(
        [notice(f"service {number}", annotations=long) for number in range(50)], external_url="http://d.test"
    )
    assert len(body["blocks"]) <= 50
    assert len(body["text"]) <= 3_000
    for block in body["blocks"]:
        if "text" in block:
            assert 0 < len(block["text"]["text"]) <= (150 if block["type"] == "header" else 3_000)
    assert body["blocks"][-1]["elements"][0]["text"] == "and 45 more: <http://d.test|Driftline>"


def test_texts_of_alerts_mention_nobody_and_are_no_markup() -> None:
    body = message_body([notice(annotations={"summary": "<!channel> a & b"})], external_url="http://d.test")
    assert body["text"] == "FIRING: &lt;!channel&gt; a &amp; b"
    markup = [e["text"] for block in body["blocks"] for e in block.get("elements", [])]
    assert "channel" not in json.dumps(markup)


@pytest.mark.parametrize(
    ("status", "is_retryable", "is_about_alerts"),
    [(400, False, True), (404, False, False), (410, False, False), (429, True, False), (500, True, False)],
)
def test_errors_are_told_apart_and_keep_the_key(
    receiver: Receiver, status: int, is_retryable: bool, is_about_alerts: bool
) -> None:
    receiver.status = status
    receiver.answer = b"no_service"
    with pytest.raises(DeliveryError, match="no_service") as caught:
        post(receiver, notice())
    assert (caught.value.is_retryable, caught.value.is_about_alerts) == (is_retryable, is_about_alerts)
    assert "KEY" not in str(caught.value)
