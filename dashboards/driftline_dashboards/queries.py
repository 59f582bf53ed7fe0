"""The label matchers and PromQL that the panels are made of. Metric names are those of the query API's catalogue."""

from typing import Final

DATASOURCE: Final = "${datasource}"
DATASOURCE_UID: Final = "driftline-prometheus"
DATASOURCE_NAME: Final = "Driftline"

# Traffic metrics carry all four labels, findings only service and model (beside field, analyzer and reference).
TRAFFIC: Final = 'service=~"$service",environment=~"$environment",provider=~"$provider",model=~"$model"'
FINDINGS: Final = 'service=~"$service",model=~"$model"'

SEGMENT: Final = "{{service}} · {{model}} · {{field}}"


def per_second(metric: str, *, by: str = "", matchers: str = "") -> str:
    """Rate of a counter, summed: `by` labels stay."""
    selector = f"{metric}{{{TRAFFIC}{',' + matchers if matchers else ''}}}"
    return f"sum{f' by ({by}) ' if by else ''}(rate({selector}[$__rate_interval]))"


def increase(metric: str, window: str, *, by: str = "") -> str:
    """Growth of a counter over the last `window`, summed: `by` labels stay."""
    return f"sum{f' by ({by}) ' if by else ''}(increase({metric}{{{TRAFFIC}}}[{window}]))"


def error_share(*, by: str = "") -> str:
    """Errors among requests, 0 to 1; 0 where there are requests and no errors, nothing where there are no requests."""
    requests = per_second("driftline_requests_total", by=by)
    errors = per_second("driftline_errors_total", by=by)
    return f"({errors} or {requests} * 0) / ({requests} > 0)"


def latency(quantile: float, *, by: str = "") -> str:
    """Quantile of the request duration in seconds."""
    buckets = per_second("driftline_request_duration_seconds_bucket", by=f"{by}, le" if by else "le")
    return f"histogram_quantile({quantile}, {buckets})"


def finding(metric: str) -> str:
    """A gauge of the analyzers, one series a segment."""
    return f"max by (service, model, field) ({metric}{{{FINDINGS}}})"
