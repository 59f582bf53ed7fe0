"""Pipeline & alerts: does Driftline itself work, from reception to alert. Its own counters come from /metrics."""

from typing import Final

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import framed
from driftline_dashboards.panels import OWN_SOURCE, PanelBuilder, alert_list, curves, number, rows, thresholds

_SCRAPED: Final = "From your own Prometheus, which scrapes Driftline's /metrics."


def pipeline() -> builders.Dashboard:
    """The builder of driftline-pipeline."""
    return framed(
        "pipeline",
        title="Driftline pipeline & alerts",
        description=(
            "Driftline itself: what comes in, what waits, what is lost, what alerts. Panels of its own counters "
            "need a Prometheus that scrapes "
            "/metrics (deploy/prometheus/prometheus.yml); those of alerts come from Driftline's query API."
        ),
        variables={},
        sections={"Now": _now(), "Alerts": _alerts(), "Ingest": _ingest(), "Analysis": _analysis(), "API": _api()},
        has_own_source=True,
    )


def rate(metric: str, *, by: str) -> str:
    """Growth a second of one of Driftline's own counters, summed."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def _now() -> list[PanelBuilder]:
    spool = "max(driftline_ingest_spool_bytes / driftline_ingest_spool_limit_bytes)"
    lost = (
        "sum(increase(driftline_ingest_rejected_items_total[1h])) + "
        "sum(increase(driftline_ingest_dead_lettered_items_total[1h]))"
    )
    figures = (
        (
            "Parts not healthy",
            "Services that say they are not well; 0 is right.",
            "short",
            "count(driftline_service_healthy == 0) or vector(0)",
            thresholds((1, "red")),
        ),
        ("Store", "1 when the store answers.", "none", "min(driftline_store_up)", thresholds((1, "green"), base="red")),
        (
            "Spool",
            "Share of the disk buffer that is full; at 100 % senders are told to wait.",
            "percentunit",
            spool,
            thresholds((0.5, "orange"), (0.9, "red")),
        ),
        (
            "Items refused or set aside, last hour",
            "Spans, log records and data points that were not stored.",
            "short",
            f"({lost}) or vector(0)",
            thresholds((1, "orange")),
        ),
        (
            "Oldest window that waits",
            "Time since the oldest window that is not tested had settled.",
            "s",
            "max(driftline_analysis_lag_seconds)",
            thresholds((3600, "orange")),
        ),
    )
    return [
        *(
            number(
                title=title,
                description=f"{text} {_SCRAPED}",
                unit=unit,
                expr=expr,
                limits=limits,
                decimals=0 if unit == "short" else None,
                source=OWN_SOURCE,
            )
            for title, text, unit, expr, limits in figures
        ),
        number(
            title="Firing alerts",
            description="Alerts of Driftline's rules that fire now, as its evaluator last wrote.",
            unit="short",
            expr='count(driftline_alerts{alertstate="firing"}) or vector(0)',
            limits=thresholds((1, "red")),
            decimals=0,
        ),
    ]


def _alerts() -> list[PanelBuilder]:
    by = "alertname, severity, service, model"
    return [
        curves(
            title="Alerts by state",
            description="Alerts of Driftline's rules that are pending or firing.",
            unit="short",
            queries={"{{alertname}} {{alertstate}}": "sum by (alertname, alertstate) (driftline_alerts)"},
            is_stacked=True,
        ),
        rows(
            title="Firing now",
            description="Which alerts fire, and about what. A click leads to the slice's examples.",
            unit="short",
            columns={"Alerts": f'sum by ({by}) (driftline_alerts{{alertstate="firing"}})'},
            labels={"alertname": "Alert", "severity": "Severity", "service": "Service", "model": "Model"},
            span=8,
            links_by=("service", "model"),
        ),
        alert_list(
            title="Pending and firing alerts",
            description=(
                "Driftline's own rules, read from the data source. What was sent to whom is Alertmanager's to say."
            ),
            span=8,
        ),
    ]


def _ingest() -> list[PanelBuilder]:
    lines: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (
            "Items per second",
            "Spans, log records and data points received and stored.",
            "short",
            {
                "received {{signal}}": rate("driftline_ingest_received_items_total", by="signal"),
                "stored {{signal}}": rate("driftline_ingest_stored_items_total", by="signal"),
            },
        ),
        (
            "Items that are not stored",
            "Refused, with the reason, or set aside as unreadable, per second.",
            "short",
            {
                "refused: {{reason}}": rate("driftline_ingest_rejected_items_total", by="reason"),
                "set aside {{signal}}": rate("driftline_ingest_dead_lettered_items_total", by="signal"),
            },
        ),
        (
            "Age of what waits",
            "Age of the oldest request that is acknowledged and not stored yet.",
            "s",
            {"{{collector}}": "max by (collector) (driftline_ingest_oldest_unloaded_seconds)"},
        ),
        (
            "Buffer",
            "Bytes that are acknowledged and not stored, and the most there may be.",
            "bytes",
            {
                "waiting {{collector}}": "max by (collector) (driftline_ingest_spool_bytes)",
                "limit {{collector}}": "max by (collector) (driftline_ingest_spool_limit_bytes)",
            },
        ),
        (
            "Not derived yet",
            "Stored spans and log records that wait to become generations.",
            "short",
            {"{{collector}}": "max by (collector) (driftline_ingest_underived_items)"},
        ),
        (
            "Dead letters",
            "Requests that the store refused and that lie in a folder until a person looks; see driftline deadletter.",
            "short",
            {"{{collector}}": "max by (collector) (driftline_ingest_dead_letters)"},
        ),
    )
    return _scraped(lines)


def _analysis() -> list[PanelBuilder]:
    lines: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (
            "Lag",
            "How long the oldest settled window, and the oldest settled trace, has been waiting; 0 when none does.",
            "s",
            {
                "windows {{project}}": "max by (project) (driftline_analysis_lag_seconds)",
                "single calls {{project}}": "max by (project) (driftline_scoring_lag_seconds)",
            },
        ),
        (
            "Waiting",
            "Settled windows and traces that were not looked at yet.",
            "short",
            {
                "windows {{project}}": "max by (project) (driftline_analysis_waiting_windows)",
                "traces {{project}}": "max by (project) (driftline_scoring_waiting_traces)",
            },
        ),
        (
            "Failures",
            "Windows that failed, and calls that a scorer failed on, per second; both are tried again.",
            "short",
            {
                "windows": "sum(rate(driftline_analysis_failed_windows_total[$__rate_interval]))",
                "{{analyzer}}": rate("driftline_scoring_failed_total", by="analyzer"),
            },
        ),
        (
            "Work",
            "Windows tested and calls scored per second.",
            "short",
            {
                "windows": "sum(rate(driftline_analysis_tested_windows_total[$__rate_interval]))",
                "calls": "sum(rate(driftline_scoring_scored_calls_total[$__rate_interval]))",
            },
        ),
        (
            "Time by phase",
            "Share of a core that each phase of the analysis takes.",
            "percentunit",
            {"{{phase}}": rate("driftline_analysis_seconds_total", by="phase")},
        ),
        (
            "Time by scorer",
            "Share of a core that each scorer of single calls takes.",
            "percentunit",
            {"{{analyzer}}": rate("driftline_scoring_seconds_total", by="analyzer")},
        ),
    )
    return _scraped(lines)


def _api() -> list[PanelBuilder]:
    p95 = (
        "histogram_quantile(0.95, sum by (route, le) "
        "(rate(driftline_api_request_duration_seconds_bucket[$__rate_interval])))"
    )
    lines: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (
            "Requests by status",
            "Requests that the API answered, per second.",
            "reqps",
            {"{{status}}": rate("driftline_api_requests_total", by="status")},
        ),
        (
            "Latency p95 by route",
            "Time within which 95 % of a route's requests were answered.",
            "s",
            {"{{route}}": p95},
        ),
        (
            "Memory",
            "Memory that the process holds. On Linux alone.",
            "bytes",
            {"{{instance}}": 'max by (instance) (process_resident_memory_bytes{job="driftline"})'},
        ),
    )
    return _scraped(lines)


def _scraped(lines: tuple[tuple[str, str, str, dict[str, str]], ...]) -> list[PanelBuilder]:
    return [
        curves(title=title, description=f"{text} {_SCRAPED}", unit=unit, queries=queries, source=OWN_SOURCE)
        for title, text, unit, queries in lines
    ]
