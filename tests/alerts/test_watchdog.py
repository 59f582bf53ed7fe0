"""The alert that always fires, so that its absence can be told of."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driftline_alerts.alertmanager import Alertmanager
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.store_source import StoreSource
from driftline_cli.query_source import EngineQuerySource
from driftline_core.clock import utc_now
from driftline_core.store import Store
from tests.alerts.conftest import AlertmanagerProcess
from tests.alerts.numbers import Numbers, Time
from tests.alerts.receiver import Receiver


def test_watchdog_fires_with_the_shipped_rules_and_stops_when_none_can_be_evaluated(
    store: Store, alertmanager: AlertmanagerProcess, receiver: Receiver
) -> None:
    clock = Time(datetime.fromtimestamp(utc_now().timestamp() // 60 * 60 - 120, UTC))
    query = EngineQuerySource(PromqlEngine(StoreSource(store, "default", clock=clock)))
    settings = AlertSettings(query_offset_s=0, alertmanager_urls=(alertmanager.url,))
    evaluator = AlertEvaluator(settings, store, query, clock)
    evaluator.evaluate_once()
    (alert,) = receiver.wait_for("firing")
    assert alert["labels"] == {"alertname": "DriftlineWatchdog", "severity": "none"}
    evaluator.stop(deadline_s=0.2)

    broken = Numbers()
    broken.error = "the store does not answer"
    evaluator = AlertEvaluator(settings, store, broken, clock)
    clock.now += timedelta(minutes=1)
    evaluator.evaluate_once()
    (alert,) = receiver.wait_for("resolved")
    assert alert["labels"]["alertname"] == "DriftlineWatchdog"
    with Alertmanager(alertmanager.url) as client:
        assert client.alerts() == []
    evaluator.stop(deadline_s=0.2)


def test_direct_receivers_and_own_rules_hear_nothing_of_it(store: Store, receiver: Receiver) -> None:
    clock = Time(utc_now())
    query = EngineQuerySource(PromqlEngine(StoreSource(store, "default", clock=clock)))
    evaluator = AlertEvaluator(AlertSettings(webhook_urls=(receiver.url,)), store, query, clock)
    assert evaluator.evaluate_once().firing == 0
    assert receiver.alerts() == []
    evaluator.stop(deadline_s=0.2)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=DriftlineWatchdog", "severity=none"), "dead-mans-switch"),
        (("alertname=DriftlineProviderDown", "severity=critical"), "on-call"),
        (("alertname=DriftlineTokenSpike", "severity=warning"), "tickets"),
    ],
)
def test_shipped_alertmanager_configuration_sends_it_to_the_switch_alone(
    system_binary: Callable[[str], str], labels: tuple[str, ...], receiver: str
) -> None:
    config = Path(__file__).parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
    done = subprocess.run(
        [system_binary("amtool"), "config", "routes", "test", f"--config.file={config}", *labels],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, receiver), done.stderr
