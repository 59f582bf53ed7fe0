"""The label matchers and PromQL that the panels are made of. Metric names are those of the query API's catalogue."""

from typing import Final

DATASOURCE: Final = "${datasource}"
DATASOURCE_UID: Final = "driftline-prometheus"
DATASOURCE_NAME: Final = "Driftline"

# Traffic metrics carry all four labels; of these findings carry service and model, which is '' where segments are something else.
TRAFFIC: Final = 'service=~"$service",environment=~"$environment",provider=~"$provider",model=~"$model"'
FINDINGS: Final = 'service=~"$service",model=~"$model"'

SEGMENT: Final = "{{service}} · {{segment}} · {{field}} · {{analyzer}}"
JUDGED: Final = "{{service}} · {{analyzer}} · {{field}}"
SCORED: Final = "{{service}} · {{model}} · {{field}}"


def per_second(metric: str, *, by: str = "") -> str:
    """Rate of a counter, summed: `by` labels stay."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}{{{TRAFFIC}}}[$__rate_interval]))"


def increase(metric: str, window: str, *, by: str = "") -> str:
    """Growth of a counter over the last `window`, summed: `by` labels stay."""
    return f"sum{f' by ({by}) ' if by else ''}(increase({metric}{{{TRAFFIC}}}[{window}]))"


def error_share(*, by: str = "") -> str:
    """Errors among requests, 0 to 1; nothing where there are no requests. Each series of requests has one of errors, so 0 shows as 0."""
    return f"{per_second('driftline_errors_total', by=by)} / ({per_second('driftline_requests_total', by=by)} > 0)"


def latency(quantile: float, *, by: str = "") -> str:
    """Quantile of the request duration in seconds."""
    buckets = per_second("driftline_request_duration_seconds_bucket", by=f"{by}, le" if by else "le")
    return f"histogram_quantile({quantile}, {buckets})"


def finding(metric: str, *, aggregate: str = "max") -> str:
    """A gauge of the windows' findings, one series a segment, field and analyzer."""
    return f"{aggregate} by (service, segment_by, segment, field, analyzer) ({metric}{{{FINDINGS}}})"


def scored(metric: str) -> str:
    """A gauge of the scored texts, one series a model and field."""
    return f"max by (service, model, field) ({metric}{{{FINDINGS}}})"


def judged(metric: str) -> str:
    """A gauge of single calls' scores, one series a service, analyzer and field."""
    return f"max by (service, analyzer, field) ({metric}{{{FINDINGS}}})"


def hourly(metric: str, *, by: str) -> str:
    """Growth over the last hour of a counter that carries service and model alone, summed: `by` labels stay."""
    return f"sum by ({by}) (increase({metric}{{{FINDINGS}}}[1h]))"
