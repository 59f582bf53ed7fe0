"""The catalogue of metrics: what is refused on load, and the naming that every metric keeps to."""

from pathlib import Path

import pytest

from driftline_api.promql.metrics import Metric, MetricCatalogue, MetricKind
from driftline_core.errors import ConfigError

CATALOGUE = MetricCatalogue.load()
ENTRY = """
metrics:
  - name: driftline_things_total
    type: counter
    unit: things
    help: Things.
    labels: [service]
    sql: things.sql
"""
NOT_BASE_UNITS = ("ms", "milliseconds", "minutes", "hours", "percent", "kilobytes", "megabytes", "cents")
UNITS = {"", "requests", "errors", "tokens", "usd", "seconds", "bytes", "ratio", "windows", "texts"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "things.sql").write_text("SELECT 1", encoding="utf-8")
    return tmp_path


def test_a_catalogue_is_read_from_yaml(folder: Path) -> None:
    (metric,) = MetricCatalogue.parse(ENTRY, folder).metrics
    assert metric == Metric(
        name="driftline_things_total",
        kind=MetricKind.COUNTER,
        unit="things",
        help="Things.",
        labels=("service",),
        sql="SELECT 1",
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("metrics:", "metric:", "expected a mapping with one key, metrics"),
        ("name: driftline_things_total", "name: 7things", "expected a metric name"),
        ("type: counter", "type: summary", "expected type counter, gauge, histogram, got 'summary'"),
        ("unit: things", "units: things", "expected the keys name, type, unit, help, labels, sql"),
        ("labels: [service]", "labels: []", "expected a list of labels"),
        ("labels: [service]", "labels: [le]", "got 'le'"),
        ("labels: [service]", "labels: [a, a]", "expected each label once"),
        ("sql: things.sql", "sql: missing.sql", "expected an SQL file"),
        ("sql: things.sql", "sql: ../things.sql", "expected an SQL file"),
        ("metrics:", "metrics: [", "expected YAML"),
    ],
)
def test_a_bad_catalogue_is_refused_with_what_was_expected(folder: Path, before: str, after: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        MetricCatalogue.parse(ENTRY.replace(before, after), folder)
    assert message in str(error.value)


def test_a_metric_that_is_there_twice_is_refused(folder: Path) -> None:
    entry = ENTRY.partition("metrics:\n")[2]
    with pytest.raises(ConfigError, match="every metric once"):
        MetricCatalogue.parse(f"metrics:\n{entry}{entry}", folder)


@pytest.mark.parametrize("metric", CATALOGUE.metrics, ids=lambda metric: metric.name)
def test_every_metric_is_named_as_prometheus_advises(metric: Metric) -> None:
    words = metric.name.split("_")
    assert metric.name.startswith("driftline_")
    assert metric.name == metric.name.lower()
    assert not set(words) & set(NOT_BASE_UNITS), "base units alone"
    assert metric.unit in UNITS
    assert (words[-1] == "total") == (metric.kind is MetricKind.COUNTER)
    assert words[-1] not in ("bucket", "sum", "count", "info"), "suffixes that mean something else"
    if metric.unit in ("seconds", "bytes", "ratio"):
        assert words[-1] == metric.unit or words[-2] == metric.unit
    if metric.kind is MetricKind.HISTOGRAM:
        assert metric.unit in ("seconds", "bytes")


@pytest.mark.parametrize("metric", CATALOGUE.metrics, ids=lambda metric: metric.name)
def test_every_metric_says_what_it_is_and_binds_its_project(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert len(metric.help) > 20
    assert metric.sql.startswith("--"), "opens with its parameters, columns and units"
    assert "{project:String}" in metric.sql
    assert not set(metric.labels) & {"user_id", "session_id", "trace_id", "span_id", "project"}


def test_every_promised_metric_is_there() -> None:
    assert {metric.name for metric in CATALOGUE.metrics} >= {
        "driftline_requests_total",
        "driftline_errors_total",
        "driftline_tokens_total",
        "driftline_cost_usd_total",
        "driftline_request_duration_seconds",
        "driftline_drift_confirmed",
        "driftline_drift_moved_ratio",
        "driftline_drift_pvalue",
        "driftline_drift_pvalue_corrected",
        "driftline_drift_score",
        "driftline_drift_windows",
        "driftline_drift_samples",
        "driftline_outlier_ratio",
    }
