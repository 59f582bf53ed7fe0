"""The overview: is traffic healthy, what does it cost, has its meaning moved, who is being paged."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import TRAFFIC_VARIABLES, framed
from driftline_dashboards.limits import OUTLIER_LIMIT, P_VALUE_LIMIT
from driftline_dashboards.panels import PanelBuilder, alert_limit, alert_list, curves, number, rows, thresholds
from driftline_dashboards.queries import (
    JUDGED,
    SCORED,
    SEGMENT,
    error_share,
    finding,
    hourly,
    increase,
    judged,
    latency,
    per_second,
    scored,
)


def overview() -> builders.Dashboard:
    """The dashboard's builder; uid driftline-overview."""
    return framed(
        "overview",
        title="Driftline overview",
        description="LLM traffic, cost, drift and alerts as Driftline sees them.",
        variables=TRAFFIC_VARIABLES,
        sections={
            "Now": _now(),
            "Traffic": _traffic(),
            "Tokens and cost": _cost(),
            "Meaning": _meaning(),
            "Single calls": _calls(),
            "Alerts": _alerts(),
        },
    )


def _now() -> list[PanelBuilder]:
    return [
        number(
            title="Requests per second",
            description="Model calls a second, over the services and models chosen above.",
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
            title="Latency p95",
            description="Time within which 95 % of the model calls ended. Red from where DriftlineLatencyP95 fires.",
            unit="s",
            expr=latency(0.95),
            limits=alert_limit("DriftlineLatencyP95", with_half=True),
        ),
        number(
            title="Cost, last hour",
            description="What the model calls of the last 60 minutes cost. Models without a known price are missing.",
            unit="currencyUSD",
            expr=increase("driftline_cost_usd_total", "1h"),
            limits=thresholds(),
        ),
        number(
            title="Cost, last 24 hours",
            description="What the model calls of the last 24 hours cost. Models without a known price are missing.",
            unit="currencyUSD",
            expr=increase("driftline_cost_usd_total", "24h"),
            limits=thresholds(),
        ),
        number(
            title="Segments in drift",
            description=(
                "Segments with a confirmed finding: drift in two windows in a row or in a far tail. On each "
                "DriftlineSemanticDrift or its like fires."
            ),
            unit="short",
            expr=f"count({finding('driftline_drift_confirmed')} > 0) or vector(0)",
            limits=alert_limit("DriftlineSemanticDrift"),
            decimals=0,
        ),
    ]


def _traffic() -> list[PanelBuilder]:
    return [
        curves(
            title="Requests per second by model",
            description="Model calls a second, for each model.",
            unit="reqps",
            queries={"{{model}}": per_second("driftline_requests_total", by="model")},
            is_stacked=True,
        ),
        curves(
            title="Error share by model",
            description="Model calls that failed, of all, for each model. The line is where DriftlineErrorRate fires.",
            unit="percentunit",
            queries={"{{model}}": error_share(by="model")},
            limits=alert_limit("DriftlineErrorRate"),
            links_by=("model",),
            most=1,
        ),
        curves(
            title="Latency by model",
            description=(
                "Time within which half (p50) and 95 % (p95) of the model calls ended, for each model. The line is "
                "where DriftlineLatencyP95 fires."
            ),
            unit="s",
            queries={"p50 {{model}}": latency(0.5, by="model"), "p95 {{model}}": latency(0.95, by="model")},
            limits=alert_limit("DriftlineLatencyP95"),
            links_by=("model",),
        ),
    ]


