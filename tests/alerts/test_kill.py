"""Evaluators that are killed with signal 9: no page lost, none doubled, none resolved that still holds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.alerts.number_server import NumberServer
from tests.alerts.numbers import rule_file
from tests.alerts.pagerduty_server import ROUTING_KEY, PagerDutyServer
from tests.alerts.receiver import Receiver, wait_until


class EvaluatorProcess:
    """One evaluator with its store, which stays between start and kill. It pages PagerDuty and a webhook."""

    def __init__(self, folder: Path, query_url: str, environment: dict[str, str]) -> None:
        self.rules = folder / "rules.yaml"
        self.rules.write_text(rule_file(), encoding="utf-8")
        self._folder = folder
        self._query_url = query_url
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with (self._folder / "evaluator.log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.alerts.evaluator_process"),
                    *(str(self._folder / "store"), str(self.rules), self._query_url),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", (self._folder / "evaluator.log").read_text()

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@pytest.fixture
def query() -> Iterator[NumberServer]:
    server = NumberServer()
    yield server
    server.close()


@pytest.fixture
def evaluator(
    tmp_path: Path, query: NumberServer, pagerduty: PagerDutyServer, receiver: Receiver
) -> Iterator[EvaluatorProcess]:
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DRIFTLINE_ALERTS_PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
        "DRIFTLINE_ALERTS_PAGERDUTY_URL": f"{pagerduty.url}/v2/enqueue",
        "DRIFTLINE_ALERTS_WEBHOOK_URLS": receiver.url,
    }
    process = EvaluatorProcess(tmp_path, query.url, environment)
    yield process
    process.kill()


def evaluations(query: NumberServer, count: int) -> None:
    """Return after so many more questions."""
    begin = query.n_asked
    wait_until(lambda: query.n_asked >= begin + count)


def test_kill_while_pending_and_while_firing_makes_one_page_and_no_false_end(
    evaluator: EvaluatorProcess, query: NumberServer, pagerduty: PagerDutyServer, receiver: Receiver
) -> None:
    evaluator.rules.write_text(rule_file(hold="3s"), encoding="utf-8")
    query.numbers.set({"chat": 5.0})
    evaluator.start()
    evaluations(query, 2)
    evaluator.kill()
    assert pagerduty.states() == []
    (_, first), n_before = query.numbers.asked[0], query.n_asked
    evaluator.start()
    pagerduty.wait_for_states("triggered")
    (alert,) = receiver.wait_for("firing")
    _, again = query.numbers.asked[n_before]
    waited = datetime.fromisoformat(alert["startsAt"]) - max(first + timedelta(seconds=3), again)
    assert waited < timedelta(seconds=2)  # the timer went on while nobody evaluated
    evaluations(query, 2)  # the answers are marked; test_direct kills before that
    evaluator.kill()
    query.numbers.error = "the store is away"
    evaluator.start()
    evaluations(query, 2)
    query.numbers.error = None
    evaluations(query, 2)
    assert (pagerduty.states(), len(pagerduty.events)) == (["triggered"], 1)
    assert [alert["status"] for alert in receiver.alerts()] == ["firing"]
    query.numbers.set({"chat": 1.0})
    pagerduty.wait_for_states("resolved")
    receiver.wait_for("resolved")
    assert [alert["status"] for alert in receiver.alerts()] == ["firing", "resolved"]


def test_kill_while_the_page_cannot_be_sent_loses_it_not_even_when_the_alert_ends_meanwhile(
    evaluator: EvaluatorProcess, query: NumberServer, pagerduty: PagerDutyServer, receiver: Receiver
) -> None:
    pagerduty.status = receiver.status = 503
    query.numbers.set({"chat": 5.0})
    evaluator.start()
    wait_until(lambda: bool(pagerduty.events) and bool(receiver.requests))
    evaluator.kill()
    receiver.requests.clear()
    query.numbers.set({"chat": 1.0})
    pagerduty.status, receiver.status = 202, 200
    evaluator.start()
    pagerduty.wait_for_states("resolved")
    receiver.wait_for("resolved")
    assert [incident.summary for incident in pagerduty.incidents] == ["chat is at 5"]
    assert [alert["status"] for alert in receiver.alerts()] == ["firing", "resolved"]
