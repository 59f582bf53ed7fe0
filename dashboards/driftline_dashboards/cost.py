"""Cost & tokens: what is spent, on what, whether it jumped, and where tokens go."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import TRAFFIC_VARIABLES, framed
from driftline_dashboards.panels import PanelBuilder, alert_limit, curves, number, rows, thresholds
from driftline_dashboards.queries import TRAFFIC, anomaly, budget_share, increase, per_second, ratio

_COST = "driftline_cost_usd_total"
_CALLS = "driftline_requests_total"
_TOKENS = "driftline_tokens_total"


def cost() -> builders.Dashboard:
    """The builder of driftline-cost."""
    return framed(
        "cost",
        title="Driftline cost & tokens",
        description="What LLM calls cost, by whom and for which model, and how many tokens of which kind they take.",
        variables=TRAFFIC_VARIABLES,
        sections={
            "Now": _now(),
            "Cost": _cost(),
            "Budgets and the unusual": _budgets(),
            "Tokens": _tokens(),
            "Models": _table(),
        },
    )


def tokens(kind: str, *, by: str = "") -> str:
    """Tokens of a kind a second, summed: `by` labels stay."""
    return per_second(_TOKENS, by=by, where=f'{TRAFFIC},token_type="{kind}"')


def spike(*, by: str) -> str:
    """The last hour's cost in mean hours of the day before it, as DriftlineCostSpike compares."""
    return ratio(increase(_COST, "1h", by=by), f"{increase(_COST, '1d', by=by, offset='1h')} / 24")


def token_growth(*, by: str) -> str:
    """Tokens of a call of the last hour over those of the day before it, as DriftlineTokenSpike compares."""
    both = f'{TRAFFIC},token_type=~"input|output"'
    hour = ratio(increase(_TOKENS, "1h", by=by, where=both), increase(_CALLS, "1h", by=by))
    day = ratio(increase(_TOKENS, "1d", by=by, where=both, offset="1h"), increase(_CALLS, "1d", by=by, offset="1h"))
    return f"({hour}) / ({day})"


def _now() -> list[PanelBuilder]:
    return [
        number(
            title="Cost, last hour",
            description="What the calls of the last 60 minutes cost. Calls without a known price are missing.",
            unit="currencyUSD",
            expr=increase(_COST, "1h"),
            limits=thresholds(),
        ),
        number(
            title="Cost, last 24 hours",
            description="What the calls of the last 24 hours cost. Calls without a known price are missing.",
            unit="currencyUSD",
            expr=increase(_COST, "24h"),
            limits=thresholds(),
        ),
        number(
            title="30 days at this pace",
            description="What 30 days cost if each is like the last 24 hours. A straight line, no forecast.",
            unit="currencyUSD",
            expr=f"30 * {increase(_COST, '24h')}",
            limits=thresholds(),
        ),
        number(
            title="Cost of 1,000 calls",
            description="Mean cost of a call of the last 24 hours, times 1,000.",
            unit="currencyUSD",
            expr=f"1000 * {ratio(increase(_COST, '24h'), increase(_CALLS, '24h'))}",
            limits=thresholds(),
        ),
        number(
            title="Cached share of the input",
            description=(
                "Input tokens that the provider read from its cache, of all input tokens: cheaper, and mostly the "
                "start of prompts."
            ),
            unit="percentunit",
            expr=ratio(tokens("cache_read"), tokens("input")),
            limits=thresholds(),
        ),
        number(
            title="Calls without a price, last 24 hours",
            description="Calls whose model has no known price: with any of them, cost is a floor.",
            unit="short",
            expr=f"{increase('driftline_unpriced_calls_total', '24h')} or vector(0)",
            limits=thresholds((1, "orange")),
            decimals=0,
        ),
    ]


def _cost() -> list[PanelBuilder]:
    return [
        curves(
            title="Cost per hour by model",
            description="What one hour costs for each model, at each moment over the hour before it.",
            unit="currencyUSD",
            queries={"{{model}}": increase(_COST, "1h", by="model")},
            is_stacked=True,
            links_by=("model",),
        ),
        curves(
            title="Cost per hour by service",
            description="What one hour costs for each service, at each moment over the hour before it.",
            unit="currencyUSD",
            queries={"{{service}}": increase(_COST, "1h", by="service")},
            is_stacked=True,
            links_by=("service",),
        ),
        curves(
            title="Last hour against the day before",
            description=(
                "The last hour's cost in mean hours of the day before it. The line is where DriftlineCostSpike fires, "
                "if the hour also cost at least 1 USD."
            ),
            unit="none",
            queries={"{{service}} · {{model}}": spike(by="service, model")},
            limits=alert_limit("DriftlineCostSpike"),
            links_by=("service", "model"),
        ),
        curves(
            title="Cost per day by service",
            description="What one day costs for each service, at each moment over the 24 hours before it.",
            unit="currencyUSD",
            queries={"{{service}}": increase(_COST, "24h", by="service")},
            is_stacked=True,
            step="5m",
            span=12,
            links_by=("service",),
        ),
        curves(
            title="Calls without a price, last hour",
            description=(
                "Calls whose model has no known price, by provider and model: they are missing from every cost here."
            ),
            unit="short",
            queries={"{{provider}} {{model}}": increase("driftline_unpriced_calls_total", "1h", by="provider, model")},
            span=12,
        ),
    ]


