"""What counts as found, and what as a false alarm."""

from datetime import UTC, datetime, timedelta
from typing import Any

from driftline_cli.demo.told import EXPECTED, ExpectedAlert
from driftline_cli.demo.traffic import SLICES, Slice
from driftline_cli.demo.verdict import judge

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
PLANTED, OTHER = SLICES[0], SLICES[1]


def finding(source: Slice, number: int, status: str, field: str = "completion") -> dict[str, Any]:
    return {
        "service": source.service,
        "model": source.model,
        "field": field,
        "status": status,
        "p_value": 0.001 if status == "drift" else 0.4,
        "effect_size": 10.0 + number,
        "window_start": (MIDNIGHT + timedelta(hours=12 * number)).isoformat(),
        "window_end": (MIDNIGHT + timedelta(hours=12 * (number + 1))).isoformat(),
    }


def payload(source: Slice, field: str = "completion", **labels: str) -> dict[str, Any]:
    about = {"alertname": "Drift", "service": source.service, "model": source.model, "field": field, **labels}
    return {"alerts": [{"status": "firing", "labels": about}]}


def drifted() -> list[dict[str, Any]]:
    statuses = ["ok", "drift", "drift", "drift"]
    return [finding(PLANTED, number, status) for number, status in enumerate(statuses)] + [
        finding(OTHER, number, "ok") for number in range(4)
    ]


def test_planted_drift_that_was_found_and_told_is_right() -> None:
    verdict = judge(SLICES, drifted(), [payload(PLANTED)])
    assert verdict.is_right
    assert verdict.planted.longest_run == 3
    assert verdict.planted.first_drift == finding(PLANTED, 1, "drift")
    assert verdict.planted.worst == finding(PLANTED, 3, "drift")


def test_drift_that_nobody_was_told_of_is_not_right() -> None:
    assert not judge(SLICES, drifted(), []).is_right


def test_an_alert_without_two_windows_in_a_row_is_not_right() -> None:
    findings = [finding(PLANTED, 0, "drift"), finding(PLANTED, 1, "ok"), finding(PLANTED, 2, "drift")]
    assert not judge(SLICES, findings, [payload(PLANTED)]).is_right


def test_an_alert_about_another_slice_is_not_right() -> None:
    assert not judge(SLICES, drifted(), [payload(PLANTED), payload(OTHER)]).is_right
    assert not judge(SLICES, drifted(), [payload(PLANTED), payload(PLANTED, field="prompt")]).is_right


def test_an_alert_about_the_length_of_the_answers_belongs_to_them() -> None:
    told = [payload(PLANTED), payload(PLANTED, field="output_tokens")]
    assert judge(SLICES, drifted(), told).is_right
    assert not judge(SLICES, drifted(), [payload(PLANTED), payload(OTHER, field="output_tokens")]).is_right
    assert not judge(SLICES, drifted(), [payload(PLANTED), payload(PLANTED, field="duration_ms")]).is_right


def test_an_alert_about_anything_else_is_not_right() -> None:
    other = {"alerts": [{"status": "firing", "labels": {"alertname": "CostSpike", "service": "support-chat"}}]}
    verdict = judge(SLICES, drifted(), [payload(PLANTED), other])
    assert verdict.other_alerts == ("CostSpike",)
    assert not verdict.is_right


def test_one_unlucky_window_elsewhere_without_an_alert_is_no_false_alarm() -> None:
    findings = [*drifted(), finding(OTHER, 9, "drift")]
    assert judge(SLICES, findings, [payload(PLANTED)]).is_right


def test_windows_with_too_few_texts_count_for_nothing() -> None:
    findings = [*drifted(), finding(PLANTED, 8, "insufficient")]
    assert judge(SLICES, findings, [payload(PLANTED)]).planted.n_windows == 4


def incident(expected: ExpectedAlert, **labels: str) -> dict[str, Any]:
    return {"alerts": [{"status": "firing", "labels": {"alertname": expected.name, **expected.labels, **labels}}]}


def test_every_alert_that_is_due_must_come_and_about_its_slice() -> None:
    due = [one for one in EXPECTED if one.is_due]
    arrived = [payload(PLANTED), *(incident(one) for one in due)]
    assert judge(SLICES, drifted(), arrived, expected=EXPECTED).is_right
    for number in range(1, len(arrived)):
        without = arrived[:number] + arrived[number + 1 :]
        assert not judge(SLICES, drifted(), without, expected=EXPECTED).is_right
        elsewhere = [*without, incident(due[number - 1], service="help-search")]
        verdict = judge(SLICES, drifted(), elsewhere, expected=EXPECTED)
        assert verdict.other_alerts == (due[number - 1].name,)
        assert not verdict.is_right


def test_an_alert_that_depends_on_the_hour_may_come() -> None:
    arrived = [payload(PLANTED), *(incident(one) for one in EXPECTED)]
    assert judge(SLICES, drifted(), arrived, expected=EXPECTED).is_right
