"""What was planted beside what was found. Pure: API answers in, a verdict out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from driftline_cli.demo.told import Alert, ExpectedAlert, ToldAlert, told
from driftline_cli.demo.traffic import Slice

FIELDS: Final = ("prompt", "completion")
_ALSO: Final = {"completion": ("completion_chars", "output_tokens")}
"""Numbers of a text: where the answers change, so does their length."""

Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentVerdict:
    """One segment (service x model x field). n_windows: tested ones; n_drift: of them called drift; longest_run: most in a row.

    first_drift: the earliest finding called drift, worst: the one with the greatest effect; None without any. alerts: names of the
    alerts that were delivered about it.
    """

    service: str
    model: str
    field: str
    is_planted: bool
    n_windows: int
    n_drift: int
    longest_run: int
    min_p_value: float | None
    first_drift: Finding | None
    worst: Finding | None
    alerts: tuple[str, ...]

    @property
    def is_found(self) -> bool:
        """Drift in two windows in a row, and somebody was told."""
        return self.longest_run >= 2 and bool(self.alerts)

    @property
    def is_right(self) -> bool:
        """Planted and found, or not planted and nobody was told."""
        return self.is_found if self.is_planted else not self.alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """segments: every one that was tested; told: alerts of the incidents; other_alerts: names of those that belong to neither."""

    segments: tuple[SegmentVerdict, ...]
    told: tuple[ToldAlert, ...]
    other_alerts: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        is_all_found = bool(self.segments) and all(segment.is_right for segment in self.segments)
        return is_all_found and all(one.is_right for one in self.told) and not self.other_alerts

    @property
    def planted(self) -> SegmentVerdict:
        """The planted segment. Raises StopIteration when it was never tested."""
        return next(segment for segment in self.segments if segment.is_planted)


def judge(
    slices: Sequence[Slice],
    findings: Sequence[Finding],
    payloads: Sequence[Mapping[str, Any]],
    *,
    expected: Sequence[ExpectedAlert] = (),
) -> Verdict:
    """findings: every finding of the drift analyzer; payloads: the webhook bodies that arrived; expected: alerts beside those of drift."""
    firing = [alert for payload in payloads for alert in payload.get("alerts", []) if alert.get("status") == "firing"]
    claimed = [number for number, alert in enumerate(firing) if any(one.is_met_by(alert) for one in expected)]
    segments = []
    for source in slices:
        for field in FIELDS:
            fields = (field, *_ALSO.get(field, ()))
            mine = [number for number, alert in enumerate(firing) if _is_about(alert, source, fields)]
            claimed += mine
            names = sorted({str(firing[number]["labels"].get("alertname", "")) for number in mine})
            segments.append(_segment(source, field, findings, tuple(names)))
    other = sorted(
        {str(alert["labels"].get("alertname", "")) for number, alert in enumerate(firing) if number not in claimed}
    )
    return Verdict(segments=tuple(segments), told=tuple(told(expected, firing)), other_alerts=tuple(other))


def moment(finding: Finding, key: str) -> datetime:
    """A time of a finding."""
    return datetime.fromisoformat(finding[key])


def _segment(source: Slice, field: str, findings: Sequence[Finding], alerts: tuple[str, ...]) -> SegmentVerdict:
    mine = sorted(
        (
            finding
            for finding in findings
            if (finding["service"], finding["model"], finding["field"]) == (source.service, source.model, field)
            and finding["status"] in ("ok", "drift")
        ),
        key=lambda finding: moment(finding, "window_end"),
    )
    drifted = [finding for finding in mine if finding["status"] == "drift"]
    run = longest = 0
    for finding in mine:
        run = run + 1 if finding["status"] == "drift" else 0
        longest = max(longest, run)
    p_values = [finding["p_value"] for finding in mine if finding["p_value"] is not None]
    return SegmentVerdict(
        service=source.service,
        model=source.model,
        field=field,
        is_planted=source.is_drift_planted and field == "completion",
        n_windows=len(mine),
        n_drift=len(drifted),
        longest_run=longest,
        min_p_value=min(p_values, default=None),
        first_drift=drifted[0] if drifted else None,
        worst=max(drifted, key=lambda finding: finding["effect_size"] or 0.0, default=None),
        alerts=alerts,
    )


def _is_about(alert: Alert, source: Slice, fields: Sequence[str]) -> bool:
    labels = alert.get("labels", {})
    return (labels.get("service"), labels.get("model")) == (source.service, source.model) and labels.get(
        "field"
    ) in fields