def _budgets() -> list[PanelBuilder]:
    figures = ("value", "expected", "lower", "upper")
    return [
        curves(
            title="Spent share of the budget",
            description=(
                "Spent since the day or month (UTC) began, of what the settings allow; (all) is the whole project. "
                "The line is where DriftlineBudgetExceeded fires."
            ),
            unit="percentunit",
            queries={"{{service}} {{period}}": budget_share("spent")},
            limits=alert_limit("DriftlineBudgetExceeded"),
            span=6,
        ),
        curves(
            title="Forecast share of the budget",
            description=(
                "What will have been spent at the period's end, of its limit. The line is where "
                "DriftlineBudgetForecast fires."
            ),
            unit="percentunit",
            queries={"{{service}} {{period}}": budget_share("forecast")},
            limits=alert_limit("DriftlineBudgetForecast"),
            span=6,
        ),
        curves(
            title="Cost an hour, expected and found",
            description=(
                "What each service and model cost by the hour, what its own past lets expect, and three robust "
                "standard deviations around."
            ),
            unit="currencyUSD",
            queries={f"{figure} {{{{service}}}} · {{{{model}}}}": anomaly(figure, "cost") for figure in figures},
            span=6,
            links_by=("service", "model"),
        ),
        curves(
            title="How unusual cost and tokens are",
            description=(
                "Robust standard deviations from what is expected. The line is where DriftlineCostAnomaly and "
                "DriftlineTokenAnomaly may fire: "
                "they also ask for 1.5 times the expected and a least amount."
            ),
            unit="none",
            queries={
                f"{measure} {{{{service}}}} · {{{{model}}}}": anomaly("zscore", measure)
                for measure in ("cost", "tokens")
            },
            limits=alert_limit("DriftlineCostAnomaly"),
            span=6,
            least=None,
            links_by=("service", "model"),
        ),
    ]


def _tokens() -> list[PanelBuilder]:
    return [
        curves(
            title="Tokens per second by type",
            description="Input includes cache_read and cache_write, output includes reasoning: do not add those again.",
            unit="short",
            queries={"{{token_type}}": per_second(_TOKENS, by="token_type")},
            span=6,
        ),
        curves(
            title="Input tokens of a call by model",
            description=(
                "Mean length of the whole prompt in tokens. A step up is a longer prompt, more documents or a longer "
                "history."
            ),
            unit="short",
            queries={"{{model}}": ratio(tokens("input", by="model"), per_second(_CALLS, by="model"))},
            span=6,
            links_by=("model",),
        ),
        curves(
            title="Output tokens of a call by model",
            description="Mean length of the answer in tokens, reasoning included.",
            unit="short",
            queries={"{{model}}": ratio(tokens("output", by="model"), per_second(_CALLS, by="model"))},
            span=6,
            links_by=("model",),
        ),
        curves(
            title="Tokens of a call against the day before",
            description=(
                "Input and output of a call of the last hour, in those of a mean call of the day before it. "
                "The line is where DriftlineTokenSpike fires, given enough calls."
            ),
            unit="none",
            queries={"{{service}} · {{model}}": token_growth(by="service, model")},
            limits=alert_limit("DriftlineTokenSpike"),
            span=6,
            links_by=("service", "model"),
        ),
        curves(
            title="Cached and reasoning shares",
            description="Input read from the provider's cache, of all input; and reasoning, of all output.",
            unit="percentunit",
            queries={
                "cached {{model}}": ratio(tokens("cache_read", by="model"), tokens("input", by="model")),
                "reasoning {{model}}": ratio(tokens("reasoning", by="model"), tokens("output", by="model")),
            },
            span=24,
            most=1,
        ),
    ]


def _table() -> list[PanelBuilder]:
    by = "service, model"
    return [
        rows(
            title="Where it goes, last 24 hours",
            description=(
                "Cost, calls and tokens of the last 24 hours for each service and model. A click leads to its examples."
            ),
            unit="short",
            columns={
                "Cost": increase(_COST, "24h", by=by),
                "Calls": increase(_CALLS, "24h", by=by),
                "Of 1,000 calls": f"1000 * {ratio(increase(_COST, '24h', by=by), increase(_CALLS, '24h', by=by))}",
                "Input tokens": increase(_TOKENS, "24h", by=by, where=f'{TRAFFIC},token_type="input"'),
                "Output tokens": increase(_TOKENS, "24h", by=by, where=f'{TRAFFIC},token_type="output"'),
            },
            units={"Cost": "currencyUSD", "Of 1,000 calls": "currencyUSD"},
            span=24,
            links_by=("service", "model"),
        )
    ]
