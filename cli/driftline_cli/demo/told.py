"""Alerts that the demo's incidents must send, and those that they may send. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftline_cli.demo import desk
from driftline_cli.demo.groups import DECLARED
from driftline_cli.demo.traffic import SLICES, Slice

Alert = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    """An alert by name and some of its labels. is_due: it must come; else it depends on the hour and the volume whether it does."""

    name: str
    labels: Mapping[str, str]
    is_due: bool = True

    def is_met_by(self, alert: Alert) -> bool:
        """Whether this alert is meant."""
        labels = alert.get("labels", {})
        return bool(labels.get("alertname") == self.name and self.labels.items() <= labels.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAlert:
    """What of an expected alert arrived."""

    expected: ExpectedAlert
    arrived: tuple[Alert, ...]

    @property
    def is_right(self) -> bool:
        return bool(self.arrived) or not self.expected.is_due


def _labels_of(source: Slice) -> dict[str, str]:
    return {"service": source.service, "model": source.model}


_DRIFTED: Final = next(source for source in SLICES if source.is_drift_planted)
_ATTACKED: Final = next(source for source in SLICES if source.is_attacked)
_GAPPED: Final = next(source for source in SLICES if source.is_gap_planted)
_DESK: Final = {"service": desk.SERVICE, "model": desk.MODEL}
EXPECTED: Final = (
    ExpectedAlert(name="DriftlineInjectionBurst", labels={"service": _ATTACKED.service, "field": "prompt"}),
    ExpectedAlert(name="DriftlinePromptLeak", labels=_labels_of(_ATTACKED)),
    ExpectedAlert(name="DriftlineSecretInAnswer", labels=_DESK),
    ExpectedAlert(name="DriftlinePersonalDataInAnswers", labels=_DESK),
    ExpectedAlert(
        name="DriftlineBiasGap",
        labels={"service": _GAPPED.service, "segment_by": f"group:{DECLARED}"},
    ),
    # they ask for more ratings in six hours, and answers in one, than the night has
    ExpectedAlert(name="DriftlineNegativeFeedback", labels=_labels_of(_DRIFTED), is_due=False),
    ExpectedAlert(name="DriftlineUngroundedAnswers", labels=_labels_of(_DRIFTED), is_due=False),
)


def told(expected: Sequence[ExpectedAlert], alerts: Sequence[Alert]) -> list[ToldAlert]:
    """alerts: firing ones that arrived."""
    return [ToldAlert(expected=one, arrived=tuple(filter(one.is_met_by, alerts))) for one in expected]
