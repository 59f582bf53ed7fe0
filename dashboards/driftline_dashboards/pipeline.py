"""Pipeline & alerts: does Driftline itself work, from reception to alert, by what it writes down of its own /metrics each minute."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import framed
from driftline_dashboards.panels import (
    OWN_SOURCE,
    PanelBuilder,
    alert_limit,
    alert_list,
    curves,
    number,
    rows,
    thresholds,
)


def pipeline() -> builders.Dashboard:
    """The builder of driftline-pipeline."""
    return framed(
        "pipeline",
        title="Driftline pipeline & alerts",
        description=(
            "Driftline itself: what comes in, what waits, what is lost, what alerts. It writes its own metrics "
            "down each minute; "
            "while it is down it cannot, which deploy/prometheus/driftline-self.yml tells. The last row needs a "
            "Prometheus of yours."
        ),
        variables={},
        sections={
            "Now": _now(),
            "Alerts": _alerts(),
            "Ingest": _ingest(),
            "Analysis": _analysis(),
            "API and process (own Prometheus)": _api(),
        },
        has_own_source=True,
    )


def rate(metric: str, *, by: str = "") -> str:
    """Growth a second of one of Driftline's own counters, summed."""
    return f"sum {f'by ({by}) ' if by else ''}(rate({metric}[$__rate_interval]))"


def newest(metric: str, *, by: str) -> str:
    """One of Driftline's own gauges; of several processes the highest."""
    return f"max by ({by}) ({metric})"


def _now() -> list[PanelBuilder]:
    return [
        number(
            title="Firing alerts",
            description="Alerts of Driftline's rules that fire now, as its evaluator last wrote.",
            unit="short",
            expr='count(driftline_alert_active{alertstate="firing"}) or vector(0)',
            limits=thresholds((1, "red")),
            decimals=0,
        ),
        number(
            title="Parts that are not well",
            description="Parts of Driftline whose health is not good; 0 is right, /readyz says why.",
            unit="short",
            expr="count(driftline_service_healthy == 0) or vector(0)",
            limits=thresholds((1, "red")),
            decimals=0,
        ),
        number(
            title="Rules that cannot be evaluated",
            description="Rules whose last evaluation failed: their alerts are held as they were.",
            unit="short",
            expr="max(driftline_rules_failing)",
            limits=thresholds((1, "red")),
            decimals=0,
        ),
        number(
            title="Spool",
            description=(
                "Share of the disk buffer that is full; when it is, senders are refused. Red from where "
                "DriftlineDiskBudget fires."
            ),
            unit="percentunit",
            expr="max(driftline_ingest_spool_bytes / driftline_ingest_spool_limit_bytes)",
            limits=alert_limit("DriftlineDiskBudget", with_half=True),
        ),
        number(
            title="Dead letters, last hour",
            description=(
                "Requests that were accepted and that the store then refused. Red from where DriftlineDeadLetters "
                "fires."
            ),
            unit="short",
            expr="sum(increase(driftline_ingest_dead_lettered_requests_total[1h]))",
            limits=alert_limit("DriftlineDeadLetters"),
            decimals=0,
        ),
        number(
            title="Fullest disk of the store",
            description="Used share of the disk under the store that has least room.",
            unit="percentunit",
            expr="max(1 - driftline_store_disk_free_bytes / driftline_store_disk_bytes)",
            limits=thresholds((0.8, "orange")),
        ),
    ]


