"""Webhooks: Alertmanager's shape, signed."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from driftline_alerts.alertmanager import Alertmanager
from driftline_alerts.notification import Notification
from driftline_alerts.webhook import Webhook
from driftline_core.clock import utc_now
from tests.alerts.conftest import AlertmanagerProcess
from tests.alerts.receiver import Receiver
from tests.alerts.test_alertmanager import notification

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def post(receiver: Receiver, *notifications: Notification, secret: str | None = None) -> None:
    webhook = Webhook(
        f"{receiver.url}/hook",
        secret=SecretStr(secret) if secret is not None else None,
        external_url="http://driftline.example",
    )
    webhook.post(notifications, now=NOW, delivery_id="abc")
    webhook.close()


def test_body_has_every_field_of_alertmanagers(alertmanager: AlertmanagerProcess, receiver: Receiver) -> None:
    with Alertmanager(alertmanager.url) as client:
        client.post_alerts([notification()])
    receiver.wait_for("firing")
    theirs = receiver.requests[0].json
    post(receiver, notification())
    ours = receiver.requests[-1].json
    assert set(ours) == set(theirs)
    assert set(ours["alerts"][0]) == set(theirs["alerts"][0])
    same = ("version", "status", "groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts")
    theirs["groupLabels"].pop("service")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    for name in ("labels", "annotations", "status", "generatorURL", "endsAt"):
        assert ours["alerts"][0][name] == theirs["alerts"][0][name]


def test_group_says_what_its_alerts_share(receiver: Receiver) -> None:
    post(
        receiver,
        notification("chat"),
        notification("search", ends_in=timedelta(minutes=-1), starts_at=utc_now() - timedelta(hours=1)),
    )
    body = receiver.requests[0].json
    assert body["status"] == "firing"
    assert body["commonLabels"] == {"alertname": "TooHigh", "gen_ai_request_model": "m"}
    assert body["commonAnnotations"] == {}
    assert [alert["status"] for alert in body["alerts"]] == ["firing", "resolved"]
    assert body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert body["alerts"][1]["endsAt"] > "2026"


def test_signature_is_of_timestamp_and_body(receiver: Receiver) -> None:
    post(receiver, notification(), secret="s3cret")
    (request,) = receiver.requests
    signed = request.headers["driftline-timestamp"].encode() + b"." + request.body
    expected = "sha256=" + hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert request.headers["driftline-signature"] == expected
    assert request.headers["driftline-delivery"] == "abc"


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    post(receiver, notification())
    assert "driftline-signature" not in receiver.requests[0].headers


def test_name_hides_the_path_which_is_often_a_key() -> None:
    webhook = Webhook("https://hooks.example/T000/SECRET")
    assert "SECRET" not in webhook.name
    assert webhook.name.startswith("webhook hooks.example")
    webhook.close()
