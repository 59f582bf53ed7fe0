"""The dashboards' JSON: fresh, valid for Grafana's schema, and kept to the rules that Grafana's own linter knows."""

import copy
import itertools
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest
import yaml

from driftline_api.promql.metrics import MetricCatalogue, MetricKind
from driftline_dashboards import datasource_model, load_dashboards
from driftline_dashboards.build import main, rendered, stale
from driftline_dashboards.files import GENERATED
from tests.dashboards.itself import self_metric_names

SCHEMA = Path(__file__).parent / "schema" / "dashboard.schema.json"
PROVISIONING = Path(__file__).parents[2] / "deploy" / "grafana" / "provisioning"

# What Grafana accepts and its published types do not know: the SDK's defaults of variables, and a Prometheus annotation's own fields.
UNTYPED_OF_VARIABLES = {"auto", "auto_count", "auto_min", "definition"}
UNTYPED_OF_ANNOTATIONS = {"expr", "step", "tagKeys", "textFormat", "titleFormat"}

CATALOGUE = MetricCatalogue.load()
GAUGES = {name for one in CATALOGUE.metrics if one.kind is MetricKind.GAUGE for name in one.series_names}
COUNTERS = set(CATALOGUE.series_names) - GAUGES
SELF = self_metric_names()


@pytest.fixture(params=load_dashboards(), ids=lambda dashboard: dashboard["uid"])
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(request.param)
    return made


def panels_of(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions_of(dashboard: dict[str, Any]) -> list[str]:
    targets = [target["expr"] for panel in panels_of(dashboard) for target in panel.get("targets", [])]
    return targets + [annotation["expr"] for annotation in dashboard["annotations"]["list"]]


def substituted(expr: str) -> str:
    """As Grafana sends it, with two values chosen of each variable."""
    for variable, value in {"$__rate_interval": "4m", "$__range": "6h", "$__interval": "1m"}.items():
        expr = expr.replace(variable, value)
    return re.sub(r'"\$[a-z]+"', '"(one|two)"', expr)


def test_the_json_is_what_the_code_makes() -> None:
    assert stale() == [], "run: python -m driftline_dashboards.build"
    assert main(["--check"]) == 0


def test_the_check_sees_a_changed_a_missing_and_a_foreign_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("driftline_dashboards.build.GENERATED", tmp_path / "generated")
    assert stale() == sorted(rendered())
    assert main([]) == 0
    assert stale() == []
    (tmp_path / "generated" / "foreign.json").write_text("{}")
    (tmp_path / "generated" / "driftline-overview.json").write_text("{}")
    assert main(["--check"]) == 1
    assert capsys.readouterr().err.count("stale: ") == 2


def test_it_is_valid_for_grafanas_schema(dashboard: dict[str, Any]) -> None:
    for variable in dashboard["templating"]["list"]:
        for key in UNTYPED_OF_VARIABLES & variable.keys():
            del variable[key]
    for annotation in dashboard["annotations"]["list"]:
        for key in UNTYPED_OF_ANNOTATIONS & annotation.keys():
            del annotation[key]
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(dashboard)


def test_the_schema_would_notice_a_mistake(dashboard: dict[str, Any]) -> None:
    dashboard["panels"][1]["gridPos"]["w"] = "wide"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(dashboard)


def test_every_expression_is_promql(dashboard: dict[str, Any]) -> None:
    for expr in expressions_of(dashboard):
        promql_parser.parse(substituted(expr))
        assert "$" not in substituted(expr), expr


def test_only_metrics_that_exist_are_used_and_counters_only_in_rate_or_increase() -> None:
    used = set()
    for dashboard in load_dashboards():
        for panel in panels_of(dashboard):
            is_ours = panel.get("datasource", {}).get("uid") == "${datasource}"
            for target in panel.get("targets", []):
                used |= assert_selectors_are_sound(target["expr"], is_ours=is_ours)
        for annotation in dashboard["annotations"]["list"]:
            used |= assert_selectors_are_sound(annotation["expr"], is_ours=True)
    unused = set(CATALOGUE.series_names) - used
    assert unused == {
        "driftline_time_to_first_token_seconds_sum",
        "driftline_time_to_first_token_seconds_count",
    }


def assert_selectors_are_sound(expr: str, *, is_ours: bool) -> set[str]:
    """Checks every selector of an expression; returns the metrics of the catalogue among them."""
    found = set()
    for match in re.finditer(r"(\w+\()?\b((?:driftline|DCGM_FI|gen_ai|process)_\w+)(\{[^}]*\})?(\[[^\]]+\])?", expr):
        function, metric, _, window = match.groups()
        if is_ours and metric not in SELF:
            assert metric in COUNTERS | GAUGES, (
                f"expected a metric of the catalogue or of Driftline itself, got {metric}"
            )
            found.add(metric)
        if metric in COUNTERS or metric.endswith(("_total", "_bucket", "_COUNTER", "_CONSUMPTION")):
            is_presence = re.search(rf"count by \([^)]*\) \({metric}", expr) is not None
            is_growth = (function, window) == ("rate(", "[$__rate_interval]") or function == "increase("
            assert is_growth or (is_presence and function is None and window is None), expr
        else:
            assert window is None or function == "last_over_time(", expr
    return found


def test_every_panel_has_title_description_unit_and_the_source_variable(dashboard: dict[str, Any]) -> None:
    for panel in panels_of(dashboard):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] == "alertlist":
            continue
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["type"] == "prometheus", panel["title"]
        assert panel["datasource"]["uid"] in ("${datasource}", "${prometheus}"), panel["title"]
        assert panel["targets"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)), panel["title"]
        for target in panel["targets"]:
            assert target["expr"], panel["title"]
            assert target["datasource"] == panel["datasource"], panel["title"]


