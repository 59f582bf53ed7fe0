"""Several workers over one store, and what a runner says of itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_api.analysis_stats import COUNTERS, analysis_metrics, analysis_stats
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from driftline_core.store.lease import Leases
from tests.analyzers.runner.running import HOUR, findings, run, settings, steady
from tests.analyzers.traffic import EPOCH, store_calls


@pytest.fixture
def shared_store(server_dsn: str) -> Iterator[Store]:
    """A server's store, as workers share one."""
    store = Store(StoreSettings(dsn=SecretStr(server_dsn), database="shared"))
    migrate(store)
    yield store
    store.command("DROP DATABASE shared SYNC")
    store.close()


def test_a_project_that_another_worker_is_at_is_passed_over(shared_store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(shared_store, steady(2))
    other = Leases(shared_store, worker="other", settle=timedelta(milliseconds=100)).acquire("analyzers/default")
    assert other is not None
    passed = AnalysisRunner(settings(), shared_store, lambda: EPOCH + 5 * HOUR, embedder=embedder)
    assert passed.run_once().windows == 0
    assert findings(shared_store) == []
    other.release()
    assert passed.run_once().windows == 2
    written = findings(shared_store)
    again = AnalysisRunner(settings(), shared_store, lambda: EPOCH + 5 * HOUR, embedder=embedder)
    assert again.run_once().windows == 0  # what one has done, no other does again
    assert findings(shared_store) == written


def test_a_runner_counts_what_it_did_and_has_no_lag_when_it_is_done(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(2))
    runner = run(store, embedder, hours=5)
    stats = runner.stats()
    assert (stats.runs, stats.tested_windows, stats.failed_windows) == (1, 2, 0)
    assert stats.findings == len(findings(store))
    assert (dict(stats.lag_s), dict(stats.waiting)) == ({"default": 0.0}, {"default": 0})
    service = runner.service()
    counted = analysis_stats(service)
    assert counted is not None
    assert counted.keys() >= COUNTERS.keys()
    samples = {sample.name: sample.value for metric in analysis_metrics([service]) for sample in metric.samples}
    assert samples["driftline_analysis_tested_windows_total"] == 2
    assert samples["driftline_analysis_lag_seconds"] == 0


def test_a_window_that_fails_lags_until_it_is_tested(
    store: Store, embedder: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_calls(store, steady(2))
    failing = AnalysisRunner(settings(), store, lambda: EPOCH + 5 * HOUR, embedder=embedder)
    store.command("RENAME TABLE findings TO findings_away")
    with pytest.raises(Exception, match="findings"):
        failing.run_once()
    store.command("RENAME TABLE findings_away TO findings")
    assert failing.run_once().windows == 2
    assert failing.stats().lag_s["default"] == 0
    embedder_fails = AnalysisRunner(settings(), store, lambda: EPOCH + 7 * HOUR, embedder=embedder)
    store_calls(store, steady(1, from_hour=3))
    monkeypatch.setattr(embedder_fails._writer, "write_findings", _refuse)
    assert embedder_fails.run_once().errors == 1
    stats = embedder_fails.stats()
    assert stats.waiting["default"] == 1
    assert stats.lag_s["default"] == pytest.approx(3 * 3600 - 120)  # settled two minutes after hour four


def _refuse(*_: object) -> None:
    raise OSError("the disk is full")
