"""The whole way: rule file, evaluation, state in the store, a real Alertmanager, a webhook."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftline_alerts.alertmanager import Alertmanager
from driftline_alerts.query import Sample
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_core.clock import utc_now
from driftline_core.store import Store
from tests.alerts.conftest import AlertmanagerProcess
from tests.alerts.numbers import Numbers, Time, rule_file
from tests.alerts.receiver import Receiver, wait_until

Open = Callable[..., AbstractContextManager[AlertEvaluator]]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(rule_file(), encoding="utf-8")
    return path


@pytest.fixture
def open_evaluator(store: Store, rules: Path) -> Open:
    """Opens an evaluator over the test's store and rule file, as a process would, and ends it."""

    @contextmanager
    def opened(query: Numbers, clock: Time, **settings: Any) -> Iterator[AlertEvaluator]:
        chosen = AlertSettings(rule_paths=(rules,), query_offset_s=0, interval_s=30, **settings)
        evaluator = AlertEvaluator(chosen, store, query, clock)
        yield evaluator
        evaluator.stop(deadline_s=0.2)

    return opened


@pytest.fixture
def clock() -> Time:
    """Starts at an aligned time close to now: Alertmanager compares with its own clock."""
    return Time(datetime.fromtimestamp(utc_now().timestamp() // 60 * 60 - 120, UTC))


def test_alert_is_notified_through_alertmanager_and_resolved(
    open_evaluator: Open, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, alertmanager_urls=(alertmanager.url,)) as evaluator:
        evaluator.evaluate_once()
        (alert,) = receiver.wait_for("firing")
        assert alert["labels"] == {"alertname": "TooHigh", "service": "chat", "severity": "critical"}
        assert alert["annotations"]["summary"] == "chat is at 5"
        assert "service=chat" in alert["annotations"]["page_url"]
        assert not [name for name in alert["annotations"] if name.startswith("driftline_")]
        query.set({"chat": 1.0})
        clock.now += timedelta(seconds=30)
        evaluator.evaluate_once()
        receiver.wait_for("resolved")
        assert evaluator.stats().firing == 0


def test_alert_sent_again_is_one_notification(
    open_evaluator: Open, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, alertmanager_urls=(alertmanager.url,)) as evaluator:
        evaluator.evaluate_once()
        receiver.wait_for("firing")
        for number in range(3):
            query.set({"chat": 6.0 + number})
            clock.now += timedelta(seconds=60)
            evaluator.evaluate_once()
        assert evaluator.stats().receivers[0].sent == 4
        query.set({"chat": 9.0, "search": 9.0})
        clock.now += timedelta(seconds=60)
        evaluator.evaluate_once()
        wait_until(lambda: any(alert["labels"]["service"] == "search" for alert in receiver.alerts()))
        assert sum(alert["labels"]["service"] == "chat" for alert in receiver.alerts()) == 1


def test_query_that_fails_while_firing_resolves_nothing_and_keeps_telling(
    open_evaluator: Open, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, alertmanager_urls=(alertmanager.url,)) as evaluator:
        evaluator.evaluate_once()
        receiver.wait_for("firing")
        query.error = "connection refused"
        for _ in range(12):
            clock.now += timedelta(seconds=60)
            stats = evaluator.evaluate_once()
        assert stats.firing == 2  # the alert itself, and that its rule cannot be evaluated
        assert stats.rules_failing == 1
        names = {alert["labels"]["alertname"] for alert in receiver.wait_for("firing", 2)}
        assert names == {"TooHigh", "DriftlineRuleEvaluationFailing"}
        with Alertmanager(alertmanager.url) as client:
            held = {alert.labels["alertname"]: alert for alert in client.alerts()}
        assert held["TooHigh"].ends_at > clock.now + timedelta(minutes=3)
        assert receiver.alerts("resolved") == []
        (rule,) = evaluator.rules_payload()["groups"][0]["rules"]
        assert (rule["health"], rule["lastError"], rule["state"]) == ("err", "connection refused", "firing")


def test_data_that_are_gone_hold_the_alert_and_are_told_of(
    open_evaluator: Open, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,), webhook_repeat_s=0) as evaluator:
        evaluator.evaluate_once()
        query.set({})
        for _ in range(4):
            clock.now += timedelta(minutes=20)
            evaluator.evaluate_once()
        assert receiver.alerts("resolved") == []
        assert [alert["labels"]["alertname"] for alert in receiver.alerts()] == ["TooHigh", "DriftlineNoData"]
        query.set({"chat": 1.0})
        clock.now += timedelta(minutes=1)
        evaluator.evaluate_once()
        assert {a["labels"]["alertname"] for a in receiver.alerts("resolved")} == {"TooHigh", "DriftlineNoData"}


def test_restart_while_pending_does_not_start_the_timer_anew(
    open_evaluator: Open, receiver: Receiver, clock: Time, rules: Path
) -> None:
    rules.write_text(rule_file(hold="5m"), encoding="utf-8")
    query = Numbers(chat=5.0)
    begin = clock.now
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        assert evaluator.evaluate_once().pending == 1
    clock.now = begin + timedelta(minutes=4)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        assert evaluator.evaluate_once().pending == 1
        clock.now = begin + timedelta(minutes=5)
        assert evaluator.evaluate_once().firing == 1
        (alert,) = receiver.alerts("firing")
        (shown,) = evaluator.alerts_payload()["alerts"]
        assert datetime.fromisoformat(shown["activeAt"]) == begin
        assert shown["value"] == "5e+00"
        assert datetime.fromisoformat(alert["startsAt"]) == begin + timedelta(minutes=5)


def test_restart_while_firing_pages_nobody_again_and_still_resolves(
    open_evaluator: Open, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    for _ in range(3):
        clock.now += timedelta(minutes=1)
        with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
            assert evaluator.evaluate_once().firing == 1
    assert len(receiver.requests) == 1
    query.set({"chat": 1.0})
    clock.now += timedelta(minutes=1)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
        evaluator.evaluate_once()
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    assert [alert["status"] for alert in receiver.alerts()] == ["firing", "resolved"]


def test_recovery_missed_while_the_process_was_away_is_told_after_the_restart(
    open_evaluator: Open, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    query.set({"chat": 1.0})
    clock.now += timedelta(hours=3)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    assert [alert["status"] for alert in receiver.alerts()] == ["firing", "resolved"]


def test_old_state_is_rebuilt_from_history(open_evaluator: Open, clock: Time, rules: Path) -> None:
    rules.write_text(rule_file(hold="10m"), encoding="utf-8")
    query = Numbers(chat=5.0)
    begin = clock.now
    with open_evaluator(query, clock) as evaluator:
        assert evaluator.evaluate_once().pending == 1
    clock.now = begin + timedelta(hours=3)
    query.asked.clear()
    with open_evaluator(query, clock) as evaluator:
        assert evaluator.evaluate_once().firing == 1
        (alert,) = evaluator.alerts_payload()["alerts"]
    assert datetime.fromisoformat(alert["activeAt"]) == clock.now - timedelta(minutes=10, seconds=30)
    assert min(time for _, time in query.asked) == clock.now - timedelta(minutes=10, seconds=30)


def test_receiver_that_was_away_hears_of_the_alert_once(open_evaluator: Open, receiver: Receiver, clock: Time) -> None:
    query = Numbers(chat=5.0)
    receiver.status = 503
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        stats = evaluator.evaluate_once(deliver_within_s=0.1)
        assert stats.receivers[0].waiting == 1
        assert "503" in stats.receivers[0].last_error
        receiver.status = 200
        receiver.requests.clear()
        clock.now += timedelta(seconds=30)
        evaluator.evaluate_once()
        clock.now += timedelta(seconds=30)
        evaluator.evaluate_once()
        assert len(receiver.alerts("firing")) == 1


def test_crash_before_delivery_loses_no_page(open_evaluator: Open, receiver: Receiver, clock: Time) -> None:
    query = Numbers(chat=5.0)
    receiver.status = 503
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once(deliver_within_s=0.1)
    receiver.status = 200
    receiver.requests.clear()
    clock.now += timedelta(seconds=30)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    assert len(receiver.alerts("firing")) == 1


def test_alertmanager_that_was_killed_learns_of_the_alert_again(
    open_evaluator: Open, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, alertmanager_urls=(alertmanager.url,)) as evaluator:
        evaluator.evaluate_once()
        receiver.wait_for("firing")
        alertmanager.stop(signal.SIGKILL)
        clock.now += timedelta(seconds=60)
        stats = evaluator.evaluate_once(deliver_within_s=0.3)
        assert stats.receivers[0].waiting == 1
        assert stats.firing == 1
        alertmanager.start()
        clock.now += timedelta(seconds=60)
        assert evaluator.evaluate_once().receivers[0].waiting == 0
        with Alertmanager(alertmanager.url) as client:
            assert [alert.labels["alertname"] for alert in client.alerts()] == ["TooHigh"]
        assert receiver.alerts("resolved") == []


def test_both_alertmanagers_and_the_webhook_are_told_and_one_that_is_away_delays_nobody(
    open_evaluator: Open, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    away = "http://127.0.0.1:9"
    urls = (away, alertmanager.url)
    with open_evaluator(query, clock, alertmanager_urls=urls, webhook_urls=(f"{receiver.url}/direct",)) as evaluator:
        evaluator.start()
        receiver.wait_for("firing", 2)
        assert {request.path for request in receiver.requests} == {"/", "/direct"}
        assert evaluator.health().is_ok
        sent = {courier.receiver: courier.sent for courier in evaluator.stats().receivers}
        assert sent["Alertmanager 127.0.0.1:9"] == 0


def test_two_evaluators_with_other_values_are_one_page(
    open_evaluator: Open, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    urls = (alertmanager.url,)
    with (
        open_evaluator(Numbers(chat=5.0), clock, alertmanager_urls=urls) as one,
        open_evaluator(Numbers(chat=7.0), clock, alertmanager_urls=urls) as other,
    ):
        one.evaluate_once()
        receiver.wait_for("firing")
        clock.now += timedelta(seconds=60)
        other.evaluate_once()
        one.evaluate_once()
        time.sleep(1.2)  # two group intervals of this Alertmanager
    assert len(receiver.alerts()) == 1


def test_page_goes_out_when_its_state_cannot_be_written(
    open_evaluator: Open, receiver: Receiver, clock: Time, store: Store
) -> None:
    query = Numbers()
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
        store.command("RENAME TABLE alert_state TO alert_state_away")
        query.set({"chat": 5.0})
        clock.now += timedelta(seconds=30)
        assert evaluator.evaluate_once().state_write_failures == 1
        assert len(receiver.alerts("firing")) == 1
        store.command("RENAME TABLE alert_state_away TO alert_state")
        clock.now += timedelta(seconds=30)
        evaluator.evaluate_once()
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        assert evaluator.evaluate_once().firing == 1
    assert len(receiver.alerts()) == 1


def test_webhook_is_reminded_of_what_still_fires(open_evaluator: Open, receiver: Receiver, clock: Time) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,), webhook_repeat_s=3600) as evaluator:
        for _ in range(5):
            evaluator.evaluate_once()
            clock.now += timedelta(minutes=30)
    assert len(receiver.alerts("firing")) == 3
    assert len({request.headers["driftline-delivery"] for request in receiver.requests}) == 3


def test_resolved_alert_of_a_rule_far_in_the_past_is_still_told(
    store: Store, rules: Path, alertmanager: AlertmanagerProcess, receiver: Receiver, clock: Time
) -> None:
    query = Numbers(chat=5.0)
    settings = AlertSettings(rule_paths=(rules,), query_offset_s=7200, alertmanager_urls=(alertmanager.url,))
    evaluator = AlertEvaluator(settings, store, query, clock)
    evaluator.evaluate_once()
    receiver.wait_for("firing")
    query.set({"chat": 1.0})
    clock.now += timedelta(seconds=30)
    evaluator.evaluate_once()
    receiver.wait_for("resolved")
    evaluator.stop(deadline_s=1)


def test_removed_rule_ends_its_alerts(open_evaluator: Open, receiver: Receiver, clock: Time, rules: Path) -> None:
    query = Numbers(chat=5.0)
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    rules.write_text(rule_file().replace("TooHigh", "Renamed"), encoding="utf-8")
    query.set({})
    with open_evaluator(query, clock, webhook_urls=(receiver.url,)) as evaluator:
        evaluator.evaluate_once()
    (alert,) = receiver.alerts("resolved")
    assert alert["annotations"]["resolved_because"] == "its rule was removed"


def test_rules_are_evaluated_at_aligned_times_less_the_offset(store: Store, rules: Path) -> None:
    query = Numbers()
    clock = Time(datetime(2026, 11, 20, 12, 0, 44, tzinfo=UTC))
    settings = AlertSettings(rule_paths=(rules,), interval_s=30, query_offset_s=45)
    evaluator = AlertEvaluator(settings, store, query, clock)
    evaluator.evaluate_once()
    evaluator.stop(deadline_s=1)
    assert query.asked == [("x > 3", datetime(2026, 11, 20, 11, 59, 45, tzinfo=UTC))]


def test_evaluator_that_stands_still_is_not_healthy(open_evaluator: Open, clock: Time) -> None:
    query = Numbers()
    with open_evaluator(query, clock) as evaluator:
        assert not evaluator.health().is_ok
        evaluator.start()
        wait_until(lambda: evaluator.stats().evaluations > 0)
        assert evaluator.health().is_ok
        query.error = "connection refused"
        clock.now += timedelta(seconds=30)
        wait_until(lambda: evaluator.stats().rules_failing > 0)
        assert "connection refused" in evaluator.health().detail
        assert not evaluator.health().is_ok


class Gate(Numbers):
    """Answers nothing until it is opened, and says when it was asked."""

    def __init__(self) -> None:
        super().__init__(chat=5.0)
        self.was_asked, self.opened = threading.Event(), threading.Event()

    def instant(self, expr: str, time: datetime) -> list[Sample]:
        self.was_asked.set()
        assert self.opened.wait(10)
        return super().instant(expr, time)


def test_stopping_does_not_wait_for_the_rules_that_are_left(store: Store, rules: Path, clock: Time) -> None:
    rule = "{{alert: A{}, expr: 'x > 3'}}"
    rules.write_text(
        f"groups: [{{name: g, rules: [{', '.join(rule.format(number) for number in range(9))}]}}]", encoding="utf-8"
    )
    query = Gate()
    evaluator = AlertEvaluator(AlertSettings(rule_paths=(rules,)), store, query, clock)
    evaluator.start()
    assert query.was_asked.wait(10)
    evaluator.stop(deadline_s=0.1)
    query.opened.set()
    wait_until(lambda: "alerts" not in {thread.name for thread in threading.enumerate()})
    assert len(query.asked) == 1
