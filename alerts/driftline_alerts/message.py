"""An alert in words, for people: what moved, by how much, in which slice, three examples, where to look. Bounded in length."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from driftline_alerts.notification import Notification

MAX_ALERTS: Final = 5
_MAX_HEADLINE: Final = 200
_MAX_VALUE: Final = 1_000
_LINKS: Final = {"page_url": "Driftline", "dashboard_url": "Dashboard", "runbook_url": "Runbook"}
_NOT_A_SLICE: Final = ("alertname", "severity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A name and an absolute http(s) URL."""

    name: str
    url: str


def headline(notifications: Sequence[Notification]) -> str:
    """One line for alerts of one alertname and status, e.g. `FIRING: Answers of chat have drifted`."""
    first = notifications[0]
    name = first.labels.get("alertname", "alert")
    if len(notifications) > 1:
        return cut(f"{first.status.upper()} ({len(notifications)}): {name}", _MAX_HEADLINE)
    return cut(f"{first.status.upper()}: {first.annotations.get('summary') or name}", _MAX_HEADLINE)


def facts(notification: Notification) -> list[tuple[str, str]]:
    """Names and texts, in the order in which a person wants them; texts may have several lines."""
    annotations = notification.annotations
    pairs = [
        ("What moved", annotations.get("description") or annotations.get("summary", "")),
        ("By how much", annotations.get("finding", "")),
        ("Slice", slice_text(notification)),
        ("Severity", notification.labels.get("severity", "")),
        ("Since", _minute(notification.starts_at)),
        ("Ended", _minute(notification.ends_at) if notification.is_resolved else ""),
        ("Ended because", annotations.get("resolved_because", "")),
        ("Examples", annotations.get("examples", "")),
        ("Data set", annotations.get("export_url") or annotations.get("export_error", "")),
    ]
    return [(name, cut(text, _MAX_VALUE)) for name, text in pairs if text]


def slice_text(notification: Notification) -> str:
    """The labels that say where: `service=chat, model=m`; empty values are left out."""
    labels = notification.labels
    return ", ".join(f"{name}={labels[name]}" for name in sorted(labels) if name not in _NOT_A_SLICE and labels[name])


def links(notification: Notification) -> list[Link]:
    """Where to look: the page first. Runbooks that are no URL are left out."""
    found = {**notification.annotations}
    found.setdefault("page_url", notification.generator_url)
    return [
        Link(name=name, url=found[key])
        for key, name in _LINKS.items()
        if found.get(key, "").startswith(("http://", "https://")) and not any(c.isspace() for c in found[key])
    ]


def plain_text(notifications: Sequence[Notification], *, external_url: str) -> str:
    """The whole message as text; of more than MAX_ALERTS alerts the first ones, and how many there are besides."""
    parts = []
    for each in notifications[:MAX_ALERTS]:
        lines = [headline([each]), ""]
        for name, text in facts(each):
            lines += [f"{name}:", *(f"  {line}" for line in text.splitlines())] if "\n" in text else [f"{name}: {text}"]
        lines += [f"{link.name}: {link.url}" for link in links(each)]
        parts.append("\n".join(lines))
    rest = len(notifications) - MAX_ALERTS
    if rest > 0:
        parts.append(f"and {rest} more: {external_url}")
    return "\n\n".join(parts) + "\n"


def cut(text: str, most: int) -> str:
    """At most so many characters; what is cut ends with an ellipsis. What UTF-8 cannot hold becomes `?`."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _minute(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
