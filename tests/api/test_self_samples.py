"""What Driftline says of itself can be asked for over time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_api.alert_stats import alert_metrics
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.store_source import StoreSource
from driftline_api.reference_stats import reference_metrics
from driftline_api.self_samples import SelfSamples
from driftline_api.store_stats import store_metrics
from driftline_core.service import Health
from driftline_core.store import Store
from tests.alerts.numbers import Numbers
from tests.api.records import NOON


@dataclass
class Part:
    """A service that is as well as it is told to be."""

    name: str
    is_ok: bool = True

    def start(self) -> None:
        pass

    def stop(self, *, deadline_s: float) -> None:
        pass

    def health(self) -> Health:
        return Health(is_ok=self.is_ok)


def test_health_and_disks_are_there_at_their_times(store: Store) -> None:
    part = Part("rollup")
    now = NOON
    samples = SelfSamples(store, [part], project="default", clock=lambda: now)
    for minute in range(3):
        now = NOON + minute * timedelta(minutes=1)
        part.is_ok = minute < 2
        assert samples.tick() >= 4
    engine = PromqlEngine(StoreSource(store, "default", clock=lambda: now))

    def values(expr: str, at: datetime) -> list[float]:
        return [float(value) for series in engine.instant(expr, at.timestamp()).series for value in series.values]

    assert values('driftline_service_healthy{service="rollup"}', NOON) == [1]
    assert values('driftline_service_healthy{service="rollup"}[5m]', now) == [1, 1, 0]
    (share,) = values("driftline_store_disk_free_bytes / driftline_store_disk_bytes", now)
    assert 0 < share < 1


def test_the_evaluators_counters_are_metrics(store: Store, tmp_path: Any) -> None:
    (tmp_path / "r.yaml").write_text("groups: [{name: g, rules: [{alert: A, expr: x > 3}]}]", encoding="utf-8")
    query = Numbers(chat=5.0)
    settings = AlertSettings(rule_paths=(tmp_path / "r.yaml",), webhook_urls=("http://127.0.0.1:9",))
    evaluator = AlertEvaluator(settings, store, query, lambda: datetime(2026, 11, 28, 12, tzinfo=UTC))
    evaluator.evaluate_once(deliver_within_s=0)
    query.error = "away"
    evaluator.evaluate_once(deliver_within_s=0)
    found = {(s.name, *s.labels.values()): s.value for family in alert_metrics([evaluator]) for s in family.samples}
    evaluator.stop(deadline_s=0.1)
    assert found["driftline_rule_evaluations_total",] == 2
    assert found["driftline_rule_evaluation_failures_total",] == 1
    assert found["driftline_rules_failing",] == 1
    assert found["driftline_rule_alerts", "firing"] == 1
    assert found["driftline_rule_evaluation_timestamp_seconds",] == pytest.approx(1795867200)
    assert any(key[0] == "driftline_notifications_sent_total" for key in found)
    assert list(alert_metrics([Part("rollup")])) == []


def test_a_store_that_is_away_has_no_disks(engine_path: Any, store: Store) -> None:
    closed = Store(store.settings)
    closed.close()
    assert list(store_metrics(closed)) == []
    assert list(reference_metrics(closed)) == []


def test_the_age_of_a_named_reference_is_that_of_its_newest_call(store: Store) -> None:
    sets = ("project", "name", "kind", "version", "service", "is_deleted")
    store.insert(
        "reference_sets",
        sets,
        [
            ("default", "spring", "range", 2, "chat", 0),
            ("default", "golden", "golden", 1, "chat", 0),
            ("default", "gone", "range", 1, "chat", 1),
        ],
    )
    versions = ("project", "name", "version", "service", "last_time")
    store.insert(
        "reference_versions",
        versions,
        [
            ("default", "spring", "1", "chat", NOON - timedelta(days=90)),
            ("default", "spring", "2", "chat", NOON - timedelta(days=50)),
            ("default", "golden", "1", "chat", NOON - timedelta(days=9000)),
            ("default", "gone", "1", "chat", NOON - timedelta(days=90)),
        ],
    )
    (family,) = reference_metrics(store, lambda: NOON)
    assert [(sample.labels, sample.value) for sample in family.samples] == [
        ({"project": "default", "service": "chat", "reference": "spring"}, 50 * 86400)
    ]
