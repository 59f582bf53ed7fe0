"""Panels with the house's defaults: a description, a unit, the data source variable, quiet lines."""

from typing import Final, TypeAlias

from driftline_dashboards.foundation import (
    Builder,
    builders,
    common,
    common_models,
    models,
    prometheus,
    prometheus_models,
    stat,
    table,
    timeseries,
)
from driftline_dashboards.queries import DATASOURCE, DATASOURCE_NAME

PanelBuilder: TypeAlias = Builder[models.Panel]

SOURCE: Final = common_models.DataSourceRef(type_val="prometheus", uid=DATASOURCE)
_REFS: Final = "ABCDEFGH"


def thresholds(*steps: tuple[float, str], base: str = "green") -> builders.ThresholdsConfig:
    """`base` below the first step; then each (value, colour) from its value on."""
    return (
        builders.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=None, color=base), *(models.Threshold(value=v, color=c) for v, c in steps)])
    )


def number(
    *,
    title: str,
    description: str,
    unit: str,
    expr: str,
    limits: builders.ThresholdsConfig,
    decimals: int | None = None,
) -> stat.Panel:
    """One figure of now, coloured by its limits, with the curve behind it."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .thresholds(limits)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .with_target(_query(expr, legend=title, ref="A").range())
        .height(4)
        .span(4)
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
) -> timeseries.Panel:
    """Curves over time. queries: legend -> PromQL; limits are drawn as dashed lines; step: the smallest distance of two points."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
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
        panel = panel.with_target(_query(expr, legend=legend, ref=ref).range())
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


def rows(*, title: str, description: str, unit: str, columns: dict[str, str], span: int) -> table.Panel:
    """A table of now, one row a segment. columns: heading -> PromQL with the labels service, model and field."""
    panel = table.Panel().title(title).description(description).datasource(SOURCE).unit(unit).height(8).span(span)
    names: dict[str, str] = {"service": "Service", "model": "Model", "field": "Field"}
    for ref, (heading, expr) in zip(_REFS, columns.items(), strict=False):
        query = _query(expr, legend=heading, ref=ref)
        panel = panel.with_target(query.instant().format(prometheus_models.PromQueryFormat.TABLE))
        names[f"Value #{ref}"] = heading
    return panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={})).with_transformation(
        models.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {"Time": True}, "renameByName": names, "indexByName": {}}
        )
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


def _query(expr: str, *, legend: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).datasource(SOURCE)
