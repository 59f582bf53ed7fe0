"""Notifications for the tests of direct receivers."""

from datetime import UTC, datetime, timedelta

from driftline_alerts.notification import Notification

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def notice(
    service: str = "chat",
    *,
    severity: str = "critical",
    is_resolved: bool = False,
    at: datetime = NOW,
    annotations: dict[str, str] | None = None,
) -> Notification:
    """An alert that began to fire two minutes before `at`, or ended then."""
    return Notification(
        key=f"0123abcd:{service}",
        labels={"alertname": "Drifted", "service": service, "severity": severity, "model": "gpt"},
        annotations={
            "summary": f"Answers of {service} have drifted",
            "description": f"The answers of {service} differ by 9.2 standard deviations",
            "finding": "p-value 0.001, effect 9.2",
            "examples": "\n".join(f"- example {number} (trace {number})" for number in range(3)),
            "page_url": f"http://driftline.test/?service={service}&model=gpt#alerts",
            "runbook_url": "https://runbooks.test/drift.md",
            **(annotations or {}),
        },
        active_at=NOW - timedelta(minutes=5),
        starts_at=NOW - timedelta(minutes=2),
        ends_at=at if is_resolved else at + timedelta(minutes=4),
        is_resolved=is_resolved,
        generator_url=f"http://driftline.test/?service={service}#alerts",
    )
