"""PromQL against values worked out by hand, and what a real Prometheus cannot be fed: staleness, limits, left-open ranges."""

import math
import threading

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_api.promql import payload
from driftline_api.promql.engine import EngineOptions, PromqlEngine
from driftline_api.promql.errors import BadQuery, ExecutionError, QueryCanceled, QueryTimeout
from driftline_api.promql.numbers import format_sample, format_value, parse_duration_ms, parse_time_ms
from driftline_api.promql.payload import format_samples, result_json
from driftline_api.promql.values import STALE_NAN, Series
from tests.api.promql_samples import START, MemorySource, series_of


def engine(*series: Series, **options: object) -> PromqlEngine:
    return PromqlEngine(MemorySource(series), EngineOptions(**options))  # type: ignore[arg-type]


def value(of: PromqlEngine, expr: str, second: float) -> float | None:
    found = of.instant(expr, START + second).series
    return float(found[0].values[0]) if found else None


COUNTER = series_of("c_total", {"a": "x"}, [(0, 0), (60, 60), (120, 120), (180, 30), (240, 90)])


def test_rate_extrapolates_to_the_edges_of_the_window() -> None:
    # In [0, 120]: 0 to 120 in 120 s, nothing to extrapolate.
    assert value(engine(COUNTER), "rate(c_total[2m])", 120) == pytest.approx(1.0)
    # In [30, 150]: 60 to 120 in 60 s; 30 s to each edge, both below 1.1 intervals.
    assert value(engine(COUNTER), "increase(c_total[2m])", 150) == pytest.approx(60 * 120 / 60)


def test_a_reset_counts_what_came_after_it() -> None:
    # 0, 60, 120, then 30 after a reset, 90: 120 before it and 90 after.
    assert value(engine(COUNTER), "increase(c_total[4m])", 240) == pytest.approx(210)
    assert value(engine(COUNTER), "resets(c_total[4m])", 240) == 1


def test_a_counter_is_not_extrapolated_below_zero() -> None:
    late = series_of("c_total", {}, [(200, 1), (260, 61)])
    # The start is 200 s away; zero was one second before the first sample.
    assert value(engine(late), "increase(c_total[260s])", 260) == pytest.approx(61)


def test_left_open_windows_leave_out_their_first_instant() -> None:
    closed, left_open = engine(COUNTER), engine(COUNTER, is_left_open=True)
    assert value(closed, "count_over_time(c_total[2m])", 120) == 3
    assert value(left_open, "count_over_time(c_total[2m])", 120) == 2
    assert value(closed, "c_total", 540) == 90
    assert value(left_open, "c_total", 540) is None
    assert value(left_open, "count_over_time(c_total[2m:1m])", 120) == 2


def test_a_staleness_marker_ends_a_series_at_once() -> None:
    stale = series_of("g", {}, [(0, 1), (60, 2), (120, STALE_NAN), (180, 4)])
    of = engine(stale)
    assert [value(of, "g", second) for second in (60, 119, 120, 179, 180)] == [2, 2, None, None, 4]
    assert value(of, "count_over_time(g[3m])", 180) == 3
    assert value(of, "absent(g)", 130) == 1


def test_nan_is_a_value_and_no_staleness_marker() -> None:
    found = engine(series_of("g", {}, [(0, math.nan)])).instant("g", START).series
    assert len(found) == 1
    assert np.isnan(found[0].values[0])


def test_the_lookback_is_five_minutes() -> None:
    of = engine(series_of("g", {}, [(0, 1)]))
    assert value(of, "g", 300) == 1
    assert value(of, "g", 300.001) is None


def test_a_range_query_steps_from_its_start() -> None:
    (one,) = engine(COUNTER).range("c_total", START + 10, START + 100, 45).series
    assert one.times_ms.tolist() == [(START + second) * 1000 for second in (10, 55, 100)]
    assert one.values.tolist() == [0, 0, 60]
    assert dict(one.labels) == {"__name__": "c_total", "a": "x"}


def test_start_and_end_mean_the_querys_own() -> None:
    of = engine(COUNTER)
    (one,) = of.range("c_total @ end() - c_total @ start()", START, START + 130, 60).series
    assert one.values.tolist() == [120, 120, 120]


def test_a_far_larger_series_costs_a_small_one_no_precision() -> None:
    big = series_of("c_total", {"a": "a"}, [(0, 1e17), (60, 0), (120, 1e17), (180, 0)])
    small = series_of("c_total", {"a": "b"}, [(0, 3), (60, 1), (120, 2), (180, 3)])
    result = engine(big, small).instant("increase(c_total[3m])", START + 180)
    assert float(result.series[1].values[0]) == pytest.approx(3)


def test_a_query_past_its_deadline_is_a_timeout() -> None:
    with pytest.raises(QueryTimeout, match="query timed out in expression evaluation"):
        engine(COUNTER).instant("c_total", START, timeout_s=-1)


def test_a_canceled_query_stops() -> None:
    canceled = threading.Event()
    canceled.set()
    with pytest.raises(QueryCanceled):
        engine(COUNTER).instant("c_total", START, canceled=canceled)


