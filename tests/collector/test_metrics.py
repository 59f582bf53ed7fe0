"""What becomes of data points: those that real SDKs sent, and each type with what may be absent and what may be zero."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from benchmarks.recordings import RECORDED_AT_NS, framed, insert
from driftline_collector.envelope import varint
from driftline_collector.insert import InsertFailed
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store
from tests.collector.otlp_signals import OBSERVED_NS, gauge_request, metrics_request, put, recorded

Land = Callable[..., list[dict[str, Any]]]
_METRICS = SIGNALS["metrics"]


@pytest.fixture
def land(store: Store) -> Land:
    """Sends requests the way that the collector does and gives the rows."""

    def send(*requests: Any, token: str = "one") -> list[dict[str, Any]]:
        frames = []
        for request in requests:
            body = request if isinstance(request, bytes) else request.SerializeToString()
            n_items = _METRICS.check(_METRICS.request.FromString(body), body).n_items
            frames.append(framed(body, project="p", received_at_ns=RECORDED_AT_NS, n_items=n_items))
        insert(store, b"".join(frames), token=token, signal="metrics")
        return store.rows(
            "SELECT *, toUnixTimestamp64Nano(time) AS time_ns, toUnixTimestamp64Nano(start_time) AS start_ns "
            "FROM metric_points FINAL ORDER BY name, mapValues(attributes)"
        )

    return send


def test_every_recorded_data_point_lands_with_its_values(land: Land) -> None:
    bodies = [body for _, body in recorded("metrics")]
    expected = []
    for body in bodies:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    kind = metric.WhichOneof("data")
                    for point in getattr(metric, kind).data_points:
                        is_number = kind in ("gauge", "sum")
                        number = getattr(point, point.WhichOneof("value")) if is_number else None
                        expected.append((
                            metric.name, metric.unit, kind, scope.scope.name, point.time_unix_nano,
                            number, 0 if is_number else point.count, None if is_number else point.sum,
                            [] if is_number else list(point.bucket_counts), len(point.exemplars), len(point.attributes),
                        ))  # fmt: skip
    rows = land(*bodies)
    assert len(rows) == 393
    landed = [
        (
            row["name"], row["unit"], row["type"], row["scope_name"], row["time_ns"], row["value"], row["count"], row["sum"],
            list(row["bucket_counts"]), len(row["exemplars"]), len(row["attributes"]),
        )
        for row in rows
    ]  # fmt: skip
    assert sorted(landed, key=str) == sorted(expected, key=str)
    tokens = [row for row in rows if row["name"] == "gen_ai.client.token.usage"]
    assert {row["attributes"]["gen_ai.token.type"] for row in tokens} >= {"input", "output"}
    assert all(row["temporality"] == "cumulative" and row["start_ns"] > 0 for row in tokens)


def test_zero_is_a_value_and_nothing_is_none(land: Land) -> None:
    request, scope_metrics = metrics_request()
    gauge = scope_metrics.metrics.add(name="gauge").gauge
    values: dict[str, dict[str, Any]] = {"a": {"as_int": 0}, "b": {"as_double": 0.0}, "c": {"as_int": -7}, "d": {}}
    for name, value in values.items():
        put(gauge.data_points.add(time_unix_nano=OBSERVED_NS, flags=1 if name == "d" else 0, **value), "n", name)
    assert [(row["attributes"]["n"], row["value"], row["flags"]) for row in land(request)] == [
        ("a", 0.0, 0), ("b", 0.0, 0), ("c", -7.0, 0), ("d", None, 1),
    ]  # fmt: skip


def test_histograms_keep_optional_sums_and_bounds(land: Land) -> None:
    request, scope_metrics = metrics_request()
    histogram = scope_metrics.metrics.add(name="h", unit="s").histogram
    histogram.aggregation_temporality = 1
    full = histogram.data_points.add(
        time_unix_nano=OBSERVED_NS, start_time_unix_nano=OBSERVED_NS - 5, count=3, sum=0.0, min=0.0, max=0.0,
        bucket_counts=[1, 2], explicit_bounds=[0.5],
    )  # fmt: skip
    put(full, "n", "full")
    exemplar = full.exemplars.add(time_unix_nano=7, as_int=4, trace_id=b"t" * 16, span_id=b"s" * 8)
    put(exemplar, "why", "sampled", name="filtered_attributes")
    put(histogram.data_points.add(time_unix_nano=OBSERVED_NS, count=0), "n", "none")
    landed = {row["attributes"]["n"]: row for row in land(request)}
    row = landed["full"]
    assert (row["count"], row["sum"], row["min"], row["max"]) == (3, 0.0, 0.0, 0.0)
    assert (list(row["bucket_counts"]), list(row["explicit_bounds"])) == ([1, 2], [0.5])
    assert (row["temporality"], row["start_ns"], row["value"]) == ("delta", OBSERVED_NS - 5, None)
    (found,) = row["exemplars"]
    assert found == {
        "time_unix_nano": 7, "value": 4.0, "trace_id": (b"t" * 16).hex(), "span_id": (b"s" * 8).hex(),
        "attributes": {"why": "sampled"},
    }  # fmt: skip
    assert (landed["none"]["sum"], landed["none"]["min"], landed["none"]["max"]) == (None, None, None)


def test_sums_exponential_histograms_and_summaries_keep_what_is_theirs(land: Land) -> None:
    request, scope_metrics = metrics_request()
    total = scope_metrics.metrics.add(name="a_sum", description="all of it").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(time_unix_nano=OBSERVED_NS, as_int=2**53)
    exponential = scope_metrics.metrics.add(name="b_exponential").exponential_histogram
    exponential.aggregation_temporality = 2
    point = exponential.data_points.add(
        time_unix_nano=OBSERVED_NS, count=9, sum=-1.5, scale=-3, zero_count=2, zero_threshold=0.25, min=-4.0
    )
    point.positive.offset, point.negative.offset = -2, 5
    point.positive.bucket_counts.extend([0, 300])
    point.negative.bucket_counts.extend([7])
    summary = scope_metrics.metrics.add(name="c_summary").summary.data_points.add(time_unix_nano=OBSERVED_NS, count=4)
    summary.quantile_values.add(quantile=0.99, value=math.inf)
    a_sum, b_exponential, c_summary = land(request)
    assert (a_sum["type"], a_sum["value"], a_sum["is_monotonic"], a_sum["temporality"], a_sum["description"]) == (
        "sum", 2.0**53, 1, "cumulative", "all of it",
    )  # fmt: skip
    names = (
        "type",
        "count",
        "sum",
        "min",
        "max",
        "scale",
        "zero_count",
        "zero_threshold",
        "positive_offset",
        "negative_offset",
    )
    assert [b_exponential[name] for name in names] == ["exponential_histogram", 9, -1.5, -4.0, None, -3, 2, 0.25, -2, 5]
    assert (list(b_exponential["positive_counts"]), list(b_exponential["negative_counts"])) == ([0, 300], [7])
    assert (c_summary["type"], c_summary["count"], c_summary["sum"], c_summary["temporality"]) == (
        "summary",
        4,
        0.0,
        "",
    )
    assert list(c_summary["quantiles"]) == [{"quantile": 0.99, "value": math.inf}]


def test_a_point_that_comes_twice_is_one_row_and_another_series_is_another(land: Land) -> None:
    land(gauge_request(0.5, 0.75), token="one")
    assert [row["value"] for row in land(gauge_request(0.5, 0.75, 0.25), token="two")] == [0.5, 0.75, 0.25]


def test_an_impossible_time_is_the_time_of_receipt(land: Land) -> None:
    request = gauge_request(1.0)
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    point.time_unix_nano, point.start_time_unix_nano = 2**63, 2**63
    (row,) = land(request)
    assert (row["time_ns"], row["start_ns"], row["is_time_received"]) == (RECORDED_AT_NS, 0, 1)


def test_a_metric_without_points_counts_nothing() -> None:
    request, scope_metrics = metrics_request()
    scope_metrics.metrics.add(name="empty")
    scope_metrics.metrics.add(name="gauge").gauge.SetInParent()
    assert _METRICS.check(request, None).n_items == 0


def test_a_metric_of_two_types_at_once_is_refused_by_the_engine(land: Land) -> None:
    both = []
    for kind in ("gauge", "sum"):
        _, scope_metrics = metrics_request()
        getattr(scope_metrics.metrics.add(name="m"), kind).data_points.add(time_unix_nano=OBSERVED_NS, as_int=1)
        both.append(scope_metrics.metrics[0].SerializeToString())
    metric = b"".join(both)
    scope = b"\x12" + varint(len(metric)) + metric
    resource = b"\x12" + varint(len(scope)) + scope
    body = b"\x0a" + varint(len(resource)) + resource
    assert _METRICS.check(_METRICS.request.FromString(body), body).n_items == 1
    with pytest.raises(InsertFailed) as refused:
        land(body)
    assert refused.value.is_data
