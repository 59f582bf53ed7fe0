"""The direct receivers of the settings."""

from collections.abc import Sequence
from datetime import timedelta

from driftline_alerts.apprise_channel import AppriseChannel
from driftline_alerts.direct import Channel, DirectReceiver
from driftline_alerts.mail import Mail
from driftline_alerts.outbox import Outbox
from driftline_alerts.pagerduty import PagerDuty
from driftline_alerts.settings import AlertSettings
from driftline_alerts.slack import Slack
from driftline_alerts.webhook import Webhook
from driftline_core.store import Store


def build_direct(settings: AlertSettings, store: Store) -> list[DirectReceiver]:
    """Webhooks, PagerDuty, Slack, mail and what apprise reaches. PagerDuty reminds by itself, so it is not reminded.

    Raises ConfigError.
    """
    webhook_repeat = timedelta(seconds=settings.webhook_repeat_s)
    repeat = timedelta(seconds=settings.direct_repeat_s)
    chosen: list[tuple[Channel, timedelta, Sequence[str]]] = [
        *((channel, webhook_repeat, settings.webhook_severities) for channel in _webhooks(settings)),
        *((channel, timedelta(0), settings.pagerduty_severities) for channel in _pagerduty(settings)),
        *((channel, repeat, settings.slack_severities) for channel in _slack(settings)),
        *((channel, repeat, settings.email_severities) for channel in _mail(settings)),
        *((channel, repeat, settings.apprise_severities) for channel in _apprise(settings)),
    ]
    return [
        DirectReceiver(channel, Outbox(store, channel.receiver_id), repeat=every, severities=severities)
        for channel, every, severities in chosen
    ]


def _webhooks(settings: AlertSettings) -> list[Webhook]:
    return [
        Webhook(
            url,
            secret=settings.webhook_secret,
            external_url=settings.external_url,
            verify_tls=settings.verify_tls,
            ca_file=settings.ca_file,
            timeout_s=settings.request_timeout_s,
        )
        for url in settings.webhook_urls
    ]


def _pagerduty(settings: AlertSettings) -> list[PagerDuty]:
    if settings.pagerduty_routing_key is None:
        return []
    return [
        PagerDuty(
            settings.pagerduty_routing_key,
            url=settings.pagerduty_url,
            external_url=settings.external_url,
            verify_tls=settings.verify_tls,
            ca_file=settings.ca_file,
            timeout_s=settings.request_timeout_s,
        )
    ]


def _slack(settings: AlertSettings) -> list[Slack]:
    if settings.slack_webhook_url is None:
        return []
    return [
        Slack(
            settings.slack_webhook_url,
            external_url=settings.external_url,
            verify_tls=settings.verify_tls,
            ca_file=settings.ca_file,
            timeout_s=settings.request_timeout_s,
        )
    ]


def _mail(settings: AlertSettings) -> list[Mail]:
    if settings.smtp_host is None:
        return []
    return [
        Mail(
            settings.smtp_host,
            settings.smtp_port,
            sender=settings.email_from,
            recipients=settings.email_to,
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=settings.smtp_password,
            external_url=settings.external_url,
            verify_tls=settings.verify_tls,
            ca_file=settings.ca_file,
            timeout_s=settings.request_timeout_s,
        )
    ]


def _apprise(settings: AlertSettings) -> list[AppriseChannel]:
    return [AppriseChannel(url, external_url=settings.external_url) for url in settings.apprise_urls]
