"""A query source in memory: the port's second implementation, for tests of what asks it."""

from collections.abc import Mapping
from datetime import datetime

from driftline_alerts.query import Sample
from driftline_core.errors import QueryError

RULES = """
groups:
  - name: test
    rules:
      - alert: TooHigh
        expr: x > 3
        for: {hold}
        {keep}labels: {{severity: critical}}
        annotations: {{summary: '{{{{ $labels.service }}}} is at {{{{ $value }}}}', driftline_no_data: {policy}}}
"""


def rule_file(*, hold: str = "0s", keep_firing_for: str | None = None, policy: str = "hold") -> str:
    """A file with one rule, `x > 3`."""
    keep = f"keep_firing_for: {keep_firing_for}\n        " if keep_firing_for else ""
    return RULES.format(hold=hold, keep=keep, policy=policy)


class Numbers:
    """Holds the value of `x` by service and answers `x > 3` and its presence. error: fail instead."""

    def __init__(self, **values: float) -> None:
        self.values: dict[str, float] = dict(values)
        self.error: str | None = None
        self.asked: list[tuple[str, datetime]] = []

    def set(self, values: Mapping[str, float]) -> None:
        self.values = dict(values)

    def instant(self, expr: str, time: datetime) -> list[Sample]:
        self.asked.append((expr, time))
        if self.error is not None:
            raise QueryError(self.error)
        floor = {"x > 3": 3.0, "(x) >= -Inf": float("-inf")}[expr]
        return [
            Sample(labels={"__name__": "x", "service": service}, value=value, timestamp=time)
            for service, value in self.values.items()
            if value > floor
        ]


class Time:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
