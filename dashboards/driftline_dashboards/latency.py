"""Latency & errors: how long calls take, to the first token and to the end, and what goes wrong."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import TRAFFIC_VARIABLES, framed
from driftline_dashboards.panels import PanelBuilder, alert_limit, curves, heat, number, rows, thresholds
from driftline_dashboards.queries import anomaly, error_share, increase, latency, per_second, quantile, ratio

_DURATION = "driftline_request_duration_seconds"
_FIRST_TOKEN = "driftline_time_to_first_token_seconds"
_FAILURES = "driftline_failures_total"


def latency_and_errors() -> builders.Dashboard:
    """The builder of driftline-latency."""
    return framed(
        "latency",
        title="Driftline latency & errors",
        description="How long LLM calls take and how many fail, by service, model and type of error.",
        variables=TRAFFIC_VARIABLES,
        sections={"Now": _now(), "Latency": _latency(), "Errors": _errors()},
    )


def _now() -> list[PanelBuilder]:
    return [
        number(
            title="Requests per second",
            description="Model calls a second, over what is chosen above.",
            unit="reqps",
            expr=per_second("driftline_requests_total"),
            limits=thresholds(),
        ),
        number(
            title="Error share",
            description="Model calls that failed, of all. Red from where DriftlineErrorRate fires.",
            unit="percentunit",
            expr=error_share(),
            limits=alert_limit("DriftlineErrorRate", with_half=True),
            decimals=2,
        ),
        number(
            title="Latency p50",
            description="Time within which half of the model calls ended.",
            unit="s",
            expr=latency(0.5),
            limits=thresholds(),
        ),
        number(
            title="Latency p95",
            description="Time within which 95 % of the model calls ended. Red from where DriftlineLatencyP95 fires.",
            unit="s",
            expr=latency(0.95),
            limits=alert_limit("DriftlineLatencyP95", with_half=True),
        ),
        number(
            title="Latency p99",
            description=(
                "Time within which 99 % of the model calls ended. The highest bucket that can be told is 81.92 s."
            ),
            unit="s",
            expr=latency(0.99),
            limits=thresholds(),
        ),
        number(
            title="First token p95",
            description="Time within which 95 % of the streamed calls that tell it had their first token.",
            unit="s",
            expr=quantile(0.95, _FIRST_TOKEN),
            limits=thresholds(),
        ),
    ]


def _latency() -> list[PanelBuilder]:
    return [
        heat(
            title="Durations",
            description=(
                "How many calls ended within which time: a second band is a second kind of call, or a provider that "
                "retries."
            ),
            unit="s",
            expr=per_second(f"{_DURATION}_bucket", by="le"),
            span=12,
        ),
        curves(
            title="Latency by model",
            description=(
                "Time within which half (p50) and 95 % (p95) of the calls ended. The line is where "
                "DriftlineLatencyP95 fires."
            ),
            unit="s",
            queries={"p50 {{model}}": latency(0.5, by="model"), "p95 {{model}}": latency(0.95, by="model")},
            limits=alert_limit("DriftlineLatencyP95"),
            span=12,
            links_by=("model",),
        ),
        curves(
            title="Latency p95 by service",
            description=(
                "Time within which 95 % of each service's calls ended. The line is where DriftlineLatencyP95 fires."
            ),
            unit="s",
            queries={"{{service}}": latency(0.95, by="service")},
            limits=alert_limit("DriftlineLatencyP95"),
            links_by=("service",),
        ),
        curves(
            title="Mean duration by provider",
            description="Mean time of a call for each provider: what a user waits on average, outliers included.",
            unit="s",
            queries={
                "{{provider}}": ratio(
                    per_second(f"{_DURATION}_sum", by="provider"), per_second(f"{_DURATION}_count", by="provider")
                )
            },
        ),
        curves(
            title="Time to the first token by model",
            description=(
                "Time within which half (p50) and 95 % (p95) of the streamed calls that tell it had their first token."
            ),
            unit="s",
            queries={
                "p50 {{model}}": quantile(0.5, _FIRST_TOKEN, by="model"),
                "p95 {{model}}": quantile(0.95, _FIRST_TOKEN, by="model"),
            },
            links_by=("model",),
        ),
    ]


def _errors() -> list[PanelBuilder]:
    by = "service, model, error_type"
    return [
        curves(
            title="Error share by model",
            description="Model calls that failed, of all, for each model. The line is where DriftlineErrorRate fires.",
            unit="percentunit",
            queries={"{{model}}": error_share(by="model")},
            limits=alert_limit("DriftlineErrorRate"),
            most=1,
            links_by=("model",),
        ),
        curves(
            title="Error share by provider",
            description=(
                "Calls of all services and models that failed, for each provider. The line is where "
                "DriftlineProviderDown fires."
            ),
            unit="percentunit",
            queries={"{{provider}}": error_share(by="provider")},
            limits=alert_limit("DriftlineProviderDown"),
            most=1,
        ),
        curves(
            title="Failures by type, last hour",
            description=(
                "Calls that failed in the hour before, by what their span says went wrong; a call that is traced "
                "twice counts twice."
            ),
            unit="short",
            queries={"{{error_type}}": increase(_FAILURES, "1h", by="error_type")},
            is_stacked=True,
        ),
        curves(
            title="Error share of an hour by service",
            description=(
                "What eats the error budget: calls that failed in the hour before, of all. The line is where "
                "DriftlineErrorBudgetBurn fires if the last 5 minutes are no better; it also looks at 6 hours "
                "and 3 days."
            ),
            unit="percentunit",
            queries={
                "{{service}}": ratio(
                    increase("driftline_errors_total", "1h", by="service"),
                    increase("driftline_requests_total", "1h", by="service"),
                )
            },
            limits=alert_limit("DriftlineErrorBudgetBurn"),
            span=12,
            most=1,
            links_by=("service",),
        ),
        curves(
            title="How unusual latency, errors and traffic are",
            description=(
                "Robust standard deviations from what a slice's own past lets expect. The line is where "
                "DriftlineLatencyAnomaly may fire; it also asks for 1.5 times the expected. Traffic may alarm from 5 and -5 on."
            ),
            unit="none",
            queries={
                f"{measure} {{{{service}}}} · {{{{model}}}}": anomaly("zscore", measure)
                for measure in ("latency_p95", "error_share", "requests")
            },
            limits=alert_limit("DriftlineLatencyAnomaly"),
            span=12,
            least=None,
            links_by=("service", "model"),
        ),
        rows(
            title="Failures, last 24 hours",
            description=(
                "What went wrong in the last 24 hours, how often and where. A click leads to the slice's examples."
            ),
            unit="short",
            columns={"Failures": increase(_FAILURES, "24h", by=by), "Last hour": increase(_FAILURES, "1h", by=by)},
            labels={"service": "Service", "model": "Model", "error_type": "Error"},
            span=24,
            links_by=("service", "model"),
        ),
    ]
