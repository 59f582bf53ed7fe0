"""Recording rules: what they keep is there for the rules after them and for the query API, and a failure of theirs resolves nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driftline_alerts.expressions import metric_names
from driftline_alerts.query import Sample
from driftline_alerts.recording import record
from driftline_alerts.rules import AlertRule, RecordingRule, parse_rules
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.matchers import equal
from driftline_api.promql.store_source import StoreSource
from driftline_cli.query_source import EngineQuerySource
from driftline_core.errors import QueryError
from driftline_core.store import Store
from tests.alerts.numbers import Time
from tests.api.prometheus_rows import NOON, insert, rollup

RULES = """
groups:
  - name: g
    rules:
      - {record: 'service:requests:rate5m', expr: 'sum by (service) (rate(driftline_requests_total[5m])) > 0'}
      - {record: 'service:requests:perminute', expr: '60 * service:requests:rate5m', labels: {unit: minute}}
      - {alert: Busy, expr: 'service:requests:perminute > 10'}
"""
MINUTE = timedelta(minutes=1)


class Flaky:
    """The store's engine, until error is set: then every query of a metric of the catalogue fails."""

    def __init__(self, engine: PromqlEngine) -> None:
        self._source = EngineQuerySource(engine)
        self.error: str | None = None

    def instant(self, expr: str, time: datetime) -> Sequence[Sample]:
        if self.error is not None and "driftline_" in expr:
            raise QueryError(self.error)
        return self._source.instant(expr, time)


Open = Callable[[], AbstractContextManager[AlertEvaluator]]


@pytest.fixture
def clock() -> Time:
    return Time(NOON)


@pytest.fixture
def query(store: Store, clock: Time) -> Flaky:
    return Flaky(PromqlEngine(StoreSource(store, "default", clock=clock)))


@pytest.fixture
def opened(store: Store, clock: Time, query: Flaky, tmp_path: Path) -> Open:
    """Opens an evaluator over the test's store, as a process would."""
    file = tmp_path / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")

    @contextmanager
    def make() -> Iterator[AlertEvaluator]:
        settings = AlertSettings(rule_paths=(file,), query_offset_s=0, interval_s=60)
        evaluator = AlertEvaluator(settings, store, query, clock)
        yield evaluator
        evaluator.stop(deadline_s=0.2)

    return make


def busy(store: Store, *, minutes: int, calls: int = 20) -> None:
    insert(store, "rollup_1m", [rollup(NOON + number * MINUTE, calls=calls) for number in range(minutes)])


def evaluate(evaluator: AlertEvaluator, clock: Time, *, minutes: range) -> list[int]:
    """Alerts that fire after each minute's evaluation."""
    firing = []
    for minute in minutes:
        clock.now = NOON + minute * MINUTE
        firing.append(evaluator.evaluate_once().firing)
    return firing


def recorded(query: Flaky, clock: Time, name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(sample.labels), round(sample.value, 6)) for sample in query.instant(name, clock.now)]


def test_later_rules_and_the_query_api_read_what_earlier_ones_recorded(
    store: Store, clock: Time, query: Flaky, opened: Open
) -> None:
    busy(store, minutes=6)
    with opened() as evaluator:
        assert evaluate(evaluator, clock, minutes=range(5, 7)) == [1, 1]
        assert recorded(query, clock, "service:requests:perminute") == [
            ({"__name__": "service:requests:perminute", "service": "chat", "unit": "minute"}, 20.0)
        ]
        (group, _) = evaluator.rules_payload()["groups"]
        assert [(rule["type"], rule["health"]) for rule in group["rules"]] == [
            ("recording", "ok"),
            ("recording", "ok"),
            ("alerting", "ok"),
        ]
        (alert,) = evaluator.alerts_payload()["alerts"]
        assert alert["labels"] == {"alertname": "Busy", "service": "chat", "unit": "minute"}
    history = PromqlEngine(StoreSource(store, "default", clock=clock)).instant(
        '{__name__=~"service:.*rate5m"}[10m]', clock.now.timestamp()
    )
    assert [len(series.times_ms) for series in history.series] == [2]
    now_ms = int(clock.now.timestamp() * 1000)
    label_sets = StoreSource(store, "default", clock=clock).label_sets([equal("unit", "minute")], 0, now_ms)
    assert label_sets == [(("__name__", "service:requests:perminute"), ("service", "chat"), ("unit", "minute"))]
    assert StoreSource(store, "other", clock=clock).label_sets([], 0, now_ms) == []


