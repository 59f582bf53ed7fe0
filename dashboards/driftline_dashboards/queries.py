"""The label matchers and PromQL that the panels are made of. Metric names are those of the query API's catalogue."""

from typing import Final

DATASOURCE: Final = "${datasource}"
OWN_PROMETHEUS: Final = "${prometheus}"
PAGE_VARIABLE: Final = "page"
PAGE: Final = f"${{{PAGE_VARIABLE}}}"
DATASOURCE_UID: Final = "driftline-prometheus"
DATASOURCE_NAME: Final = "Driftline"

# Traffic metrics carry all four labels; of these findings carry service and model, which is '' where segments are something else.
TRAFFIC: Final = 'service=~"$service",environment=~"$environment",provider=~"$provider",model=~"$model"'
FINDINGS: Final = 'service=~"$service",model=~"$model"'
DRIFT: Final = 'service=~"$service",model=~"$model",analyzer=~"$analyzer",field=~"$field"'
STEPS: Final = 'service=~"$service",environment=~"$environment"'

SEGMENT: Final = "{{service}} · {{segment}} · {{field}} · {{analyzer}}"
JUDGED: Final = "{{service}} · {{analyzer}} · {{field}}"
SCORED: Final = "{{service}} · {{model}} · {{field}}"


def by_labels(labels: str) -> str:
    """The grouping of an aggregation, none without labels."""
    return f" by ({labels}) " if labels else ""


def per_second(metric: str, *, by: str = "", where: str = TRAFFIC) -> str:
    """Rate of a counter, summed: `by` labels stay."""
    return f"sum{by_labels(by)}(rate({metric}{{{where}}}[$__rate_interval]))"


def increase(metric: str, window: str, *, by: str = "", where: str = TRAFFIC, offset: str = "") -> str:
    """Growth of a counter over the last `window`, summed: `by` labels stay."""
    shifted = f" offset {offset}" if offset else ""
    return f"sum{by_labels(by)}(increase({metric}{{{where}}}[{window}]{shifted}))"


def ratio(part: str, whole: str) -> str:
    """part / whole, nothing where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def error_share(*, by: str = "") -> str:
    """Errors among requests, 0 to 1; nothing where there are no requests. Each series of requests has one of errors, so 0 shows as 0."""
    return ratio(per_second("driftline_errors_total", by=by), per_second("driftline_requests_total", by=by))


def quantile(level: float, histogram: str, *, by: str = "", where: str = TRAFFIC) -> str:
    """Quantile of a histogram, in its unit."""
    return (
        f"histogram_quantile({level}, {per_second(f'{histogram}_bucket', by=f'{by}, le' if by else 'le', where=where)})"
    )


def latency(level: float, *, by: str = "") -> str:
    """Quantile of the request duration in seconds."""
    return quantile(level, "driftline_request_duration_seconds", by=by)


def finding(metric: str, *, aggregate: str = "max", where: str = FINDINGS) -> str:
    """A gauge of the windows' findings, one series a segment, field and analyzer."""
    return f"{aggregate} by (service, segment_by, segment, field, analyzer) ({metric}{{{where}}})"


def scored(metric: str) -> str:
    """A gauge of the scored texts, one series a model and field."""
    return f"max by (service, model, field) ({metric}{{{FINDINGS}}})"


def judged(metric: str, *, where: str = "") -> str:
    """A gauge of single calls' scores, one series a service, analyzer and field."""
    return f"max by (service, analyzer, field) ({metric}{{{FINDINGS}{',' if where else ''}{where}}})"


def hourly(metric: str, *, by: str) -> str:
    """Growth over the last hour of a counter that carries service and model alone, summed: `by` labels stay."""
    return increase(metric, "1h", by=by, where=FINDINGS)


def flags(analyzer: str, field: str, window: str, *, by: str, what: str = "flagged") -> str:
    """Calls of the last `window` whose `field` an analyzer flagged (or scored, or unknown), summed: `by` labels stay."""
    slice_ = f'{FINDINGS},analyzer="{analyzer}"' + (f',field="{field}"' if field else "")
    return increase(f"driftline_call_{what}_total", window, by=by, where=slice_)


def flagged_share(analyzer: str, field: str, window: str, *, by: str) -> str:
    """Flagged calls among those that an analyzer scored in the last `window`, 0 to 1."""
    return ratio(flags(analyzer, field, window, by=by), flags(analyzer, field, window, by=by, what="scored"))


def anomaly(figure: str, measure: str, *, by: str = "service, model") -> str:
    """A figure (value, expected, lower, upper, zscore) of the newest bucket that the anomaly analyzer judged."""
    return f'max by ({by}) (driftline_anomaly_{figure}{{{FINDINGS},measure="{measure}"}})'


def budget_share(figure: str) -> str:
    """What was spent, or is forecast, of a budget's limit."""
    where = 'service=~"$service"'
    return (
        f"max by (service, period) (driftline_budget_{figure}_usd{{{where}}})"
        f" / max by (service, period) (driftline_budget_limit_usd{{{where}}})"
    )
