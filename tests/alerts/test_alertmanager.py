"""The client of Alertmanager's API v2, against the real one and against every way it says no."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from driftline_alerts.alertmanager import Alertmanager, Matcher
from driftline_alerts.errors import DeliveryError
from driftline_alerts.notification import Notification
from driftline_core.clock import utc_now
from tests.alerts.conftest import AlertmanagerProcess
from tests.alerts.receiver import Receiver, wait_until


def notification(
    service: str = "chat", *, ends_in: timedelta = timedelta(minutes=4), starts_at: datetime | None = None
) -> Notification:
    now = utc_now()
    return Notification(
        key=f"uid:{service}",
        labels={"alertname": "TooHigh", "service": service, "gen_ai.request.model": "m", "empty": ""},
        annotations={"summary": f"{service} is high"},
        active_at=now,
        starts_at=starts_at or now - timedelta(minutes=1),
        ends_at=now + ends_in,
        is_resolved=ends_in <= timedelta(0),
        generator_url="http://127.0.0.1:8000/#alerts",
    )


def test_alert_is_held_with_labels_that_every_version_takes(alertmanager: AlertmanagerProcess) -> None:
    with Alertmanager(alertmanager.url) as client:
        assert client.status().cluster == "disabled"
        client.post_alerts([notification("chat"), notification("search")])
        (alert,) = client.alerts([Matcher(name="service", value="se.*", is_regex=True)])
        assert alert.labels == {"alertname": "TooHigh", "service": "search", "gen_ai_request_model": "m"}
        assert alert.annotations == {"summary": "search is high"}
        assert alert.receivers == ("hook",)
        assert len(client.alerts()) == 2


def test_silence_is_made_listed_and_ended(alertmanager: AlertmanagerProcess, receiver: Receiver) -> None:
    now = utc_now()
    with Alertmanager(alertmanager.url) as client:
        silence_id = client.silence(
            [
                Matcher(name="service", value="chat"),
                Matcher(name="alertname", value="None.*", is_regex=True, is_equal=False),
            ],
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            created_by="ops",
            comment="planned",
        )
        client.post_alerts([notification("chat"), notification("search")])
        wait_until(lambda: {alert.state for alert in client.alerts()} == {"active", "suppressed"})
        (silenced,) = (alert for alert in client.alerts() if alert.state == "suppressed")
        assert silenced.silenced_by == (silence_id,)
        (silence,) = client.silences()
        assert (silence.state, silence.created_by, silence.comment) == ("active", "ops", "planned")
        assert [str(matcher) for matcher in silence.matchers] == ['service="chat"', 'alertname!~"None.*"']
        receiver.wait_for("firing", 1)
        assert [alert["labels"]["service"] for alert in receiver.alerts()] == ["search"]
        client.expire_silence(silence_id)
        wait_until(lambda: client.silences()[0].state == "expired")
        receiver.wait_for("firing", 2)


def test_both_shapes_of_error_are_read(alertmanager: AlertmanagerProcess) -> None:
    with Alertmanager(alertmanager.url) as client:
        with pytest.raises(DeliveryError, match="start time must be before end time") as as_text:
            client.post_alerts([notification(ends_in=timedelta(hours=-3))])
        assert (as_text.value.is_retryable, as_text.value.status_code) == (False, 400)
        with pytest.raises(DeliveryError, match=r"bad matcher format|invalid"):
            client.alerts([Matcher(name="not a name", value="x")])
        with pytest.raises(DeliveryError, match=r"matchers.*\(code 6\d\d\)") as as_object:
            client.silence([], starts_at=utc_now(), ends_at=utc_now(), created_by="a", comment="b")
        assert not as_object.value.is_retryable
        with pytest.raises(DeliveryError, match="a UUID"):
            client.expire_silence("../alerts")


@pytest.mark.parametrize(
    ("status", "is_retryable"), [(400, False), (401, False), (404, False), (429, True), (503, True)]
)
def test_what_helps_when_tried_again_is_told_from_what_does_not(
    receiver: Receiver, status: int, is_retryable: bool
) -> None:
    receiver.status = status
    receiver.answer = b'{"code": 601, "message": "no"}'
    with Alertmanager(receiver.url) as client, pytest.raises(DeliveryError, match=r"no \(code 601\)") as caught:
        client.post_alerts([notification()])
    assert caught.value.is_retryable is is_retryable


def test_no_answer_is_retryable_and_the_message_has_no_secrets() -> None:
    with Alertmanager("http://user:key@127.0.0.1:9/secret") as client:
        with pytest.raises(DeliveryError, match="does not answer") as caught:
            client.post_alerts([notification()])
        assert caught.value.is_retryable
        assert "key" not in str(caught.value) + client.name
        assert "secret" not in str(caught.value)
        assert not client.is_ready()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"username": "driftline", "password": SecretStr("pw")}, "Basic ZHJpZnRsaW5lOnB3"),
        ({"bearer_token": SecretStr("token"), "username": "ignored"}, "Bearer token"),
    ],
)
def test_credentials_are_sent(receiver: Receiver, arguments: dict[str, SecretStr], expected: str) -> None:
    connect: Callable[..., Alertmanager] = Alertmanager
    with connect(receiver.url, **arguments) as client:
        client.post_alerts([notification()])
    assert receiver.requests[0].headers["authorization"] == expected
    assert receiver.requests[0].path == "/api/v2/alerts"


def test_answer_that_is_not_alertmanagers_is_refused(receiver: Receiver) -> None:
    receiver.answer = b"<html>"
    with Alertmanager(receiver.url) as client, pytest.raises(DeliveryError, match="expected Alertmanager's API"):
        client.silence([], starts_at=utc_now(), ends_at=utc_now(), created_by="a", comment="b")
