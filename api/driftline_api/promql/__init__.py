"""PromQL over the store: parser, evaluation, the catalogue of metrics and the source that reads them."""

from driftline_api.promql.engine import EngineOptions, PromqlEngine
from driftline_api.promql.errors import BadQuery, ExecutionError, PromqlError, QueryCanceled, QueryTimeout
from driftline_api.promql.matchers import LabelMatcher, MatchKind
from driftline_api.promql.selectors import SeriesSource
from driftline_api.promql.values import QueryResult, ResultSeries, Series

__all__ = [
    "BadQuery",
    "EngineOptions",
    "ExecutionError",
    "LabelMatcher",
    "MatchKind",
    "PromqlEngine",
    "PromqlError",
    "QueryCanceled",
    "QueryResult",
    "QueryTimeout",
    "ResultSeries",
    "Series",
    "SeriesSource",
]