def _cost() -> list[PanelBuilder]:
    return [
        curves(
            title="Tokens per second by type",
            description="Input includes cache_read and cache_write, output includes reasoning: do not add those again.",
            unit="short",
            queries={"{{token_type}}": per_second("driftline_tokens_total", by="token_type")},
            span=6,
        ),
        curves(
            title="Cost per hour by model",
            description="What one hour costs for each model, at each moment over the hour before it.",
            unit="currencyUSD",
            queries={"{{model}}": increase("driftline_cost_usd_total", "1h", by="model")},
            span=6,
            is_stacked=True,
        ),
        curves(
            title="Cost per day by service",
            description="What one day costs for each service, at each moment over the 24 hours before it.",
            unit="currencyUSD",
            queries={"{{service}}": increase("driftline_cost_usd_total", "24h", by="service")},
            span=6,
            is_stacked=True,
            step="5m",
        ),
        curves(
            title="Calls without a price, last hour",
            description="Calls whose model has no known price: they are missing from the cost, which is then a floor.",
            unit="short",
            queries={"{{provider}} {{model}}": increase("driftline_unpriced_calls_total", "1h", by="provider, model")},
            span=6,
        ),
    ]


def _meaning() -> list[PanelBuilder]:
    return [
        curves(
            title="Drift score by segment",
            description=(
                "How far a window's texts lie from their reference, in units of what chance does (z). About 0 when "
                "nothing moved."
            ),
            unit="none",
            queries={SEGMENT: finding("driftline_drift_score")},
            least=None,
        ),
        curves(
            title="Drift p-value by segment",
            description=(
                "How often chance alone differs this much, corrected for the segments tested together. Logarithmic; "
                "low is drift."
            ),
            unit="none",
            queries={SEGMENT: finding("driftline_drift_pvalue_corrected", aggregate="min")},
            limits=thresholds((P_VALUE_LIMIT, "green"), base="red"),
            is_logarithmic=True,
            least=None,
            most=1,
        ),
        curves(
            title="Outlier share by segment",
            description="Answers and prompts unlike anything in their reference, of all in the window.",
            unit="percentunit",
            queries={SCORED: scored("driftline_outlier_ratio")},
            limits=thresholds((OUTLIER_LIMIT, "orange")),
            most=1,
        ),
    ]


def _calls() -> list[PanelBuilder]:
    return [
        curves(
            title="Flagged share of an hour's calls",
            description=(
                "Calls that an analyzer of single calls flags (grounding, injection, personal data, ...), of all "
                "that it scored."
            ),
            unit="percentunit",
            queries={JUDGED: judged("driftline_call_flagged_ratio")},
            span=6,
            most=1,
        ),
        curves(
            title="Calls flagged, last hour",
            description="Calls that each analyzer of single calls flagged in the hour before, and how many it scored.",
            unit="short",
            queries={
                "{{analyzer}} flagged": hourly("driftline_call_flagged_total", by="analyzer"),
                "{{analyzer}} scored": hourly("driftline_call_scored_total", by="analyzer"),
            },
            span=6,
        ),
        curves(
            title="Calls that could not be judged, last hour",
            description="Calls about which an analyzer had to say that it does not know; their scores say why.",
            unit="short",
            queries={"{{analyzer}}": hourly("driftline_call_unknown_total", by="analyzer")},
            span=6,
        ),
        curves(
            title="Feedback, last hour",
            description="What users thought of answers, by its sign, at the time they said so.",
            unit="short",
            queries={"{{sentiment}}": hourly("driftline_feedback_total", by="sentiment")},
            span=6,
            is_stacked=True,
        ),
    ]


def _alerts() -> list[PanelBuilder]:
    return [
        rows(
            title="Segments",
            description=(
                "The newest window of each segment, field and analyzer. Windows in drift counts consecutive "
                "ones, newest first; "
                "the shipped rules fire on confirmed ones. Texts moved is the share that would have to change to "
                "undo it; "
                "texts, the size of the window."
            ),
            unit="none",
            columns={
                "Windows in drift": finding("driftline_drift_windows"),
                "Confirmed": finding("driftline_drift_confirmed"),
                "Score (z)": finding("driftline_drift_score"),
                "p-value": finding("driftline_drift_pvalue_corrected", aggregate="min"),
                "Texts moved": finding("driftline_drift_moved_ratio"),
                "Texts": finding("driftline_drift_samples"),
            },
            span=16,
        ),
        alert_list(
            title="Pending and firing alerts",
            description=(
                "Driftline's own rules, read from the data source. What was sent to whom is Alertmanager's to say."
            ),
            span=8,
        ),
    ]