def test_a_query_of_too_many_samples_is_refused() -> None:
    with pytest.raises(ExecutionError, match="too many samples"):
        engine(COUNTER, max_samples=100).range("c_total", START, START + 1000, 1)


def test_more_than_eleven_thousand_points_are_refused() -> None:
    with pytest.raises(BadQuery, match="exceeded maximum resolution of 11,000 points"):
        engine(COUNTER).range("c_total", START, START + 11_001, 1)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_that_does_not_advance_is_refused(step: float) -> None:
    with pytest.raises(BadQuery, match="zero or negative query resolution step widths"):
        engine(COUNTER).range("c_total", START, START + 10, step)


@pytest.mark.parametrize(
    "expr", ["limitk(1, c_total)", "info(c_total)", 'c_total{a="x" or a="y"}', "c_total + fill(0) c_total"]
)
def test_what_only_prometheus_3_has_is_named_and_refused(expr: str) -> None:
    with pytest.raises(BadQuery, match="parse error"):
        engine(COUNTER).instant(expr, START)


def test_an_expression_is_bounded_but_its_strings_may_be_long() -> None:
    names = "|".join(f"service-{i}" for i in range(2000))
    assert engine(COUNTER).instant(f'c_total{{a!~"{names}"}}', START).series
    with pytest.raises(BadQuery, match="expected at most 4096 characters"):
        engine(COUNTER).instant("1" + "+1" * 4000, START)


def test_a_pattern_that_would_backtrack_for_ever_does_not() -> None:
    slow = series_of("g", {"a": "a" * 5000}, [(0, 1)])
    assert value(engine(slow), 'g{a=~"(a+)+b"}', 0) is None


@pytest.mark.parametrize(
    ("number", "sample", "label"),
    [
        (1.0, "1", "1"),
        (-0.5, "-0.5", "-0.5"),
        (1e16, "10000000000000000", "10000000000000000"),
        (1e21, "1e+21", "1000000000000000000000"),
        (1.5e-7, "1.5e-07", "0.00000015"),
        (math.inf, "+Inf", "+Inf"),
        (-math.inf, "-Inf", "-Inf"),
        (math.nan, "NaN", "NaN"),
    ],
)
def test_numbers_are_written_as_go_writes_them(number: float, sample: str, label: str) -> None:
    assert format_sample(number) == sample
    assert format_value(number) == label


@given(st.lists(st.floats() | st.floats(-1e12, 1e12) | st.integers(-(2**60), 2**60).map(float), max_size=20))
@settings(max_examples=300, deadline=None)
def test_many_numbers_are_written_as_each_alone(numbers: list[float]) -> None:
    written = format_samples(np.array(numbers, dtype=np.float64)).to_pylist()
    assert written == [format_sample(number) for number in numbers]


def test_a_matrix_of_many_blocks_has_every_series(monkeypatch: pytest.MonkeyPatch) -> None:
    series = [series_of("g", {"n": str(number)}, [(i * 60, number + i) for i in range(9)]) for number in range(7)]
    result = engine(*series).range("g", START, START + 480, 60)
    whole = result_json(result)
    monkeypatch.setattr(payload, "_BLOCK_SAMPLES", 20)
    assert result_json(result) == whole
    assert len(orjson.loads(whole)["result"]) == 7


def test_a_matrix_is_written_as_json() -> None:
    empty = orjson.loads(result_json(engine(COUNTER).range("nope", START, START + 60, 30)))
    assert empty == {"resultType": "matrix", "result": []}
    odd = series_of("g", {"a": 'q"\\\n\u00e9'}, [(0.25, 1e-7), (60.5, math.nan), (61, 12345678901)])
    data = orjson.loads(result_json(engine(odd, COUNTER).instant('{__name__=~"g|c_total"}[61s]', START + 61)))
    assert data["result"] == [
        {"metric": {"__name__": "c_total", "a": "x"}, "values": [[START, "0"], [START + 60, "60"]]},
        {
            "metric": {"__name__": "g", "a": 'q"\\\n\u00e9'},
            "values": [[START + 0.25, "1e-07"], [START + 60.5, "NaN"], [START + 61, "12345678901"]],
        },
    ]


def test_times_and_durations_are_read() -> None:
    assert parse_time_ms("1700000000.25") == 1_700_000_000_250
    assert parse_time_ms("2023-11-14T22:13:20Z") == 1_700_000_000_000
    assert parse_time_ms("2023-11-14T23:13:20+01:00") == 1_700_000_000_000
    assert [parse_time_ms(text) for text in ("", "noon", "NaN", "1e400", "2023-11-14")] == [None] * 5
    assert parse_duration_ms("1h30m") == 5_400_000
    assert parse_duration_ms("15") == 15_000
    assert parse_duration_ms("250ms") == 250
    assert [parse_duration_ms(text) for text in ("", "1x", "30m1h", "inf", "9" * 30 + "y")] == [None] * 5