def _alerts() -> list[PanelBuilder]:
    by = "alertname, severity, service, model"
    return [
        curves(
            title="Alerts by state",
            description="Alerts of Driftline's rules that are pending or firing.",
            unit="short",
            queries={"{{alertname}} {{alertstate}}": "sum by (alertname, alertstate) (driftline_alert_active)"},
            is_stacked=True,
        ),
        rows(
            title="Firing now",
            description="Which alerts fire, and about what. A click leads to the slice's examples.",
            unit="short",
            columns={"Alerts": f'sum by ({by}) (driftline_alert_active{{alertstate="firing"}})'},
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
        curves(
            title="Alerts sent",
            description="Alerts that each receiver took, and those that it never got, per second.",
            unit="short",
            queries={
                "{{receiver}} took": rate("driftline_notifications_sent_total", by="receiver"),
                "{{receiver}} never got": rate("driftline_notifications_dropped_total", by="receiver"),
            },
        ),
        curves(
            title="Attempts that failed, and what waits",
            description="Attempts to reach a receiver that failed, per second, and alerts that wait for it.",
            unit="short",
            queries={
                "{{receiver}} failed": rate("driftline_notifications_failed_total", by="receiver"),
                "{{receiver}} waiting": newest("driftline_notifications_waiting", by="receiver"),
            },
        ),
        curves(
            title="Rule evaluations",
            description="Evaluations of rules, and those of them that failed, per second.",
            unit="short",
            queries={
                "all": rate("driftline_rule_evaluations_total"),
                "failed": rate("driftline_rule_evaluation_failures_total"),
            },
        ),
    ]


def _ingest() -> list[PanelBuilder]:
    return [
        curves(
            title="Items per second",
            description="Spans, log records and data points received and stored.",
            unit="short",
            queries={
                "received {{signal}}": rate("driftline_ingest_received_items_total", by="signal"),
                "stored {{signal}}": rate("driftline_ingest_stored_items_total", by="signal"),
            },
        ),
        curves(
            title="Refused requests per second",
            description=(
                "Requests that the collector refused, by the reason; a sender that does not try again has lost them."
            ),
            unit="short",
            queries={"{{reason}}": rate("driftline_ingest_rejected_requests_total", by="reason")},
        ),
        curves(
            title="Age of what waits",
            description=(
                "Age of the oldest request that is acknowledged and not stored. The line is where DriftlineIngestLag "
                "fires."
            ),
            unit="s",
            queries={"{{collector}}": newest("driftline_ingest_oldest_unloaded_seconds", by="collector")},
            limits=alert_limit("DriftlineIngestLag"),
        ),
        curves(
            title="Buffer",
            description="Bytes that are acknowledged and not stored, and the most there may be.",
            unit="bytes",
            queries={
                "waiting {{collector}}": newest("driftline_ingest_spool_bytes", by="collector"),
                "limit {{collector}}": newest("driftline_ingest_spool_limit_bytes", by="collector"),
            },
        ),
        curves(
            title="Not derived yet",
            description="Stored spans and log records that wait to become generations.",
            unit="short",
            queries={"{{collector}}": newest("driftline_ingest_underived_items", by="collector")},
        ),
        curves(
            title="Dead letters kept",
            description=(
                "Requests that the store refused and that lie in a folder until a person looks: see driftline "
                "deadletter."
            ),
            unit="short",
            queries={"{{collector}}": newest("driftline_ingest_dead_letters", by="collector")},
        ),
    ]


def _analysis() -> list[PanelBuilder]:
    return [
        curves(
            title="Windows that wait",
            description=(
                "How long the oldest settled window has been waiting to be tested. The line is where "
                "DriftlineAnalysisStuck fires."
            ),
            unit="s",
            queries={"{{project}}": newest("driftline_analysis_lag_seconds", by="project")},
            limits=alert_limit("DriftlineAnalysisStuck"),
        ),
        curves(
            title="Single calls that wait",
            description=(
                "How long the oldest settled trace has been waiting to be scored. The line is where "
                "DriftlineScoringStuck fires."
            ),
            unit="s",
            queries={"{{project}}": newest("driftline_scoring_lag_seconds", by="project")},
            limits=alert_limit("DriftlineScoringStuck"),
        ),
        curves(
            title="Waiting",
            description="Settled windows and traces that were not looked at yet.",
            unit="short",
            queries={
                "windows {{project}}": newest("driftline_analysis_waiting_windows", by="project"),
                "traces {{project}}": newest("driftline_scoring_waiting_traces", by="project"),
            },
        ),
        curves(
            title="Failures",
            description="Windows that failed, and calls that a scorer failed on, per second; both are tried again.",
            unit="short",
            queries={
                "windows": rate("driftline_analysis_failed_windows_total"),
                "{{analyzer}}": rate("driftline_scoring_failed_total", by="analyzer"),
            },
            span=6,
        ),
        curves(
            title="Work",
            description="Windows tested and calls scored per second.",
            unit="short",
            queries={
                "windows": rate("driftline_analysis_tested_windows_total"),
                "calls": rate("driftline_scoring_calls_total"),
            },
            span=6,
        ),
        curves(
            title="Time by phase",
            description="Share of a core that each phase of the tests of windows takes.",
            unit="percentunit",
            queries={"{{phase}}": rate("driftline_analysis_seconds_total", by="phase")},
            span=6,
        ),
        curves(
            title="Time by scorer",
            description="Share of a core that each scorer of single calls takes.",
            unit="percentunit",
            queries={"{{analyzer}}": rate("driftline_scoring_seconds_total", by="analyzer")},
            span=6,
        ),
    ]


def _api() -> list[PanelBuilder]:
    buckets = rate("driftline_api_request_duration_seconds_bucket", by="route, le")
    return [
        curves(
            title="Requests by status",
            description="Requests that the API answered, per second. From your own Prometheus, which scrapes /metrics.",
            unit="reqps",
            queries={"{{status}}": rate("driftline_api_requests_total", by="status")},
            source=OWN_SOURCE,
        ),
        curves(
            title="Latency p95 by route",
            description=(
                "Time within which 95 % of a route's requests were answered. From your own Prometheus, which scrapes "
                "/metrics."
            ),
            unit="s",
            queries={"{{route}}": f"histogram_quantile(0.95, {buckets})"},
            source=OWN_SOURCE,
        ),
        curves(
            title="Memory",
            description="Memory that the process holds, on Linux. From your own Prometheus, which scrapes /metrics.",
            unit="bytes",
            queries={"{{instance}}": 'max by (instance) (process_resident_memory_bytes{job="driftline"})'},
            source=OWN_SOURCE,
        ),
    ]
