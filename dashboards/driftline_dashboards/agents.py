"""Agents & tools: the steps of traces that are no LLM calls, how often they run, fail and how long they take."""

from driftline_dashboards.foundation import builders
from driftline_dashboards.frame import STEP_VARIABLES, framed
from driftline_dashboards.panels import PanelBuilder, curves, number, rows, thresholds
from driftline_dashboards.queries import STEPS, increase, per_second, quantile, ratio

_STEPS = "driftline_steps_total"
_ERRORS = "driftline_step_errors_total"
_DURATION = "driftline_step_duration_seconds"


def agents() -> builders.Dashboard:
    """The builder of driftline-agents."""
    return framed(
        "agents",
        title="Driftline agents & tools",
        description=(
            "Agents, tools and retrievals as their spans tell: a tool that fails or an agent that runs in circles "
            "shows here."
        ),
        variables=STEP_VARIABLES,
        sections={"Last hour": _now(), "Tools": _of("tool"), "Agents": _of("agent"), "All steps": _steps()},
    )


def _where(kind: str) -> str:
    return f'{STEPS},kind="{kind}"'


def failed(kind: str, *, by: str = "") -> str:
    """Share of a kind's steps of the last hour that failed; each series of steps has one of errors, so 0 shows as 0."""
    where = _where(kind)
    return ratio(increase(_ERRORS, "1h", by=by, where=where), increase(_STEPS, "1h", by=by, where=where))


def _now() -> list[PanelBuilder]:
    runs = increase(_STEPS, "1h", where=_where("agent"))
    return [
        number(
            title="Agent runs",
            description="Runs of agents in the last hour; an agent that calls another counts as well.",
            unit="short",
            expr=runs,
            limits=thresholds(),
            decimals=0,
        ),
        number(
            title="Tool calls",
            description="Calls of tools in the last hour.",
            unit="short",
            expr=increase(_STEPS, "1h", where=_where("tool")),
            limits=thresholds(),
            decimals=0,
        ),
        number(
            title="Tool calls of an agent run",
            description=(
                "Mean number of tool calls for each run of an agent. A rise without more work is an agent in circles."
            ),
            unit="none",
            expr=ratio(increase(_STEPS, "1h", where=_where("tool")), runs),
            limits=thresholds(),
            decimals=1,
        ),
        number(
            title="LLM calls of an agent run",
            description="Mean number of LLM calls, also those outside of agents, for each run of an agent.",
            unit="none",
            expr=ratio(increase("driftline_requests_total", "1h", where=STEPS), runs),
            limits=thresholds(),
            decimals=1,
        ),
        number(
            title="Tool calls that failed",
            description="Share of the last hour's tool calls that failed.",
            unit="percentunit",
            expr=failed("tool"),
            limits=thresholds(),
        ),
        number(
            title="Agent runs that failed",
            description="Share of the last hour's agent runs that failed.",
            unit="percentunit",
            expr=failed("agent"),
            limits=thresholds(),
        ),
    ]


def _of(kind: str) -> list[PanelBuilder]:
    return [
        curves(
            title=f"Runs per second by {kind}",
            description=f"How often each {kind} runs.",
            unit="reqps",
            queries={"{{name}}": per_second(_STEPS, by="name", where=_where(kind))},
            is_stacked=True,
        ),
        curves(
            title=f"Failed share by {kind}",
            description=f"Runs of the hour before that failed, of all, for each {kind}.",
            unit="percentunit",
            queries={"{{name}}": failed(kind, by="name")},
            most=1,
        ),
        curves(
            title=f"Duration by {kind}",
            description=(
                f"Time within which half (p50) and 95 % (p95) of the runs ended, for each {kind}; what it calls in "
                "turn is inside."
            ),
            unit="s",
            queries={
                "p50 {{name}}": quantile(0.5, _DURATION, by="name", where=_where(kind)),
                "p95 {{name}}": quantile(0.95, _DURATION, by="name", where=_where(kind)),
            },
        ),
    ]


def _steps() -> list[PanelBuilder]:
    by = "service, kind, name"
    mean = ratio(
        increase(f"{_DURATION}_sum", "1h", by=by, where=STEPS), increase(f"{_DURATION}_count", "1h", by=by, where=STEPS)
    )
    return [
        curves(
            title="Steps per second by kind",
            description="Retrievals, rerankers, chains, guardrails and evaluators beside tools and agents.",
            unit="reqps",
            queries={"{{kind}}": per_second(_STEPS, by="kind", where=STEPS)},
            is_stacked=True,
        ),
        rows(
            title="Steps, last hour",
            description="Each step by service, kind and name. A click leads to the service's traces.",
            unit="short",
            columns={
                "Runs": increase(_STEPS, "1h", by=by, where=STEPS),
                "Failed": increase(_ERRORS, "1h", by=by, where=STEPS),
                "Mean duration": mean,
            },
            units={"Mean duration": "s"},
            labels={"service": "Service", "kind": "Kind", "name": "Name"},
            span=16,
            links_by=("service",),
        ),
    ]
