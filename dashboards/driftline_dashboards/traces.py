"""Traces: which slices are worth opening. Driftline serves no trace data source, so rows lead to its own page."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import FINDING_VARIABLES, framed
from driftline_dashboards.panels import PanelBuilder, curves, number, rows, thresholds
from driftline_dashboards.queries import FINDINGS, finding, hourly, increase, quantile, scored

_BY = "service, model"
_CALLS = "driftline_requests_total"


def traces() -> builders.Dashboard:
    """The builder of driftline-traces."""
    return framed(
        "traces",
        title="Driftline traces",
        description=(
            "What to open, and where: rows are slices with something to see, a click opens Driftline's page at "
            "that slice, with its traces. "
            "Set the address of the page above. There is no trace data source for Grafana."
        ),
        variables=FINDING_VARIABLES,
        sections={"Last hour": _now(), "Broken and slow": _broken(), "Suspicious": _suspicious()},
    )


def _now() -> list[PanelBuilder]:
    figures = (
        ("Calls", "Calls of the last hour, each counted once whatever traced it.", _CALLS),
        ("Failed calls", "Calls of the last hour that failed.", "driftline_errors_total"),
        (
            "Flagged scores",
            "What scorers of single calls flagged of the last hour's calls.",
            "driftline_call_flagged_total",
        ),
        (
            "Scores that say nothing",
            "What scorers of single calls could not judge of the last hour's calls.",
            "driftline_call_unknown_total",
        ),
    )
    return [
        number(
            title=title,
            description=description,
            unit="short",
            expr=increase(metric, "1h", where=FINDINGS),
            limits=thresholds(),
            decimals=0,
            span=6,
        )
        for title, description, metric in figures
    ]


def _broken() -> list[PanelBuilder]:
    by_type = f"{_BY}, error_type"
    return [
        rows(
            title="Failed calls, last 24 hours",
            description="Calls that failed, by what went wrong. A click opens the slice's traces on Driftline's page.",
            unit="short",
            columns={"Failures": increase("driftline_failures_total", "24h", by=by_type, where=FINDINGS)},
            labels={"service": "Service", "model": "Model", "error_type": "Error"},
            span=12,
            links_by=("service", "model"),
        ),
        rows(
            title="Slowest slices",
            description=(
                "Time within which 99 % and half of the last minutes' calls ended. A click opens the slice on "
                "Driftline's page."
            ),
            unit="s",
            columns={
                "p99": quantile(0.99, "driftline_request_duration_seconds", by=_BY, where=FINDINGS),
                "p50": quantile(0.5, "driftline_request_duration_seconds", by=_BY, where=FINDINGS),
            },
            labels={"service": "Service", "model": "Model"},
            span=12,
            links_by=("service", "model"),
        ),
    ]


def _suspicious() -> list[PanelBuilder]:
    return [
        rows(
            title="Flagged calls, last hour",
            description=(
                "Calls that a scorer flagged, by scorer and field. A click opens the slice: examples are under "
                "Safety & quality."
            ),
            unit="short",
            columns={"Flagged": f"{hourly('driftline_call_flagged_total', by=f'{_BY}, analyzer, field')} > 0"},
            labels={"service": "Service", "model": "Model", "analyzer": "Scorer", "field": "Field"},
            span=8,
            links_by=("service", "model"),
        ),
        rows(
            title="Drifted segments",
            description=(
                "Segments whose newest window drifted. A click opens the service: examples are with each finding."
            ),
            unit="short",
            columns={"Windows in drift": f"{finding('driftline_drift_windows')} > 0"},
            labels={
                "service": "Service",
                "segment_by": "Divided by",
                "segment": "Segment",
                "field": "Field",
                "analyzer": "Analyzer",
            },
            span=8,
            links_by=("service",),
        ),
        curves(
            title="Outlier share",
            description=(
                "Texts of an hour unlike anything in their reference; a click on a curve opens the slice's outliers "
                "on Driftline's page."
            ),
            unit="percentunit",
            queries={"{{service}} · {{model}} · {{field}}": scored("driftline_outlier_ratio")},
            most=1,
            links_by=("service", "model"),
        ),
    ]
