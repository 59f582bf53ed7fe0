"""What reaches PagerDuty through real Alertmanagers: grouped, silenced, inhibited, once from two evaluators, and directly."""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftline_alerts.alertmanager import Alertmanager, Matcher
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_core.clock import utc_now
from driftline_core.store import Store
from tests.alerts.conftest import AlertmanagerProcess
from tests.alerts.numbers import Numbers, Time
from tests.alerts.pagerduty_server import ROUTING_KEY, PagerDutyServer
from tests.alerts.receiver import wait_until
from tests.ports import free_port

RULES = """
groups:
  - name: test
    rules:
      - {alert: TooHigh, expr: x > 3, labels: {severity: critical}, annotations: {summary: '{{ $labels.service }} is high'}}
      - {alert: ProviderDown, expr: x > 3, labels: {severity: warning, kind: provider}}
"""
CONFIG = f"""
route:
  receiver: nobody
  group_wait: 200ms
  group_interval: 500ms
  repeat_interval: 1h
  group_by: [alertname]
  routes: [{{matchers: [severity="critical"], receiver: pager}}]
receivers:
  - name: nobody
  - name: pager
    pagerduty_configs:
      - {{routing_key: {ROUTING_KEY}, url: 'URL'}}
inhibit_rules:
  - {{source_matchers: [alertname="ProviderDown"], target_matchers: [alertname="TooHigh"], equal: [service]}}
"""
GROUP_INTERVAL_S = 0.5


class Site:
    """Evaluators over one store and clock. rules: the text of the rule file."""

    def __init__(self, store: Store, folder: Path) -> None:
        begin_s = utc_now().timestamp() // 30 * 30 - 150  # alerts hold for four minutes, by Alertmanager's clock
        self.clock = Time(datetime.fromtimestamp(begin_s, UTC))
        self._store = store
        self._path = folder / "rules.yaml"
        self._evaluators: list[AlertEvaluator] = []
        self.rules(RULES.partition("      - {alert: ProviderDown")[0])

    def rules(self, text: str) -> None:
        self._path.write_text(text, encoding="utf-8")

    def evaluator(self, query: Numbers, **settings: Any) -> AlertEvaluator:
        chosen = AlertSettings(rule_paths=(self._path,), query_offset_s=0, interval_s=30, **settings)
        self._evaluators.append(AlertEvaluator(chosen, self._store, query, self.clock))
        return self._evaluators[-1]

    def close(self) -> None:
        for evaluator in self._evaluators:
            evaluator.stop(deadline_s=0.2)


@pytest.fixture
def site(store: Store, tmp_path: Path) -> Iterator[Site]:
    site = Site(store, tmp_path)
    yield site
    site.close()


@pytest.fixture
def open_pager(
    system_binary: Callable[[str], str], tmp_path: Path, pagerduty: PagerDutyServer
) -> Iterator[Callable[..., AlertmanagerProcess]]:
    """Starts Alertmanagers that page PagerDuty for what is critical."""
    processes: list[AlertmanagerProcess] = []

    def opened(*peers: str) -> AlertmanagerProcess:
        folder = tmp_path / f"alertmanager{len(processes)}"
        folder.mkdir()
        config = CONFIG.replace("URL", pagerduty.url)
        processes.append(AlertmanagerProcess(system_binary("prometheus-alertmanager"), folder, config, peers=peers))
        processes[-1].start()
        return processes[-1]

    yield opened
    for process in processes:
        process.stop(signal.SIGKILL)


def test_alerts_of_a_group_are_one_incident_that_ends_with_the_last(
    site: Site, open_pager: Callable[..., AlertmanagerProcess], pagerduty: PagerDutyServer
) -> None:
    query = Numbers(chat=5.0, search=6.0)
    evaluator = site.evaluator(query, alertmanager_urls=(open_pager().url,))
    evaluator.evaluate_once()
    pagerduty.wait_for_states("triggered")
    (event,) = pagerduty.events
    assert event["payload"]["custom_details"]["num_firing"] == "2"
    site.clock.now += timedelta(seconds=60)
    evaluator.evaluate_once()
    time.sleep(2.5 * GROUP_INTERVAL_S)
    assert len(pagerduty.events) == 1
    query.set({"chat": 1.0, "search": 6.0})
    site.clock.now += timedelta(seconds=30)
    evaluator.evaluate_once()
    wait_until(lambda: len(pagerduty.events) == 2)
    assert pagerduty.states() == ["triggered"]
    query.set({"chat": 1.0, "search": 1.0})
    site.clock.now += timedelta(seconds=30)
    evaluator.evaluate_once()
    pagerduty.wait_for_states("resolved")


