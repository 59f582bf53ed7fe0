"""Wires the components into the embedded service: the one place that knows them all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_analyzers.anomaly.budget_runner import BudgetRunner
from driftline_analyzers.anomaly.runner import AnomalyRunner
from driftline_analyzers.bias.runner import BiasRunner
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.embed.embedder import Embedder
from driftline_analyzers.embed.factory import make_embedder
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_analyzers.settings import AnalyzerSettings
from driftline_api.app import create_app
from driftline_api.self_samples import SelfSamples
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_cli.judge import judging
from driftline_cli.lock import DataDirLock
from driftline_cli.ports import free_port, require_free_ports
from driftline_cli.query_source import query_source
from driftline_cli.stack import Stack
from driftline_cli.store_access import store_settings
from driftline_collector.service import Collector
from driftline_collector.settings import CollectorSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.prices import PriceBook
from driftline_core.service import PeriodicService, Service
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store, migrate
from driftline_core.store.feedback_rollup import FeedbackRollup
from driftline_core.store.rollup import Rollup

ROLLUP_INTERVAL_S: Final = 2.0
PRICE_INTERVAL_S: Final = 60.0
FEEDBACK_INTERVAL_S: Final = 15.0
SELF_INTERVAL_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedOptions:
    """How the embedded service runs. Each mapping overrides that component's settings, which else come from the environment."""

    data_dir: Path
    collector: dict[str, Any] = field(default_factory=dict)
    analyzers: dict[str, Any] = field(default_factory=dict)
    alerts: dict[str, Any] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)


def collector_settings(data_dir: Path, **overrides: Any) -> CollectorSettings:
    """The collector's settings with its spool in the data directory."""
    return CollectorSettings(**{"spool_path": data_dir / "spool", **overrides})


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The parts of the embedded service. stack starts and stops them; background: what turns stored spans into numbers, findings
    and alerts, a part of stack unless the caller drives it by hand. embedder: the one model that all runners of the process share."""

    store: Store
    stack: Stack
    background: Stack
    collector: Collector
    rollup: Rollup
    prices: PriceBook
    embedder: Embedder
    analysis: AnalysisRunner
    scoring: ScoringRunner
    alerts: AlertEvaluator
    api: ApiServer

    def addresses(self) -> dict[str, str]:
        """Where to send and where to look, once started."""
        return {
            "otlp_http": f"http://127.0.0.1:{self.collector.http_port}",
            "otlp_grpc": f"http://127.0.0.1:{self.collector.grpc_port}",
            "api": self.api.url,
            "prometheus": f"{self.api.url}/prometheus",
        }


@contextmanager
def run_embedded(options: EmbeddedOptions, *, command: str, is_driven: bool = False) -> Iterator[Embedded]:
    """The embedded service, running inside the context.

    is_driven: leave rollups, prices, analysis and alerts to the caller, who may start `background` later.
    Raises PortInUse, DataDirInUse, ConfigError, StoreError.
    """
    collector = collector_settings(options.data_dir, **options.collector)
    api = _with_port(ApiSettings(**options.api))
    require_free_ports(
        {
            "--http-port": (collector.host, collector.http_port),
            "--grpc-port": (collector.host, collector.grpc_port),
            "--port": (api.host, api.port),
        }
    )
    with DataDirLock(options.data_dir, command=command) as lock:
        store = Store(store_settings(options.data_dir))
        try:
            migrate(store)
            embedded = _wire(
                store,
                collector=collector,
                analyzers=AnalyzerSettings(**options.analyzers),
                alerts=_linked(AlertSettings(**options.alerts), api),
                api=api,
                datasets=DatasetSettings(path=options.data_dir / "datasets"),
                is_driven=is_driven,
            )
            with embedded.stack:
                lock.describe(embedded.addresses())
                yield embedded
        finally:
            store.close()


def _wire(
    store: Store,
    *,
    collector: CollectorSettings,
    analyzers: AnalyzerSettings,
    alerts: AlertSettings,
    api: ApiSettings,
    datasets: DatasetSettings,
    is_driven: bool,
    clock: Clock = utc_now,
) -> Embedded:
    intake = Collector(collector, store)
    rollup = Rollup(store)
    prices = PriceBook(store)
    embedder = make_embedder(analyzers)
    analysis = AnalysisRunner(analyzers, store, clock, embedder=embedder)
    scoring = ScoringRunner(analyzers, store, embedder=embedder)
    evaluator = AlertEvaluator(alerts, store, query_source(alerts, store), clock, datasets=datasets)
    services: list[Service] = [intake]
    background: list[Service] = [
        PeriodicService(name="rollup", interval_s=ROLLUP_INTERVAL_S, tick=rollup.tick),
        PeriodicService(name="prices", interval_s=PRICE_INTERVAL_S, tick=prices.sync),
        PeriodicService(name="feedback", interval_s=FEEDBACK_INTERVAL_S, tick=FeedbackRollup(store).tick),
        analysis.service(),
        scoring.service(),
        *(judge.service() for judge in judging(analyzers, store, embedder=embedder)),
        evaluator,
    ]
    if analyzers.bias_window:
        background.append(BiasRunner(store, BiasSettings.of(analyzers), clock, embedder=embedder).service())
    if analyzers.anomaly_max_series:
        background.append(AnomalyRunner(store, analyzers, clock).service())
    if analyzers.budgets:
        background.append(BudgetRunner(store, analyzers, clock).service())
    itself = SelfSamples(store, [intake, *background], project=alerts.project, clock=clock)
    background.append(PeriodicService(name="self", interval_s=SELF_INTERVAL_S, tick=itself.tick))
    if not is_driven:
        services += background
    app = create_app(api, store, alerts=evaluator, services=[intake, *background], datasets=datasets, clock=clock)
    server = ApiServer(api, app)
    return Embedded(
        store=store,
        stack=Stack([*services, server]),
        background=Stack(background),
        collector=intake,
        rollup=rollup,
        prices=prices,
        embedder=embedder,
        analysis=analysis,
        scoring=scoring,
        alerts=evaluator,
        api=server,
    )


def _with_port(api: ApiSettings) -> ApiSettings:
    """The settings with a free port in place of 0, because alerts link to the page before it is served."""
    return api if api.port else api.model_copy(update={"port": free_port(api.host)})


def _linked(alerts: AlertSettings, api: ApiSettings) -> AlertSettings:
    """The settings with links to this API's page, unless another address was given."""
    if "external_url" in alerts.model_fields_set:
        return alerts
    host = "127.0.0.1" if api.host in ("0.0.0.0", "::", "localhost") else api.host
    return alerts.model_copy(update={"external_url": f"http://{f'[{host}]' if ':' in host else host}:{api.port}"})
