"""The services that apprise reaches, with the real package where it is installed."""

import importlib.util

import pytest
from pydantic import SecretStr

from driftline_alerts.apprise_channel import AppriseChannel
from driftline_alerts.errors import DeliveryError
from driftline_core.errors import ConfigError
from tests.alerts.notices import NOW, notice
from tests.alerts.receiver import Receiver

IS_INSTALLED = importlib.util.find_spec("apprise") is not None
# Of apprise's own import of imghdr, on Python before 3.13.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
needs_apprise = pytest.mark.skipif(not IS_INSTALLED, reason="apprise is not installed (the extra of that name)")


def channel(receiver: Receiver) -> AppriseChannel:
    return AppriseChannel(SecretStr(receiver.url.replace("http://", "json://user:key@")), external_url="http://d.test")


@needs_apprise
def test_alert_arrives_with_its_facts(receiver: Receiver) -> None:
    channel(receiver).post([notice()], now=NOW, delivery_id="a")
    channel(receiver).post([notice(is_resolved=True)], now=NOW, delivery_id="b")
    fired, ended = (request.json for request in receiver.requests)
    assert (fired["title"], fired["type"]) == ("FIRING: Answers of chat have drifted", "failure")
    assert "Slice: model=gpt, service=chat" in fired["message"]
    assert (ended["title"], ended["type"]) == ("RESOLVED: Answers of chat have drifted", "success")


@needs_apprise
def test_refusal_is_retryable_and_the_message_has_no_keys(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(DeliveryError, match="did not take it") as caught:
        channel(receiver).post([notice()], now=NOW, delivery_id="a")
    assert caught.value.is_retryable
    assert "key" not in str(caught.value)


@needs_apprise
def test_url_of_no_service_is_refused_at_start() -> None:
    with pytest.raises(ConfigError, match="scheme 'nosuch'") as caught:
        AppriseChannel(SecretStr("nosuch://key"))
    assert "key" not in str(caught.value)


@pytest.mark.skipif(IS_INSTALLED, reason="apprise is installed")
def test_missing_package_is_named_at_start() -> None:
    with pytest.raises(ConfigError, match=r"driftline\[apprise\]"):
        AppriseChannel(SecretStr("json://127.0.0.1"))