def test_ids_are_unique_and_panels_do_not_overlap_or_leave_the_grid(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    areas = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(area["x"] + area["w"] <= 24 for area in areas)
    for one, other in itertools.combinations(areas, 2):
        is_apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert is_apart, (one, other)


def test_every_variable_that_is_used_exists_and_follows_the_time_range(dashboard: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r'"\$([a-z]+)"', " ".join(expressions_of(dashboard))))
    assert used == variables.keys() - {"datasource", "prometheus", "page"}
    for name in used:
        variable = variables[name]
        assert re.fullmatch(r"label_values\((driftline|DCGM_FI)_\w+, \w+\)", variable["query"]["query"])
        assert (variable["multi"], variable["includeAll"], variable["allValue"], variable["refresh"]) == (
            True,
            True,
            ".*",
            2,
        )
        is_ours = "driftline_" in variable["query"]["query"]
        assert variable["datasource"]["uid"] == ("${datasource}" if is_ours else "${prometheus}")
    assert variables["datasource"]["current"]["value"] == "driftline-prometheus"
    asked = {panel["datasource"]["uid"] for panel in panels_of(dashboard) if "datasource" in panel}
    assert ("prometheus" in variables) == ("${prometheus}" in asked)


def test_variables_are_of_labels_that_their_metric_has(dashboard: dict[str, Any]) -> None:
    labels = {name: metric.labels for metric in CATALOGUE.metrics for name in metric.series_names}
    for variable in dashboard["templating"]["list"]:
        match = re.fullmatch(r"label_values\((driftline_\w+), (\w+)\)", variable.get("definition") or "")
        if match is not None:
            assert match[2] in labels[match[1]]


def test_links_lead_to_the_siblings_and_to_slices_of_the_page(dashboard: dict[str, Any]) -> None:
    siblings, page = dashboard["links"]
    assert (siblings["type"], siblings["tags"], siblings["includeVars"], siblings["keepTime"]) == (
        "dashboards",
        ["driftline"],
        True,
        True,
    )
    assert (page["type"], page["url"]) == ("link", "${page}/")
    for panel in panels_of(dashboard):
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", json.dumps(panel)))))
        for link in panel.get("fieldConfig", {"defaults": {}})["defaults"].get("links", []):
            # The page reads one service and one model, and nothing else, from its address.
            parameters = re.fullmatch(r"\$\{page\}/#/\?(.+)", link["url"])
            assert parameters is not None, panel["title"]
            names = re.findall(r"(?:^|&)(\w+)=\$\{__(?:field\.labels|data\.fields)", parameters[1])
            assert names, panel["title"]
            assert set(names) <= {"service", "model"} & kept, panel["title"]


def test_uids_and_titles_are_unique_and_there_are_ten() -> None:
    dashboards = load_dashboards()
    assert {dashboard["uid"].removeprefix("driftline-") for dashboard in dashboards} == {
        "overview", "cost", "latency", "drift", "quality", "models", "agents", "gpu", "traces", "pipeline"
    }  # fmt: skip
    assert len({dashboard["title"] for dashboard in dashboards}) == len(dashboards) == 10


def test_alerts_drift_versions_and_references_are_marked(dashboard: dict[str, Any]) -> None:
    names = [annotation["name"] for annotation in dashboard["annotations"]["list"]]
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    sliced = ["Alerts", "Drift", "New versions", "New references"]
    assert names == (sliced if {"service", "model"} <= variables else ["Alerts"])


def test_the_frame_follows_the_conventions(dashboard: dict[str, Any]) -> None:
    assert re.fullmatch(r"driftline-[a-z-]{1,30}", dashboard["uid"])
    assert "driftline" in dashboard["tags"]
    assert (dashboard["editable"], dashboard["graphTooltip"], dashboard["refresh"]) == (False, 1, "1m")
    assert "id" not in dashboard


def test_the_provisioned_source_is_the_pushed_one() -> None:
    provisioned = yaml.safe_load((PROVISIONING / "datasources" / "driftline.yaml").read_text())
    assert provisioned["apiVersion"] == 1
    (source,) = provisioned["datasources"]
    pushed = datasource_model(source["url"])
    assert source.pop("editable") is False
    assert source == {key: value for key, value in pushed.items() if key != "secureJsonData"}


def test_the_provisioned_folder_is_the_pushed_one() -> None:
    provisioned = yaml.safe_load((PROVISIONING / "dashboards" / "driftline.yaml").read_text())
    (provider,) = provisioned["providers"]
    assert (provider["folder"], provider["folderUid"], provider["type"]) == ("LLM Observability", "driftline", "file")
    assert GENERATED.is_dir()
