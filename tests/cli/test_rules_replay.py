"""`driftline rules replay` says of the past what the evaluator would have done, and does none of it."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi.testclient import TestClient

from driftline_alerts.rules import load_rules, parse_rules
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_api.app import create_app
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import LabelMatcher, MatchKind
from driftline_api.promql.store_source import StoreSource
from driftline_api.settings import ApiSettings
from driftline_cli.query_source import EngineQuerySource
from driftline_cli.rule_runs.http_source import HttpSource
from driftline_cli.rule_runs.replay import Episode, replay
from driftline_core.store import Store
from tests.alerts.numbers import Time
from tests.api.prometheus_rows import NOON, insert, rollup
from tests.cli.conftest import Run

MINUTE = timedelta(minutes=1)
RULES = """
groups:
  - name: g
    interval: 1m
    rules:
      - record: service:errors:ratio5m
        expr: sum by (service) (increase(driftline_errors_total[5m])) / sum by (service) (increase(driftline_requests_total[5m]))
      - alert: Failing
        expr: service:errors:ratio5m > 0.5
        for: 2m
        keep_firing_for: 3m
        annotations: {driftline_no_data: resolve, driftline_no_data_for: 10m}
      - alert: Sticky
        expr: service:errors:ratio5m > 0.5
        annotations: {driftline_resolve_expr: 'service:errors:ratio5m < 0.05'}
      - {alert: Never, expr: driftline_requests_total < 0}
"""
BAD_MINUTES = {*range(30, 40), *range(60, 68), *range(200, 203)}


@pytest.fixture
def filled(shared_store: Store, project: str) -> tuple[Store, str]:
    """Four hours of a service, which fails in some minutes."""
    rows = [
        rollup(NOON + number * MINUTE, project=project, calls=10, errors=9 if number in BAD_MINUTES else 0)
        for number in range(240)
    ]
    insert(shared_store, "rollup_1m", rows)
    return shared_store, project


def source(store: Store, project: str) -> StoreSource:
    return StoreSource(store, project, clock=lambda: NOON + timedelta(days=1))


def live_episodes(store: Store, project: str, file: Path, start: datetime, end: datetime) -> dict[str, list[Episode]]:
    """What an evaluator that ran at every minute did."""
    clock = Time(start)
    query = EngineQuerySource(PromqlEngine(source(store, project)))
    settings = AlertSettings(rule_paths=(file,), query_offset_s=0, project=project)
    evaluator = AlertEvaluator(settings, store, query, clock)
    begun: dict[str, datetime] = {}
    ended: dict[str, list[Episode]] = {}
    while clock.now <= end:
        evaluator.evaluate_once()
        firing = {a["labels"]["alertname"] for a in evaluator.alerts_payload()["alerts"] if a["state"] == "firing"}
        for name in firing - set(begun):
            begun[name] = clock.now
        for name in set(begun) - firing:
            ended.setdefault(name, []).append(Episode(start=begun.pop(name), end=clock.now))
        clock.now += MINUTE
    evaluator.stop(deadline_s=0.2)
    for name, since in begun.items():
        ended.setdefault(name, []).append(Episode(start=since, end=None))
    return ended


def test_replay_is_what_a_live_evaluator_did(filled: tuple[Store, str], tmp_path: Path) -> None:
    store, project = filled
    file = tmp_path / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    start, end = NOON + 20 * MINUTE, NOON + 80 * MINUTE
    result = replay(load_rules([file], project=project), source(store, project), start=start, end=end, interval=MINUTE)
    replayed = {alert.alert: list(alert.episodes) for alert in result.alerts}
    assert replayed == live_episodes(store, project, file, start, end)
    assert [len(episodes) for episodes in replayed.values()] == [2, 2]
    assert result.quiet == ("Never",)
    assert result.failed == ()


def test_counts_durations_and_flaps(filled: tuple[Store, str]) -> None:
    store, project = filled
    (group,) = parse_rules(RULES, file="r.yaml", project=project)
    result = replay([group], source(store, project), start=NOON, end=NOON + 239 * MINUTE, interval=MINUTE)
    failing, sticky = result.alerts
    assert (failing.alert, dict(failing.labels)) == ("Failing", {"alertname": "Failing", "service": "chat"})
    assert (len(failing.episodes), failing.flaps) == (3, 1)
    assert failing.total == sum(failing.durations, timedelta(0)) > failing.longest
    assert (len(sticky.episodes), sticky.flaps) == (3, 1)
    first = sticky.episodes[0]
    assert first.end is not None
    assert first.end - NOON == 45 * MINUTE  # five minutes after the last failure the ratio is 0


def test_what_fires_at_the_ends_of_the_range_is_cut_there(filled: tuple[Store, str]) -> None:
    store, project = filled
    (group,) = parse_rules(RULES, file="r.yaml", project=project)
    result = replay([group], source(store, project), start=NOON + 38 * MINUTE, end=NOON + 66 * MINUTE, interval=MINUTE)
    failing = result.alerts[0]
    assert failing.episodes[0].start == NOON + 38 * MINUTE
    assert failing.episodes[-1].end is None


def test_a_rule_that_cannot_be_evaluated_is_told_of(filled: tuple[Store, str]) -> None:
    store, project = filled
    expr = 'driftline_requests_total + on (x) {__name__=~"driftline_(requests|errors)_total"}'
    text = f"groups: [{{name: g, rules: [{{alert: A, expr: '{expr}'}}]}}]"
    result = replay(
        parse_rules(text, file="r.yaml"), source(store, project), start=NOON, end=NOON + 9 * MINUTE, interval=MINUTE
    )
    (failed,) = result.failed
    assert failed.n_times >= 9
    assert "many-to-many" in failed.error


def test_a_running_api_tells_the_same_as_the_store(filled: tuple[Store, str]) -> None:
    store, project = filled
    groups = parse_rules(RULES, file="r.yaml", project=project)
    start, end = NOON + 20 * MINUTE, NOON + 80 * MINUTE
    app = create_app(ApiSettings(), store, clock=lambda: NOON + timedelta(days=1))
    headers = {"X-Driftline-Project": project}
    with TestClient(app, base_url="http://127.0.0.1/prometheus/", headers=headers) as client:
        api = HttpSource(cast("httpx.Client", client))  # its twin of another httpx
        over_http = replay(groups, api, start=start, end=end, interval=MINUTE)
        missing = [LabelMatcher(name="a", kind=MatchKind.MATCHES, value='x"(')]
        with pytest.raises(ExecutionError, match="HTTP 4"):
            api.select(missing, 0, 1)
    assert over_http == replay(groups, source(store, project), start=start, end=end, interval=MINUTE)
    assert over_http.alerts
    with httpx.Client(base_url="http://127.0.0.1:9/") as nobody, pytest.raises(ExecutionError, match="no answer"):
        HttpSource(nobody).select([], 0, 1)


def test_command_replays_the_shipped_rules_and_writes_nothing(driftline: Run, tmp_path: Path) -> None:
    arguments = ("rules", "replay", "--from", "2026-11-20", "--data-dir", str(tmp_path / "data"))
    done = driftline(*arguments, "--to", "2026-11-20T00:10:00", "--interval", "60", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["alerts"], record["failed"]) == ([], [])
    assert {"DriftlineErrorRate", "DriftlineCostSpike"} <= set(record["quiet"])
    wrong = driftline(*arguments, "--to", "2026-11-19")
    assert (wrong.returncode, "expected --to after --from" in wrong.stderr) == (1, True)
