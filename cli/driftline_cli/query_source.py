"""Alert rules ask PromQL: in one process the API's own engine, without a socket between, or a server that the settings name."""

from collections.abc import Sequence
from datetime import UTC, datetime

from driftline_alerts.query import HttpQuerySource, QuerySource, Sample
from driftline_alerts.settings import AlertSettings
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.errors import PromqlError
from driftline_api.promql.store_source import StoreSource
from driftline_core.errors import QueryError, StoreError
from driftline_core.store import Store


class EngineQuerySource:
    """`driftline_alerts.query.QuerySource` over a PromqlEngine."""

    def __init__(self, engine: PromqlEngine) -> None:
        self._engine = engine

    def instant(self, expr: str, time: datetime) -> Sequence[Sample]:
        """The instant vector (or scalar) of expr at time. Raises QueryError, also for a result that is neither."""
        try:
            result = self._engine.instant(expr, time.timestamp())
        except (PromqlError, StoreError) as error:
            raise QueryError(f"{type(error).__name__}: {error}") from error
        if result.kind not in ("vector", "scalar"):
            raise QueryError(f"expected a vector or scalar, got {result.kind}")
        return [
            Sample(
                labels=series.labels,
                value=float(series.values[-1]),
                timestamp=datetime.fromtimestamp(int(series.times_ms[-1]) / 1000, tz=UTC),
            )
            for series in result.series
        ]


def query_source(settings: AlertSettings, store: Store) -> QuerySource:
    """Whom the rules ask: the server that the settings name, else the store."""
    if settings.query_url is not None:
        return HttpQuerySource(settings.query_url, timeout_s=settings.query_timeout_s)
    return EngineQuerySource(PromqlEngine(StoreSource(store, settings.project)))
