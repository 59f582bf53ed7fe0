"""Models & versions side by side: what changes when a model, a provider or a prompt version does."""

from driftline_dashboards.cost import tokens
from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import TRAFFIC_VARIABLES, framed
from driftline_dashboards.panels import PanelBuilder, alert_limit, curves, rows
from driftline_dashboards.queries import FINDINGS, error_share, increase, latency, per_second, quantile, ratio

_CALLS = "driftline_requests_total"
_COST = "driftline_cost_usd_total"
_FIRST_TOKEN = "driftline_time_to_first_token_seconds"


def side_by_side() -> builders.Dashboard:
    """The builder of driftline-models."""
    return framed(
        "models",
        title="Driftline models & versions",
        description=(
            "Models, providers and prompt versions side by side. They see what traffic sent them: a difference may "
            "be one of the calls."
        ),
        variables=TRAFFIC_VARIABLES,
        sections={
            "Models": [_table("model"), *_curves("model")],
            "Prompt versions": [_table("prompt_version"), *_curves("prompt_version")],
            "Providers and quality": _others(),
        },
    )


def _heading(label: str) -> str:
    return {"model": "Model", "prompt_version": "Prompt version", "provider": "Provider"}[label]


def _cost_of_1000(by: str) -> str:
    return f"1000 * {ratio(increase(_COST, '1h', by=by), increase(_CALLS, '1h', by=by))}"


def _table(label: str) -> PanelBuilder:
    return rows(
        title=f"{_heading(label)}s, side by side",
        description="Calls and cost of the last hour; the other figures of the last minutes, as in the curves.",
        unit="short",
        columns={
            "Calls": increase(_CALLS, "1h", by=label),
            "Errors": error_share(by=label),
            "p50": latency(0.5, by=label),
            "p95": latency(0.95, by=label),
            "First token p95": quantile(0.95, _FIRST_TOKEN, by=label),
            "Cost of 1,000 calls": _cost_of_1000(label),
            "Input tokens": ratio(tokens("input", by=label), per_second(_CALLS, by=label)),
            "Output tokens": ratio(tokens("output", by=label), per_second(_CALLS, by=label)),
        },
        units={
            "Errors": "percentunit",
            "p50": "s",
            "p95": "s",
            "First token p95": "s",
            "Cost of 1,000 calls": "currencyUSD",
        },
        labels={label: _heading(label)},
        span=24,
        links_by=("model",) if label == "model" else (),
    )


def _curves(label: str) -> list[PanelBuilder]:
    legend, links_by = f"{{{{{label}}}}}", ("model",) if label == "model" else ()
    by = _heading(label).lower()
    return [
        curves(
            title=f"Share of the calls by {by}",
            description=f"Calls of each {by}, of all: how far a roll-out is.",
            unit="percentunit",
            queries={legend: f"{per_second(_CALLS, by=label)} / scalar({per_second(_CALLS)} > 0)"},
            span=6,
            is_stacked=True,
            most=1,
            links_by=links_by,
        ),
        curves(
            title=f"Error share by {by}",
            description=f"Calls that failed, of all, for each {by}. The line is where DriftlineErrorRate fires.",
            unit="percentunit",
            queries={legend: error_share(by=label)},
            limits=alert_limit("DriftlineErrorRate"),
            span=6,
            most=1,
            links_by=links_by,
        ),
        curves(
            title=f"Latency p95 by {by}",
            description=(
                f"Time within which 95 % of the calls ended, for each {by}. The line is where DriftlineLatencyP95 "
                "fires."
            ),
            unit="s",
            queries={legend: latency(0.95, by=label)},
            limits=alert_limit("DriftlineLatencyP95"),
            span=6,
            links_by=links_by,
        ),
        curves(
            title=f"Cost of 1,000 calls by {by}",
            description=f"Mean cost of a call of the hour before, times 1,000, for each {by}.",
            unit="currencyUSD",
            queries={legend: _cost_of_1000(label)},
            span=6,
            links_by=links_by,
        ),
    ]


def _others() -> list[PanelBuilder]:
    return [
        curves(
            title="Requests per second by provider",
            description="Model calls a second, for each provider.",
            unit="reqps",
            queries={"{{provider}}": per_second(_CALLS, by="provider")},
            is_stacked=True,
        ),
        curves(
            title="Latency p95 by provider and model",
            description=(
                "The same model from several providers side by side. The line is where DriftlineLatencyP95 fires."
            ),
            unit="s",
            queries={"{{provider}} · {{model}}": latency(0.95, by="provider, model")},
            limits=alert_limit("DriftlineLatencyP95"),
            links_by=("model",),
        ),
        curves(
            title="Flagged share by model and scorer",
            description=(
                "Answers of each model that a scorer of single calls flags, of all that it scored, by the hour."
            ),
            unit="percentunit",
            queries={
                "{{model}} · {{analyzer}}": (
                    f'max by (model, analyzer) (driftline_call_flagged_ratio{{{FINDINGS},field="completion"}})'
                )
            },
            most=1,
            links_by=("model",),
        ),
    ]
