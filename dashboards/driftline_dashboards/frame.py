"""What every dashboard shares: its uid and tags, the variables, the annotations and the links to its siblings and to Driftline's page."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from driftline_dashboards.foundation import builders, common_models, models
from driftline_dashboards.panels import OWN_SOURCE, SOURCE, PanelBuilder
from driftline_dashboards.queries import (
    DATASOURCE_NAME,
    DATASOURCE_UID,
    FINDINGS,
    PAGE,
    PAGE_VARIABLE,
    SEGMENT,
    finding,
)

TAG: Final = "driftline"
PAGE_URL: Final = "http://127.0.0.1:8000"
"""Where Driftline's page is unless a push says otherwise."""

Variables = Mapping[str, str]
"""Label -> the metric whose values of it can be chosen."""

TRAFFIC_VARIABLES: Final[Variables] = dict.fromkeys(
    ("service", "environment", "provider", "model"), "driftline_requests_total"
)
FINDING_VARIABLES: Final[Variables] = dict.fromkeys(("service", "model"), "driftline_requests_total")
DRIFT_VARIABLES: Final[Variables] = {
    **FINDING_VARIABLES,
    "analyzer": "driftline_drift_score",
    "field": "driftline_drift_score",
}
STEP_VARIABLES: Final[Variables] = dict.fromkeys(("service", "environment"), "driftline_requests_total")

Source = Literal["driftline", "own"]

_TITLES: Final = {
    "service": "Service",
    "environment": "Environment",
    "provider": "Provider",
    "model": "Model",
    "analyzer": "Analyzer",
    "field": "Field",
    "hostname": "Host",
    "gpu": "GPU",
}
_EVERYTHING: Final = models.VariableOption(selected=True, text=["All"], value=["$__all"])


def framed(
    name: str,
    *,
    title: str,
    description: str,
    variables: Variables,
    sections: Mapping[str, Sequence[PanelBuilder]],
    has_own_source: bool = False,
) -> builders.Dashboard:
    """The builder of dashboard driftline-<name>: last 6 hours, renewed each minute, read-only, with a shared crosshair.

    sections: heading -> panels. has_own_source: it also asks a Prometheus of the user's, whose metrics the variables beyond traffic are of.
    """
    dashboard = (
        builders.Dashboard(title)
        .uid(f"driftline-{name}")
        .description(description)
        .tags([TAG, "llm", name])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .with_variable(_source_variable())
    )
    if has_own_source:
        dashboard = dashboard.with_variable(_own_source_variable())
    for label, metric in variables.items():
        source = SOURCE if metric.startswith("driftline_") else OWN_SOURCE
        dashboard = dashboard.with_variable(_label_variable(label, metric=metric, source=source))
    dashboard = dashboard.with_variable(_page_variable())
    for annotation in _annotations(has_slices={"service", "model"} <= variables.keys()):
        dashboard = dashboard.annotation(annotation)
    dashboard = dashboard.link(_sibling_links()).link(_page_link())
    for heading, panels in sections.items():
        dashboard = dashboard.with_row(builders.Row(heading))
        for panel in panels:
            dashboard = dashboard.with_panel(panel)
    return dashboard


def _source_variable() -> builders.DatasourceVariable:
    return (
        builders.DatasourceVariable("datasource")
        .label("Data source")
        .description("A Prometheus data source whose address is Driftline's query API.")
        .type("prometheus")
        .current(models.VariableOption(selected=True, text=DATASOURCE_NAME, value=DATASOURCE_UID))
    )


def _own_source_variable() -> builders.DatasourceVariable:
    return (
        builders.DatasourceVariable("prometheus")
        .label("Own Prometheus")
        .description("Your own Prometheus, which scrapes Driftline's /metrics and the exporters of your GPUs.")
        .type("prometheus")
    )


def _label_variable(variable: str, *, metric: str, source: common_models.DataSourceRef) -> builders.QueryVariable:
    label = "Hostname" if variable == "hostname" else variable
    query = f"label_values({metric}, {label})"
    return (
        builders.QueryVariable(variable)
        .label(_TITLES[variable])
        .description(f"Values of the label {label}.")
        .datasource(source)
        .query({"query": query, "refId": f"variable-{variable}"})
        .definition(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(_EVERYTHING)
    )


def _page_variable() -> builders.TextBoxVariable:
    return (
        builders.TextBoxVariable(PAGE_VARIABLE)
        .label("Driftline's page")
        .description("Address of Driftline's own page, where links to examples lead.")
        .default_value(PAGE_URL)
        .current(models.VariableOption(selected=True, text=PAGE_URL, value=PAGE_URL))
    )


def _annotations(*, has_slices: bool) -> list[builders.AnnotationQuery]:
    """Alerts everywhere; drift, new versions and new references where a service and a model can be chosen."""
    alerts = 'alertstate="firing"' + (f",{FINDINGS}" if has_slices else "")
    found = [
        _annotation(
            "Alerts",
            colour="red",
            expr=f"max by (alertname, severity, service, model) (driftline_alert_active{{{alerts}}})",
            text="{{alertname}} · {{service}} · {{model}}",
            tags="severity,service,model",
        )
    ]
    if not has_slices:
        return found
    calls, windows = f"driftline_requests_total{{{FINDINGS}}}", f"driftline_drift_samples{{{FINDINGS}}}"
    return [
        *found,
        _annotation(
            "Drift",
            colour="orange",
            expr=f"{finding('driftline_drift_windows')} > 0",
            text=SEGMENT,
            tags="service,model,field",
        ),
        _annotation(
            "New versions",
            colour="blue",
            expr=(
                f"count by (service, model, prompt_version) ({calls})"
                f" unless count by (service, model, prompt_version) ({calls} offset 5m)"
            ),
            text="First calls of prompt version {{prompt_version}} · {{service}} · {{model}}",
            tags="service,model,prompt_version",
        ),
        _annotation(
            "New references",
            colour="purple",
            expr=(
                f"count by (service, reference) ({windows})"
                f" unless count by (service, reference) (last_over_time({windows}[1d] offset 5m))"
            ),
            text="Compared with reference {{reference}} from here on · {{service}}",
            tags="service,reference",
        ),
    ]


def _annotation(name: str, *, colour: str, expr: str, text: str, tags: str) -> builders.AnnotationQuery:
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .hide(False)
        .icon_color(colour)
        .expr(expr)
        .step("60s")
        .title_format(name)
        .text_format(text)
        .tag_keys(tags)
    )


def _sibling_links() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Driftline dashboards")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _page_link() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Driftline's page")
        .type(models.DashboardLinkType.LINK)
        .url(f"{PAGE}/")
        .icon("external link")
        .tooltip("Findings with their examples, traces and scores")
        .target_blank(True)
    )