def test_silenced_and_inhibited_alerts_page_nobody_until_that_ends(
    site: Site, open_pager: Callable[..., AlertmanagerProcess], pagerduty: PagerDutyServer
) -> None:
    site.rules(RULES)
    alertmanager = open_pager()
    now = utc_now()
    with Alertmanager(alertmanager.url) as client:
        silence = client.silence(
            [Matcher(name="alertname", value="TooHigh"), Matcher(name="service", value="cha.", is_regex=True)],
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            created_by="ops",
            comment="planned",
        )
        evaluator = site.evaluator(Numbers(chat=5.0), alertmanager_urls=(alertmanager.url,))
        evaluator.evaluate_once()
        wait_until(lambda: len(client.alerts()) == 2 and all(alert.receivers for alert in client.alerts()))
        (high,) = client.alerts([Matcher(name="alertname", value="TooHigh")])
        (down,) = client.alerts([Matcher(name="alertname", value="ProviderDown")])
        time.sleep(2.5 * GROUP_INTERVAL_S)
        (high,) = client.alerts([Matcher(name="alertname", value="TooHigh")])
        assert (high.state, high.silenced_by, high.inhibited_by) == ("suppressed", (silence,), (down.fingerprint,))
        client.expire_silence(silence)
        time.sleep(2.5 * GROUP_INTERVAL_S)
        assert pagerduty.events == []  # still inhibited
        site.rules(RULES.partition("      - {alert: ProviderDown")[0])
        site.clock.now += timedelta(seconds=30)
        site.evaluator(Numbers(chat=5.0), alertmanager_urls=(alertmanager.url,)).evaluate_once()
        pagerduty.wait_for_states("triggered")


def test_two_evaluators_and_two_alertmanagers_are_one_page_though_one_dies(
    site: Site, open_pager: Callable[..., AlertmanagerProcess], pagerduty: PagerDutyServer
) -> None:
    gossip = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    pagers = [open_pager(*gossip), open_pager(*reversed(gossip))]
    for pager in pagers:
        with Alertmanager(pager.url) as client:
            wait_until(lambda client=client: client.status().cluster == "ready")  # type: ignore[misc]
    values = [Numbers(chat=5.0), Numbers(chat=7.0)]
    urls = tuple(pager.url for pager in pagers)
    evaluators = [site.evaluator(query, alertmanager_urls=urls) for query in values]
    for evaluator in evaluators:
        evaluator.evaluate_once()
    pagerduty.wait_for_states("triggered")
    time.sleep(1 + 2.5 * GROUP_INTERVAL_S)  # the second waits peer-timeout for the first
    assert len(pagerduty.events) == 1
    pagers[0].stop(signal.SIGKILL)
    site.clock.now += timedelta(seconds=60)
    for evaluator in evaluators:
        evaluator.evaluate_once(deliver_within_s=0.2)
    pagers[0].start()
    site.clock.now += timedelta(seconds=60)
    for query, evaluator in zip(values, evaluators, strict=True):
        query.set({"chat": 1.0})
        evaluator.evaluate_once()
    pagerduty.wait_for_states("resolved")
    time.sleep(1 + 2.5 * GROUP_INTERVAL_S)
    assert [event["event_action"] for event in pagerduty.events] == ["trigger", "resolve"]


def test_incident_without_alertmanager_is_made_and_ended_once_and_survives_queries_that_fail(
    site: Site, pagerduty: PagerDutyServer
) -> None:
    site.rules(RULES)
    query = Numbers(chat=5.0, search=6.0)
    settings = {
        "pagerduty_routing_key": ROUTING_KEY,
        "pagerduty_url": pagerduty.url,
        "pagerduty_severities": ("critical",),
    }
    evaluator = site.evaluator(query, **settings)
    evaluator.evaluate_once()
    pagerduty.wait_for_states("triggered", "triggered")
    assert {event["payload"]["class"] for event in pagerduty.events} == {"TooHigh"}
    assert "service=chat" in pagerduty.events[0]["links"][0]["href"]
    query.error = "the store is away"
    for _ in range(3):
        site.clock.now += timedelta(minutes=1)
        evaluator.evaluate_once()
    assert pagerduty.states()[:2] == ["triggered", "triggered"]
    query.error = None
    query.set({"chat": 1.0, "search": 6.0})
    site.clock.now += timedelta(minutes=1)
    evaluator.evaluate_once()
    pagerduty.wait_for_states("resolved", "triggered")
    assert [event["event_action"] for event in pagerduty.events] == ["trigger", "trigger", "resolve"]
