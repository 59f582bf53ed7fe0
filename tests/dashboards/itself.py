"""The parts of a running Driftline with counts of their own, as /metrics and `SelfSamples` read them."""

from dataclasses import dataclass
from typing import Any

from driftline_alerts.courier import CourierStats
from driftline_alerts.service import AlertStats
from driftline_analyzers.runner.progress import AnalysisStats
from driftline_analyzers.scoring.progress import ScoringStats
from driftline_api.alert_stats import alert_metrics
from driftline_api.analysis_stats import analysis_metrics
from driftline_api.ingest_stats import ingest_metrics
from driftline_api.scoring_stats import scoring_metrics
from driftline_collector.ledger import Ledger
from driftline_collector.tally import Tally
from driftline_core.service import Health
from tests.api.records import NOON

STATE = {
    "driftline_store_up",
    "driftline_service_healthy",
    "driftline_store_disk_free_bytes",
    "driftline_store_disk_bytes",
}
"""What is said of the store and of every part."""


@dataclass(slots=True)
class Part:
    """A service that is well, with counts."""

    name: str
    counts: Any

    def start(self) -> None:
        """Nothing to start."""

    def stop(self, *, deadline_s: float) -> None:
        """Nothing to stop."""

    def health(self) -> Health:
        return Health(is_ok=True)

    def stats(self) -> Any:
        return self.counts


def parts() -> list[Part]:
    """A collector, the two runners of the analyzers, and an evaluator."""
    ledger, tally = Ledger(), Tally()
    ledger.count_kept("traces", "p", received_at_ns=1, n_items=7)
    tally.add("p", 1, 7)
    ledger.count_stored("traces", tally)
    ledger.count_rejected("traces", "p", "too_large", received_at_ns=1, n_requests=2)
    collector = ledger.stats(spool_bytes=512, spool_max_bytes=4096, oldest_unloaded_s=1.5, waiting_items={"logs": 3})
    analysis = AnalysisStats(
        runs=3, tested_windows=3, reduced_windows=0, failed_windows=1, findings=3, drifts=1, scores=3, texts_embedded=5, cache_hits=6,
        seconds={"embed": 2.0}, lag_s={"default": 12.0}, waiting={"default": 2},
    )  # fmt: skip
    counted = {"injection": 4}
    scoring = ScoringStats(
        scoring_runs=2, scored_calls=9, scores=counted, flagged=counted, unknown=counted, failed=counted, withdrawn=0, texts_embedded=5,
        cache_hits=6, seconds={"injection": 0.5}, lag_s={"default": 12.0}, waiting={"default": 2},
    )  # fmt: skip
    courier = CourierStats(receiver="webhook", waiting=1, sent=4, failed=1, dropped={"overflow": 1}, last_error="")
    alerts = AlertStats(
        rules=12, rules_failing=1, pending=1, firing=1, evaluations=50, evaluation_failures=2, state_write_failures=0,
        enrichment_failures=0, last_evaluation=NOON, receivers=(courier,),
    )  # fmt: skip
    return [Part("collector", collector), Part("analysis", analysis), Part("scoring", scoring), Part("alerts", alerts)]


def self_metric_names() -> set[str]:
    """Every series name that Driftline says of itself."""
    services = parts()
    families = (
        *ingest_metrics(services), *analysis_metrics(services), *scoring_metrics(services), *alert_metrics(services)
    )  # fmt: skip
    return STATE | {sample.name for family in families for sample in family.samples}
