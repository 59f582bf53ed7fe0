"""What every route works with, built once by `create_app`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from driftline_api.alerts_view import AlertsView
from driftline_api.settings import ApiSettings
from driftline_core import Clock, Service
from driftline_core.datasets import DatasetFolder
from driftline_core.store import Store

if TYPE_CHECKING:
    from driftline_api.process_metrics import ProcessMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """The app's parts. alerts: None where no evaluator runs in this process; services: what /readyz looks at."""

    settings: ApiSettings
    store: Store
    alerts: AlertsView | None
    services: Sequence[Service]
    clock: Clock
    datasets: DatasetFolder
    metrics: "ProcessMetrics"


def context_of(request: Request) -> ApiContext:
    """The context of the app that got the request."""
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(context_of)]
