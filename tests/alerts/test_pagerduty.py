"""PagerDuty's Events API v2, against a fake with its checks."""

import hashlib
import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from driftline_alerts.errors import DeliveryError
from driftline_alerts.pagerduty import PagerDuty, dedup_key
from tests.alerts.notices import NOW, notice
from tests.alerts.pagerduty_server import ROUTING_KEY, PagerDutyServer


@pytest.fixture
def client(pagerduty: PagerDutyServer) -> Iterator[PagerDuty]:
    channel = PagerDuty(SecretStr(ROUTING_KEY), url=f"{pagerduty.url}/v2/enqueue", external_url="http://driftline.test")
    yield channel
    channel.close()


def test_trigger_says_everything_a_person_needs(client: PagerDuty, pagerduty: PagerDutyServer) -> None:
    client.post([notice()], now=NOW, delivery_id="a")
    (event,) = pagerduty.events
    assert pagerduty.requests[0].path == "/v2/enqueue"
    assert event == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": dedup_key(notice()),
        "payload": {
            "summary": "Answers of chat have drifted",
            "source": "chat",
            "severity": "critical",
            "timestamp": "2026-11-20T11:58:00.000Z",
            "component": "gpt",
            "group": "chat",
            "class": "Drifted",
            "custom_details": {
                "slice": "model=gpt, service=chat",
                "labels": {"alertname": "Drifted", "service": "chat", "severity": "critical", "model": "gpt"},
                "description": "The answers of chat differ by 9.2 standard deviations",
                "finding": "p-value 0.001, effect 9.2",
                "examples": [f"- example {number} (trace {number})" for number in range(3)],
            },
        },
        "links": [
            {"href": "http://driftline.test/?service=chat&model=gpt#alerts", "text": "Driftline"},
            {"href": "https://runbooks.test/drift.md", "text": "Runbook"},
        ],
        "client": "Driftline",
        "client_url": "http://driftline.test",
    }


def test_incident_is_triggered_acknowledged_and_resolved_by_one_key(
    client: PagerDuty, pagerduty: PagerDutyServer
) -> None:
    client.post([notice()], now=NOW, delivery_id="a")
    client.post([notice()], now=NOW, delivery_id="b")
    client.post([notice("search")], now=NOW, delivery_id="c")
    assert pagerduty.states() == ["triggered", "triggered"]
    client.acknowledge(notice())
    assert pagerduty.states() == ["acknowledged", "triggered"]
    client.post([notice(is_resolved=True)], now=NOW, delivery_id="d")
    assert pagerduty.states() == ["resolved", "triggered"]


def test_key_is_the_hash_of_rule_and_sorted_labels() -> None:
    text = json.dumps(["0123abcd", sorted(notice().labels.items())], separators=(",", ":"))
    assert dedup_key(notice()) == hashlib.sha256(text.encode()).hexdigest()
    assert dedup_key(notice(annotations={"summary": "another value"}, is_resolved=True)) == dedup_key(notice())


@pytest.mark.parametrize(
    ("severity", "theirs"), [("critical", "critical"), ("warning", "warning"), ("none", "info"), ("sev2", "error")]
)
def test_severities_become_pagerdutys(
    client: PagerDuty, pagerduty: PagerDutyServer, severity: str, theirs: str
) -> None:
    client.post([notice(severity=severity)], now=NOW, delivery_id="a")
    assert pagerduty.events[0]["payload"]["severity"] == theirs


def test_texts_of_any_length_and_kind_are_taken(client: PagerDuty, pagerduty: PagerDutyServer) -> None:
    long = {"summary": "s" * 5_000, "description": "d" * 50_000, "finding": "\ud800 half a pair", "page_url": "no url"}
    client.post([notice("é" * 400, annotations=long)], now=NOW, delivery_id="a")
    assert pagerduty.states() == ["triggered"]
    assert len(pagerduty.requests[0].body) < 20_000
    assert [link["text"] for link in pagerduty.events[0]["links"]] == ["Runbook"]


@pytest.mark.parametrize(("status", "is_retryable"), [(429, True), (500, True), (503, True), (403, False)])
def test_what_helps_when_tried_again_is_told_from_what_does_not(
    client: PagerDuty, pagerduty: PagerDutyServer, status: int, is_retryable: bool
) -> None:
    pagerduty.status = status
    with pytest.raises(DeliveryError, match="try later") as caught:
        client.post([notice()], now=NOW, delivery_id="a")
    assert (caught.value.is_retryable, caught.value.is_about_alerts) == (is_retryable, False)
    assert ROUTING_KEY not in str(caught.value) + client.name


def test_refused_event_says_what_is_wrong_with_it(pagerduty: PagerDutyServer) -> None:
    channel = PagerDuty(SecretStr("short"), url=pagerduty.url)
    with pytest.raises(DeliveryError, match="Event object is invalid: Length of 'routing_key' is incorrect") as caught:
        channel.post([notice()], now=NOW, delivery_id="a")
    channel.close()
    assert not caught.value.is_retryable
