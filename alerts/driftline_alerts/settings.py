"""Settings of rules, evaluation and delivery."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from driftline_core.settings import ComponentSettings

_URL = r"^https?://[^\s/?#]+\S*$"
_ADDRESS = r"^[^\s@<>,]+@[^\s@<>,]+$"
HttpUrl = Annotated[str, Field(pattern=_URL)]
Names = tuple[str, ...]


class AlertSettings(ComponentSettings):
    """Which rules are evaluated, how often, and who is told."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="DRIFTLINE_ALERTS_",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # keys are among the inputs
    )

    project: str = Field(
        default="default",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="Project whose findings illustrate alerts; part of every rule's identity.",
    )
    rule_paths: tuple[Path, ...] = Field(
        default=(), description="Prometheus rule files, or folders of *.yaml and *.yml; empty means the shipped rules."
    )
    interval_s: float = Field(
        default=30.0, ge=1, le=3600, description="Evaluation interval of groups that set none, in seconds."
    )
    query_offset_s: float = Field(
        default=30.0,
        ge=0,
        le=86_400,
        description="Rules are evaluated this many seconds in the past, so that late spans and rollups are in.",
    )
    query_url: HttpUrl | None = Field(
        default=None,
        description="Prometheus-compatible API to ask, e.g. http://127.0.0.1:9090; unset asks Driftline's own.",
    )
    query_timeout_s: float = Field(default=30.0, gt=0, le=600, description="Longest wait for one query, in seconds.")
    forget_no_data_after_s: float = Field(
        default=86_400.0,
        ge=60,
        le=30 * 86_400,
        description="A firing alert whose data stay away this many seconds is resolved after all.",
    )
    alertmanager_urls: tuple[HttpUrl, ...] = Field(
        default=(), description="Every Alertmanager of a cluster, without /api/v2; each gets every alert."
    )
    alertmanager_username: str | None = Field(default=None, description="User name for basic authentication.")
    alertmanager_password: SecretStr | None = Field(default=None, description="Password for basic authentication.")
    alertmanager_bearer_token: SecretStr | None = Field(
        default=None, description="Bearer token; replaces basic authentication."
    )
    verify_tls: bool = Field(
        default=True,
        description="Check the certificates of Alertmanagers, webhooks, PagerDuty, Slack and the mail server.",
    )
    ca_file: Path | None = Field(default=None, description="PEM file of the authorities to trust instead of the usual.")
    webhook_urls: tuple[HttpUrl, ...] = Field(
        default=(), description="Receivers told directly, in the shape of Alertmanager's webhook."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="Key of the HMAC-SHA256 signature of webhook bodies; unset sends none."
    )
    webhook_repeat_s: float = Field(
        default=14_400.0,
        ge=0,
        le=30 * 86_400,
        description="Remind a webhook of what still fires after this many seconds; 0 never.",
    )
    webhook_severities: Names = Field(
        default=(), description="Values of the label severity that webhooks hear of; empty means all."
    )
    pagerduty_routing_key: SecretStr | None = Field(
        default=None,
        description="Integration key of a PagerDuty service (Events API v2); set, it gets one incident an alert.",
    )
    pagerduty_url: HttpUrl = Field(
        default="https://events.pagerduty.com/v2/enqueue",
        description="Where PagerDuty takes events; https://events.eu.pagerduty.com/v2/enqueue in its EU region.",
    )
    pagerduty_severities: Names = Field(
        default=(), description="Values of the label severity that PagerDuty hears of, e.g. critical; empty means all."
    )
    slack_webhook_url: SecretStr | None = Field(
        default=None, description="Incoming webhook of a Slack channel; set, alerts are written there."
    )
    slack_severities: Names = Field(
        default=(), description="Values of the label severity that Slack hears of; empty means all."
    )
    smtp_host: str | None = Field(default=None, description="Mail server; set, alerts are mailed to email_to.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted: starttls, tls from the first byte, or none."
    )
    smtp_username: str | None = Field(default=None, description="User name at the mail server; unset does not log in.")
    smtp_password: SecretStr | None = Field(default=None, description="Password at the mail server.")
    email_from: str = Field(
        default="driftline@localhost", pattern=_ADDRESS, description="Address that mails come from."
    )
    email_to: tuple[Annotated[str, Field(pattern=_ADDRESS)], ...] = Field(
        default=(), description="Addresses that mails go to."
    )
    email_severities: Names = Field(
        default=(), description="Values of the label severity that are mailed; empty means all."
    )
    apprise_urls: tuple[SecretStr, ...] = Field(
        default=(),
        description="Other services by their apprise URL, e.g. tgram://token/chat; needs driftline[apprise].",
    )
    apprise_severities: Names = Field(
        default=(),
        description="Values of the label severity that the services of apprise_urls hear of; empty means all.",
    )
    direct_repeat_s: float = Field(
        default=14_400.0,
        ge=0,
        le=30 * 86_400,
        description="Remind Slack, mail and apprise of what still fires after this many seconds; 0 never.",
    )
    resend_s: float = Field(
        default=60.0, ge=1, le=240, description="Firing alerts go to Alertmanager again after this many seconds."
    )
    resend_resolved_s: float = Field(
        default=900.0, ge=0, le=86_400, description="Resolved alerts are sent again for this many seconds."
    )
    queue_alerts: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Alerts that may wait for one receiver; more are dropped, counted.",
    )
    request_timeout_s: float = Field(
        default=10.0, gt=0, le=120, description="Longest wait for a receiver's answer, in seconds."
    )
    delivery_deadline_s: float = Field(
        default=900.0,
        ge=1,
        le=86_400,
        description="A notification not taken within this many seconds is dropped, counted.",
    )
    external_url: HttpUrl = Field(
        default="http://127.0.0.1:8000", description="Where people reach Driftline's page; alerts link to it."
    )
    grafana_url: HttpUrl | None = Field(default=None, description="Where people reach Grafana; adds dashboard_url.")
    runbook_base_url: HttpUrl | None = Field(
        default=None,
        description="Put before runbook_url annotations that are relative, e.g. a repository's web address.",
    )
    include_examples: bool = Field(
        default=True, description="Put up to three short example texts of a finding into the alerts about it."
    )

    @field_validator("slack_webhook_url")
    @classmethod
    def _is_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and re.fullmatch(_URL, value.get_secret_value()) is None:
            raise ValueError("expected a URL that begins with http:// or https://")
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if (self.smtp_host is None) != (not self.email_to):
            raise ValueError("expected smtp_host and email_to together, got one of them")
        if self.smtp_username is not None and self.smtp_security == "none":
            raise ValueError("expected smtp_security starttls or tls with smtp_username, got none")
        return self