def test_a_series_without_result_ends_at_once_also_across_a_restart(
    store: Store, clock: Time, query: Flaky, opened: Open
) -> None:
    busy(store, minutes=5)
    with opened() as evaluator:
        evaluate(evaluator, clock, minutes=range(4, 9))
        assert recorded(query, clock, "service:requests:rate5m")
    with opened() as evaluator:
        evaluate(evaluator, clock, minutes=range(11, 12))
    assert recorded(query, clock, "service:requests:rate5m") == []
    assert recorded(query, clock, "service:requests:perminute") == []


def test_a_failing_recording_rule_holds_the_alerts_that_read_it(
    store: Store, clock: Time, query: Flaky, opened: Open
) -> None:
    busy(store, minutes=6)
    with opened() as evaluator:
        evaluate(evaluator, clock, minutes=range(5, 6))
        query.error = "connection refused"
        firing = evaluate(evaluator, clock, minutes=range(6, 20))
        assert firing[-1] == 4  # Busy, and each of the three rules that cannot be evaluated
        (group, _) = evaluator.rules_payload()["groups"]
        assert "recording rule service:requests:rate5m failed: connection refused" in group["rules"][1]["lastError"]
        assert group["rules"][2]["state"] == "firing"
        assert not evaluator.health().is_ok
        query.error = None
        insert(store, "rollup_1m", [rollup(NOON + number * MINUTE, calls=2) for number in range(10, 20)])
        assert evaluate(evaluator, clock, minutes=range(20, 21)) == [0]


def test_recording_rules_are_caught_up_for_the_time_that_alerts_are(
    store: Store, clock: Time, query: Flaky, opened: Open, tmp_path: Path
) -> None:
    lasting = "      - {alert: Lasting, expr: 'service:requests:perminute > 10', for: 4m}\n"
    (tmp_path / "rules.yaml").write_text(RULES + lasting, encoding="utf-8")
    busy(store, minutes=180)
    with opened() as evaluator:
        assert evaluate(evaluator, clock, minutes=range(5, 11))[-1] == 2
    with opened() as evaluator:  # two hours later: what was pending is asked of the past, which nobody had recorded
        assert evaluate(evaluator, clock, minutes=range(130, 131)) == [2]
    times = query.instant("count_over_time(service:requests:perminute[10m])", clock.now)
    assert [sample.value for sample in times] == [6.0]


def test_results_take_the_rules_labels_and_must_stay_apart() -> None:
    (group,) = parse_rules(
        "groups: [{name: g, rules: [{record: r, expr: x, labels: {team: a, pod: ''}}]}]", file="r.yaml"
    )
    (rule,) = group.rules
    assert isinstance(rule, RecordingRule)
    at = datetime(2026, 11, 28, tzinfo=UTC)
    samples = [
        Sample(labels={"__name__": "x", "service": name, "pod": "p", "team": "b"}, value=1.0, timestamp=at)
        for name in ("chat", "search")
    ]
    assert record(rule, samples) == {
        (("service", "chat"), ("team", "a")): 1.0,
        (("service", "search"), ("team", "a")): 1.0,
    }
    with pytest.raises(QueryError, match="different labels"):
        record(rule, [samples[0], samples[0]])
    with pytest.raises(QueryError, match="at most 1"):
        record(rule, samples, limit=1)


def test_every_metric_that_a_rule_reads_is_known() -> None:
    (group,) = parse_rules(
        """
groups:
  - name: g
    rules:
      - alert: A
        expr: (a > 1) and on (x) -sum(rate(b[5m])) or quantile(scalar(c), max_over_time(d[1h:1m])) unless {__name__="e"}
        annotations: {driftline_min_samples: '5', driftline_samples_expr: f, driftline_resolve_expr: g < 2}
""",
        file="r.yaml",
    )
    (rule,) = group.rules
    assert isinstance(rule, AlertRule)
    assert sorted(rule.metric_names) == list("abcdefg")
    assert metric_names("1 + 2") == frozenset()
