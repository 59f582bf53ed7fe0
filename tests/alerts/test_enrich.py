"""What is added to an alert: examples of the finding behind it, and links."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driftline_alerts.enrich import MAX_EXAMPLE_CHARACTERS, example_lines, links
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_core.store import Store
from tests.alerts.numbers import Numbers, Time, rule_file
from tests.alerts.receiver import Receiver

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COLUMNS = (
    "finding_id", "project", "analyzer", "analyzer_version", "service", "model", "field", "prompt_version", "window_start",
    "window_end", "reference", "status", "statistic", "p_value", "p_value_corrected", "alpha", "effect_size", "n_reference",
    "n_current", "n_effective", "explanation",
)  # fmt: skip


def insert_finding(
    store: Store, *, end: datetime, status: str = "drift", text: str = "a new topic", reference: str = "previous"
) -> None:
    examples = [
        {"text": f"{text} {number}", "trace_id": "0a" * 16, "span_id": "0b" * 8, "novelty": 1.0} for number in range(5)
    ]
    explanation = json.dumps({"examples": examples})
    row = (
        f"{end} {reference}", "default", "semantic_drift", "1", "chat", "m", "completion", "v2", end - timedelta(hours=1),
        end, reference, status, 0.1, 0.001, 0.004, 0.01, 9.25, 400, 120, 60, explanation,
    )  # fmt: skip
    store.insert("findings", COLUMNS, [row])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    text = rule_file().replace("driftline_no_data: hold", "driftline_no_data: hold, driftline_examples: semantic_drift")
    path.write_text(text, encoding="utf-8")
    return path


def test_alert_carries_examples_of_the_newest_drifted_window(store: Store, rules: Path, receiver: Receiver) -> None:
    insert_finding(store, end=NOW - timedelta(hours=2), text="older")
    insert_finding(store, end=NOW - timedelta(hours=1))
    insert_finding(store, end=NOW, status="ok", text="fine")
    settings = AlertSettings(rule_paths=(rules,), query_offset_s=0, webhook_urls=(receiver.url,))
    fire(store, settings)
    (alert,) = receiver.alerts("firing")
    trace = "0a" * 16
    assert alert["annotations"]["examples"].splitlines() == [f"- a new topic {n} (trace {trace})" for n in range(3)]
    assert alert["annotations"]["finding"] == (
        "p-value 0.001 (corrected 0.004), effect 9.2 standard deviations of its null, 120 texts against 400 of previous, "
        "window 2026-11-20 10:00 to 2026-11-20 11:00 UTC, prompt version v2"
    )


def test_alert_about_groups_carries_examples_of_the_gap(store: Store, rules: Path, receiver: Receiver) -> None:
    insert_finding(store, end=NOW - timedelta(hours=1), status="gap", text="about them")
    insert_finding(store, end=NOW, status="insufficient", text="too few")
    fire(store, AlertSettings(rule_paths=(rules,), query_offset_s=0, webhook_urls=(receiver.url,)))
    (alert,) = receiver.alerts("firing")
    assert alert["annotations"]["examples"].startswith("- about them 0 (trace ")


@pytest.mark.parametrize(("reference", "told"), [("baseline", "old"), ("previous", "new"), ("", "new")])
def test_alert_about_one_reference_tells_nothing_of_another(
    store: Store, rules: Path, receiver: Receiver, reference: str, told: str
) -> None:
    insert_finding(store, end=NOW - timedelta(hours=2), text="old", reference="baseline")
    insert_finding(store, end=NOW - timedelta(hours=1), text="new", reference="previous")
    text = rules.read_text(encoding="utf-8").replace("severity: critical", f"reference: '{reference}'")
    rules.write_text(text, encoding="utf-8")
    fire(store, AlertSettings(rule_paths=(rules,), query_offset_s=0, webhook_urls=(receiver.url,)))
    (alert,) = receiver.alerts("firing")
    assert alert["annotations"]["examples"].startswith(f"- {told} 0 (trace ")


def test_examples_stay_here_when_they_are_switched_off(store: Store, rules: Path, receiver: Receiver) -> None:
    insert_finding(store, end=NOW)
    settings = AlertSettings(
        rule_paths=(rules,), query_offset_s=0, webhook_urls=(receiver.url,), include_examples=False
    )
    fire(store, settings)
    assert "examples" not in receiver.alerts("firing")[0]["annotations"]
    assert "finding" in receiver.alerts("firing")[0]["annotations"]


def test_alert_goes_out_when_there_is_no_finding(store: Store, rules: Path, receiver: Receiver) -> None:
    settings = AlertSettings(rule_paths=(rules,), query_offset_s=0, webhook_urls=(receiver.url,))
    fire(store, settings)
    assert "finding" not in receiver.alerts("firing")[0]["annotations"]


def fire(store: Store, settings: AlertSettings) -> None:
    evaluator = AlertEvaluator(settings, store, Numbers(chat=5.0), Time(NOW))
    evaluator.evaluate_once()
    evaluator.stop(deadline_s=1)


@pytest.mark.parametrize("explanation", ["", "[]", "null", '{"examples": 3}', '{"examples": [1, {}, {"text": " "}]}'])
def test_explanation_without_examples_gives_none(explanation: str) -> None:
    assert example_lines(explanation) == []


def test_long_example_is_cut_and_lines_are_joined() -> None:
    (line,) = example_lines(json.dumps({"examples": [{"text": "a\nb " * 500}]}))
    assert len(line) == MAX_EXAMPLE_CHARACTERS + 2
    assert line.startswith("- a b a b")


def test_links_lead_to_page_runbook_and_dashboard() -> None:
    settings = AlertSettings(
        external_url="https://driftline.example/",
        grafana_url="https://grafana.example",
        runbook_base_url="https://git.example/b/",
    )
    labels = {"alertname": "A", "service": "chat", "model": "a/b"}
    assert links(settings, labels, {"runbook_url": "docs/runbooks/x.md"}) == {
        "page_url": "https://driftline.example/?service=chat&model=a%2Fb#alerts",
        "runbook_url": "https://git.example/b/docs/runbooks/x.md",
        "dashboard_url": "https://grafana.example/d/driftline-overview?var-service=chat&var-model=a%2Fb",
    }
    assert "runbook_url" not in links(settings, labels, {"runbook_url": "https://wiki.example/x"})
