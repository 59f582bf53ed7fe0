"""Several workers over one store, and what the scoring runner says of itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_api.scoring_stats import scoring_metrics, scoring_stats
from driftline_core.errors import StoreError
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from driftline_core.store.lease import Leases
from tests.analyzers.scoring.scorers import Lengths
from tests.analyzers.scoring.spans import llm, scores, store_spans


@pytest.fixture
def shared_store(server_dsn: str) -> Iterator[Store]:
    """A server's store, as workers share one."""
    store = Store(StoreSettings(dsn=SecretStr(server_dsn), database="shared_scores"))
    migrate(store)
    yield store
    store.command("DROP DATABASE shared_scores SYNC")
    store.close()


def test_a_project_that_another_worker_scores_is_passed_over(shared_store: Store) -> None:
    store_spans(shared_store, [llm(n, minutes=n) for n in range(1, 4)])
    other = Leases(shared_store, worker="other", settle=timedelta(milliseconds=100)).acquire("scoring/default")
    assert other is not None
    passed = ScoringRunner(AnalyzerSettings(), shared_store, scorers=[Lengths()])
    assert passed.run_once().calls == 0
    assert scores(shared_store) == []
    other.release()
    assert passed.run_once().calls == 3
    written = scores(shared_store)
    assert len(written) == 3
    ScoringRunner(AnalyzerSettings(), shared_store, scorers=[Lengths()]).run_once()
    assert scores(shared_store) == written


def test_a_runner_counts_what_it_did_by_analyzer(store: Store) -> None:
    store_spans(store, [llm(1), llm(2, completion="x" * 200), llm(3, completion="", is_error=1)])
    runner = ScoringRunner(AnalyzerSettings(), store, scorers=[Lengths()])
    runner.run_once()
    service = runner.service()
    stats = scoring_stats(service)
    assert stats is not None
    assert (stats["scored_calls"], stats["scores"], stats["flagged"]) == (3, {"lengths": 2}, {"lengths": 1})
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in scoring_metrics([service])
        for sample in metric.samples
    }
    assert samples[("driftline_scoring_calls_total",)] == 3
    assert samples[("driftline_scoring_scores_total", "lengths")] == 2
    assert samples[("driftline_scoring_flagged_total", "lengths")] == 1
    assert samples[("driftline_scoring_unknown_total", "lengths")] == 1
    assert samples[("driftline_scoring_seconds_total", "lengths")] > 0
    assert samples[("driftline_scoring_lag_seconds", "default")] == 0
    assert samples[("driftline_scoring_waiting_traces", "default")] == 0


def test_a_runner_says_how_it_is_while_the_store_is_down(empty_store: Store) -> None:
    runner = ScoringRunner(AnalyzerSettings(), empty_store, scorers=[Lengths()])
    with pytest.raises(StoreError):
        runner.run_once()
    assert runner.stats().scoring_runs == 0
