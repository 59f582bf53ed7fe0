"""The application: every route over one store."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from anyio import to_thread
from fastapi import FastAPI

from driftline_api.alerts_view import AlertsView
from driftline_api.context import ApiContext
from driftline_api.edge import Edge
from driftline_api.problems import install_problem_handlers
from driftline_api.process_metrics import ProcessMetrics
from driftline_api.routes.alerts import router as alerts_router
from driftline_api.routes.exports import router as exports_router
from driftline_api.routes.feedback import router as feedback_router
from driftline_api.routes.findings import router as findings_router
from driftline_api.routes.generations import router as generations_router
from driftline_api.routes.health import router as health_router
from driftline_api.routes.ingest import router as ingest_router
from driftline_api.routes.labels import router as labels_router
from driftline_api.routes.ledger import router as ledger_router
from driftline_api.routes.page import router as page_router
from driftline_api.routes.prometheus import prometheus_router
from driftline_api.routes.references import router as references_router
from driftline_api.routes.review import router as review_router
from driftline_api.routes.score_summary import router as score_summary_router
from driftline_api.routes.scores import router as scores_router
from driftline_api.routes.services import router as services_router
from driftline_api.routes.summary import router as summary_router
from driftline_api.routes.thresholds import router as thresholds_router
from driftline_api.routes.traces import router as traces_router
from driftline_api.settings import ApiSettings
from driftline_core import Clock, Service, utc_now
from driftline_core.datasets import DatasetFolder
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store

_ROUTERS: Final = (
    summary_router,
    services_router,
    generations_router,
    traces_router,
    findings_router,
    scores_router,
    score_summary_router,
    references_router,
    feedback_router,
    labels_router,
    review_router,
    thresholds_router,
    exports_router,
    alerts_router,
    ingest_router,
    ledger_router,
    health_router,
    page_router,
)

_DESCRIPTION = """
What Driftline knows about your LLM applications: generations, traces, findings, alerts.

Times are RFC 3339 in UTC, money is USD, durations are milliseconds. Every answer is about one project: name it in the header
`x-driftline-project` or the query parameter `project`. Lists that can grow come in pages: follow `next_cursor`.
Errors are problem details (RFC 9457). The Prometheus query API is at `/prometheus/api/v1`.
"""


def create_app(
    settings: ApiSettings,
    store: Store,
    *,
    alerts: AlertsView | None = None,
    services: Sequence[Service] = (),
    datasets: DatasetSettings | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """The app over a migrated store. services: what /readyz and /metrics report on; alerts: None without an evaluator here;
    datasets: where exports are, None as the environment says."""

    @asynccontextmanager
    async def bounded_threads(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = settings.threads
        yield

    app = FastAPI(
        title="Driftline",
        summary="Makes the silent failures of LLM applications visible.",
        description=_DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=bounded_threads,
    )
    metrics = ProcessMetrics(store, services)
    app.state.context = ApiContext(
        settings=settings,
        store=store,
        alerts=alerts,
        services=services,
        clock=clock,
        datasets=DatasetFolder(datasets or DatasetSettings(), clock),
        metrics=metrics,
    )
    install_problem_handlers(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.include_router(prometheus_router(store, alerts=alerts, clock=clock))
    app.add_middleware(Edge, settings=settings, metrics=metrics)
    return app
