"""Panels with the house's defaults: a description, a unit, the data source variable, quiet lines."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from driftline_dashboards.foundation import (
    Builder,
    builders,
    common,
    common_models,
    heatmap,
    heatmap_models,
    models,
    prometheus,
    prometheus_models,
    stat,
    table,
    timeseries,
)
from driftline_dashboards.limits import ALERT_LIMITS
from driftline_dashboards.queries import DATASOURCE, DATASOURCE_NAME, OWN_PROMETHEUS, PAGE

PanelBuilder: TypeAlias = Builder[models.Panel]

SOURCE: Final = common_models.DataSourceRef(type_val="prometheus", uid=DATASOURCE)
OWN_SOURCE: Final = common_models.DataSourceRef(type_val="prometheus", uid=OWN_PROMETHEUS)
"""A Prometheus of the user's, which scrapes what Driftline does not store."""
_REFS: Final = "ABCDEFGH"
_SEGMENT_LABELS: Final = MappingProxyType({"service": "Service", "model": "Model", "field": "Field"})
_NO_UNITS: Final[Mapping[str, str]] = MappingProxyType({})


def thresholds(*steps: tuple[float, str], base: str = "green") -> builders.ThresholdsConfig:
    """`base` below the first step; then each (value, colour) from its value on."""
    return (
        builders.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=base), *(models.Threshold(value=v, color=c) for v, c in steps)])
    )


def alert_limit(alert: str, *, with_half: bool = False) -> builders.ThresholdsConfig:
    """Red from where the shipped rule of that name fires; with_half: orange from half of it on."""
    limit = ALERT_LIMITS[alert]
    return thresholds((limit / 2, "orange"), (limit, "red")) if with_half else thresholds((limit, "red"))


def number(
    *,
    title: str,
    description: str,
    unit: str,
    expr: str,
    limits: builders.ThresholdsConfig,
    decimals: int | None = None,
    span: int = 4,
    source: common_models.DataSourceRef = SOURCE,
) -> stat.Panel:
    """One figure of now, coloured by its limits, with the curve behind it."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .unit(unit)
        .thresholds(limits)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .with_target(_query(expr, legend=title, ref="A", source=source).range())
        .height(4)
        .span(span)
    )
    return panel if decimals is None else panel.decimals(decimals)


def curves(
    *,
    title: str,
    description: str,
    unit: str,
    queries: dict[str, str],
    span: int = 8,
    limits: builders.ThresholdsConfig | None = None,
    is_stacked: bool = False,
    is_logarithmic: bool = False,
    least: float | None = 0,
    most: float | None = None,
    step: str | None = None,
    links_by: Sequence[str] = (),
    source: common_models.DataSourceRef = SOURCE,
) -> timeseries.Panel:
    """Curves over time. queries: legend -> PromQL; limits are drawn as dashed lines; step: the smallest distance of two points.

    links_by: labels of the series that Driftline's page can be opened for, of service and model.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .unit(unit)
        .line_width(1)
        .fill_opacity(20 if is_stacked else 5)
        .show_points(common_models.VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.TABLE)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .height(8)
        .span(span)
    )
    for ref, (legend, expr) in zip(_REFS, queries.items(), strict=False):
        panel = panel.with_target(_query(expr, legend=legend, ref=ref, source=source).range())
    if links_by:
        panel = panel.data_links([page_link({name: f"${{__field.labels.{name}}}" for name in links_by})])
    if is_stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if is_logarithmic:
        panel = panel.scale_distribution(
            common.ScaleDistributionConfig().type(common_models.ScaleDistribution.LOG).log(10)
        )
    if limits is not None:
        panel = panel.thresholds(limits).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        )
    if least is not None:
        panel = panel.min(least)
    if most is not None:
        panel = panel.max(most)
    return panel if step is None else panel.interval(step)


def rows(
    *,
    title: str,
    description: str,
    unit: str,
    columns: Mapping[str, str],
    span: int,
    units: Mapping[str, str] = _NO_UNITS,
    labels: Mapping[str, str] = _SEGMENT_LABELS,
    links_by: Sequence[str] = (),
    source: common_models.DataSourceRef = SOURCE,
) -> table.Panel:
    """A table of now, one row a set of labels. columns: heading -> PromQL, which all keep the same labels.

    unit: of every column but those in units; labels: label -> heading; links_by: labels that Driftline's page can be opened for.
    """
    panel = table.Panel().title(title).description(description).datasource(source).unit(unit).height(8).span(span)
    names = dict(labels)
    for ref, (heading, expr) in zip(_REFS, columns.items(), strict=False):
        query = _query(expr, legend=heading, ref=ref, source=source)
        panel = panel.with_target(query.instant().format(prometheus_models.PromQueryFormat.TABLE))
        names[f"Value #{ref}"] = heading
    for heading, of_column in units.items():
        panel = panel.override_by_name(heading, [models.DynamicConfigValue(id_val="unit", value=of_column)])
    if links_by:
        panel = panel.data_links([page_link({name: f'${{__data.fields["{names[name]}"]}}' for name in links_by})])
    return panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={})).with_transformation(
        models.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {"Time": True}, "renameByName": names, "indexByName": {}}
        )
    )


def heat(*, title: str, description: str, unit: str, expr: str, span: int) -> heatmap.Panel:
    """How a histogram's counts spread over its buckets and time. expr: increase of the buckets, summed by le."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit("short")
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .scale(heatmap_models.HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        .with_target(
            _query(expr, legend="{{le}}", ref="A", source=SOURCE)
            .range()
            .format(prometheus_models.PromQueryFormat.HEATMAP)
        )
        .height(8)
        .span(span)
    )


def page_link(parameters: Mapping[str, str]) -> builders.DashboardLink:
    """Driftline's own page, where the examples are, for a slice. parameters: of the page's address -> text or Grafana's variable."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return (
        builders.DashboardLink("Examples on Driftline's page")
        .type(models.DashboardLinkType.LINK)
        .url(f"{PAGE}/#/?{query}")
        .target_blank(True)
    )


def alert_list(*, title: str, description: str, span: int) -> builders.Panel:
    """Pending and firing alerts, as the data source's rules endpoint tells them."""
    states = {"firing": True, "pending": True, "recovering": True, "noData": False, "normal": False, "error": True}
    return (
        builders.Panel()
        .type("alertlist")
        .title(title)
        .description(description)
        .options(
            {
                "viewMode": "list",
                "groupMode": "default",
                "groupBy": [],
                "maxItems": 20,
                "sortOrder": 3,
                "dashboardAlerts": False,
                "alertName": "",
                "alertInstanceLabelFilter": "",
                "datasource": DATASOURCE_NAME,
                "stateFilter": states,
                "showInstances": True,
                "showInactiveAlerts": False,
            }
        )
        .height(8)
        .span(span)
    )


def _query(expr: str, *, legend: str, ref: str, source: common_models.DataSourceRef) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).datasource(source)
