"""What PromQL sees of rollups, findings and scores."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from driftline_api.promql.earlier_sums import EarlierSums
from driftline_api.promql.engine import PromqlEngine
from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.store_source import StoreSource, bucket_labels
from driftline_core.prices import PriceBook
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.api.prometheus_rows import NOON, finding, insert, rollup, score

T = NOON.timestamp()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def shared_store(engine: Store, engine_path: Path) -> Iterator[Store]:
    """One database for this module: making one takes longer than a test."""
    store = Store(StoreSettings(path=engine_path, database="promql_source"))
    migrate(store)
    yield store
    store.command("DROP DATABASE IF EXISTS promql_source SYNC")
    store.close()


@pytest.fixture
def store(shared_store: Store) -> Store:
    """The module's store, empty."""
    for table in ("rollup_1m", "findings", "scores", "prices"):
        shared_store.command(f"TRUNCATE TABLE {table}")
    return shared_store


def source(store: Store, project: str = "default", **changes: object) -> StoreSource:
    return StoreSource(store, project, clock=lambda: NOON + timedelta(days=1), **changes)  # type: ignore[arg-type]


def value(store: Store, expr: str, time: float = T) -> float | None:
    """The only value of an expression, None where there is none."""
    result = PromqlEngine(source(store)).instant(expr, time)
    assert len(result.series) <= 1, f"expected at most one series, got {result.series}"
    return float(result.series[0].values[0]) if result.series else None


def test_a_counter_starts_at_zero_and_counts_each_minute_at_its_end(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, calls=3), rollup(NOON + 2 * MINUTE, calls=4)])

    (one,) = PromqlEngine(source(store)).instant("driftline_requests_total[10m]", T + 300).series
    assert [(time / 1000 - T, number) for time, number in zip(one.times_ms, one.values, strict=True)] == [
        (0, 0), (60, 3), (120, 3), (180, 7), (240, 7), (300, 7)
    ]  # fmt: skip
    assert one.labels == {
        "__name__": "driftline_requests_total",
        "service": "chat",
        "environment": "production",
        "provider": "openai",
        "model": "gpt-4o",
        "prompt_version": "v1",
    }


def test_increase_sees_the_first_calls_of_a_series(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, calls=6)])
    assert value(store, "increase(driftline_requests_total[1m])", T + 60) == pytest.approx(6)


def test_what_was_before_the_range_is_in_the_counter(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON - timedelta(days=30), calls=100), rollup(NOON, calls=1)])
    assert value(store, "driftline_requests_total", T + 60) == 101
    assert value(store, "rate(driftline_requests_total[5m]) * 60", T + 60) == pytest.approx(0.2, rel=0.3)


def test_a_quiet_service_has_a_rate_of_zero_not_no_rate(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON - timedelta(days=2), calls=5)])
    assert value(store, "rate(driftline_requests_total[5m])") == 0


def test_a_minute_is_not_counted_before_it_has_ended(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON - MINUTE, calls=1), rollup(NOON, calls=10)])
    early = StoreSource(store, "default", clock=lambda: NOON + timedelta(seconds=30))
    (one,) = PromqlEngine(early).instant("driftline_requests_total", T + 30).series
    assert one.values[0] == 1
    assert PromqlEngine(early).instant("driftline_requests_total", T + 3600).series == ()


def test_a_recomputed_minute_counts_once(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, calls=5)])
    insert(store, "rollup_1m", [rollup(NOON, calls=7, updated_at=NOON + HOUR)])
    assert value(store, "driftline_requests_total", T + 60) == 7


def test_kinds_of_one_slice_are_added_up(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, calls=5), rollup(NOON, calls=2, kind="embedding")])
    assert value(store, "driftline_requests_total", T + 60) == 7


def test_errors_have_a_series_of_zero_where_nothing_failed(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, calls=5), rollup(NOON, calls=5, errors=2, model="gpt-4o-mini")])
    ratio = "sum by (model) (driftline_errors_total) / sum by (model) (driftline_requests_total)"
    result = PromqlEngine(source(store)).instant(ratio, T + 60)
    assert {one.labels["model"]: float(one.values[0]) for one in result.series} == {"gpt-4o": 0, "gpt-4o-mini": 0.4}


def test_tokens_are_told_apart_by_kind(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, input_tokens=100, cache_read_tokens=60, output_tokens=7)])
    result = PromqlEngine(source(store)).instant("driftline_tokens_total", T + 60)
    assert {one.labels["token_type"]: float(one.values[0]) for one in result.series} == {
        "input": 100,
        "cache_read": 60,
        "output": 7,
    }


def test_cost_follows_prices_and_calls_without_a_price_are_counted_apart(store: Store) -> None:
    insert(
        store,
        "rollup_1m",
        [
            rollup(NOON, calls=2, input_tokens=1_000_000, cache_read_tokens=400_000, output_tokens=100_000),
            rollup(NOON, calls=9, input_tokens=1_000_000, model="house-model"),
        ],
    )
    PriceBook(store).sync(NOON)
    assert value(store, "driftline_cost_usd_total", T + 60) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)
    assert value(store, "driftline_unpriced_calls_total", T + 60) == 9
    assert value(store, 'driftline_unpriced_calls_total{model="gpt-4o"}', T + 60) is None


def test_cost_before_the_range_is_in_its_counter(store: Store) -> None:
    rows = [
        rollup(NOON - timedelta(days=2), calls=1, input_tokens=1_000_000),
        rollup(NOON - timedelta(days=2), calls=3, model="house-model"),
    ]
    insert(store, "rollup_1m", rows)
    PriceBook(store).sync(NOON - timedelta(days=3))
    assert value(store, "driftline_cost_usd_total", T) == pytest.approx(2.5)
    assert value(store, "driftline_unpriced_calls_total", T) == 3
    assert value(store, "sum_over_time(driftline_unpriced_calls_total[1h]) / 61", T) == 3


def test_every_counter_is_the_same_line_whatever_range_is_asked_for(store: Store) -> None:
    rows = [
        rollup(NOON + i * HOUR, calls=2, errors=1, input_tokens=1000, output_tokens=10, model=model)
        for i in range(5)
        for model in ("gpt-4o", "house-model")
    ]
    insert(store, "rollup_1m", rows)
    PriceBook(store).sync(NOON - HOUR)
    all_of_it, end_of_it = (
        {
            one.labels: dict(zip(one.timestamps.tolist(), one.values.tolist(), strict=True))
            for one in source(store).select([], int((T + begin) * 1000), int((T + 5 * 3600) * 1000))
        }
        for begin in (0, 4.2 * 3600)
    )
    assert all_of_it.keys() == end_of_it.keys()
    assert {labels: [all_of_it[labels][at] for at in line] for labels, line in end_of_it.items()} == {
        labels: list(line.values()) for labels, line in end_of_it.items()
    }


def test_what_is_remembered_of_earlier_days_counts_late_data_at_once(store: Store) -> None:
    remembering = PromqlEngine(source(store))

    def now(expr: str) -> dict[str, float]:
        return {one.labels["model"]: float(one.values[0]) for one in remembering.instant(expr, T).series}

    def of(days: float, **changes: object) -> dict[str, object]:
        return rollup(NOON - timedelta(days=days), **changes)

    total, cost = "driftline_requests_total", "sum by (model) (driftline_cost_usd_total)"
    insert(store, "rollup_1m", [of(3, calls=5, input_tokens=1_000_000), of(0.01, calls=2, input_tokens=1_000_000)])
    PriceBook(store).sync(NOON - timedelta(days=4))
    assert now(total) == {"gpt-4o": 7}
    assert now(cost) == {"gpt-4o": pytest.approx(5)}
    late = [of(2, calls=1, updated_at=NOON), of(9, calls=4, model="o3", updated_at=NOON)]
    insert(store, "rollup_1m", late)
    assert now(total) == {"gpt-4o": 8, "o3": 4}
    insert(store, "rollup_1m", [of(3, calls=1, updated_at=NOON + MINUTE)])
    assert now(total) == {"gpt-4o": 4, "o3": 4}
    assert now(cost) == {"gpt-4o": pytest.approx(2.5)}
    store.command("TRUNCATE TABLE rollup_1m")
    insert(store, "rollup_1m", [of(0.01, calls=2)])
    assert now(total) == {"gpt-4o": 2}


def test_what_is_remembered_is_of_its_project_and_passes_the_matchers(store: Store) -> None:
    rows = [
        rollup(NOON - timedelta(days=3), calls=5, project=project, model=model)
        for project in ("default", "other")
        for model in ("a", "b")
    ]
    insert(store, "rollup_1m", [*rows, rollup(NOON - HOUR, calls=1, model="b")])
    shared = EarlierSums()
    for project, by_model in (("default", {"a": 5, "b": 6}), ("other", {"a": 5, "b": 5})):
        engine = PromqlEngine(source(store, project, earlier=shared))
        for model, calls in by_model.items():
            (one,) = engine.instant(f'driftline_requests_total{{model="{model}"}}', T).series
            assert float(one.values[0]) == calls
        assert engine.instant('driftline_requests_total{model=~"a|b",nothing="x"}', T).series == ()
        assert len(engine.instant('driftline_requests_total{model!~"c"}', T).series) == 2


def test_label_sets_are_those_of_the_samples(store: Store) -> None:
    rows = [rollup(NOON, errors=1, input_tokens=10, model=model) for model in ("gpt-4o", "house-model")]
    insert(store, "rollup_1m", rows)
    PriceBook(store).sync(NOON - HOUR)
    begin, end = int(T * 1000), int((T + 3600) * 1000)
    selected = {one.labels for one in source(store).select([], begin, end)}
    assert set(source(store).label_sets([], begin, end)) == selected


def test_durations_are_a_histogram_in_seconds(store: Store) -> None:
    bounds = bucket_labels()
    n = len(bounds) - 1
    half = n // 2
    buckets = [0] * half + [10] * (n + 1 - half)
    rows = [rollup(NOON + i * MINUTE, calls=10, duration_buckets=buckets, duration_sum_ms=5000.0) for i in range(5)]
    insert(store, "rollup_1m", rows)

    assert value(store, "driftline_request_duration_seconds_count", T + 300) == 50
    assert value(store, "driftline_request_duration_seconds_sum", T + 300) == pytest.approx(25)
    assert value(store, 'driftline_request_duration_seconds_bucket{le="+Inf"}', T + 300) == 50
    low, high = float(bounds[half - 1]), float(bounds[half])
    median = value(store, "histogram_quantile(0.5, rate(driftline_request_duration_seconds_bucket[5m]))", T + 300)
    assert median == pytest.approx((low + high) / 2)


@pytest.mark.parametrize(
    ("selector", "models"),
    [
        ('{model="gpt-4o"}', {"gpt-4o"}),
        ('{model!="gpt-4o"}', {"gpt-4o-mini", "o3"}),
        ('{model=~"gpt.*"}', {"gpt-4o", "gpt-4o-mini"}),
        ('{model=~"gpt"}', set()),
        ('{model!~"gpt.+"}', {"o3"}),
        ('{region=""}', {"gpt-4o", "gpt-4o-mini", "o3"}),
        ('{region="eu"}', set()),
        ('{service=~"chat|x", model=~".*mini"}', {"gpt-4o-mini"}),
        ('{service="a\' OR 1=1 --"}', set()),
    ],
)
def test_matchers_choose_series_in_the_store(store: Store, selector: str, models: set[str]) -> None:
    insert(store, "rollup_1m", [rollup(NOON, model=model) for model in ("gpt-4o", "gpt-4o-mini", "o3")])
    result = PromqlEngine(source(store)).instant(f"driftline_requests_total{selector}", T + 60)
    assert {one.labels["model"] for one in result.series} == models


def test_a_name_may_be_a_pattern(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, errors=1)])
    result = PromqlEngine(source(store)).instant('{__name__=~"driftline_(requests|errors)_total"}', T + 60)
    assert [one.labels["__name__"] for one in result.series] == ["driftline_errors_total", "driftline_requests_total"]


def test_projects_do_not_see_each_other(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON, project="other")])
    assert PromqlEngine(source(store)).instant("driftline_requests_total", T + 60).series == ()
    assert len(PromqlEngine(source(store, "other")).instant("driftline_requests_total", T + 60).series) == 1


def test_a_findings_gauges_hold_from_the_windows_end_for_two_windows(store: Store) -> None:
    insert(store, "findings", [finding(NOON)])
    assert value(store, "driftline_drift_pvalue", T - 1) is None
    assert value(store, "driftline_drift_pvalue", T) == 0.01
    assert value(store, "driftline_drift_pvalue", T + 7199) == 0.01
    assert value(store, "driftline_drift_pvalue", T + 7200) is None
    assert value(store, "driftline_drift_pvalue_corrected") == 0.02
    assert value(store, "driftline_drift_score") == 3.5
    assert value(store, "driftline_drift_samples") == 100


def test_the_next_window_ends_a_findings_hold(store: Store) -> None:
    insert(store, "findings", [finding(NOON), finding(NOON + HOUR, p_value=0.5, status="ok")])
    assert value(store, "driftline_drift_pvalue", T + 3599) == 0.01
    assert value(store, "driftline_drift_pvalue", T + 3600) == 0.5


def test_a_short_window_holds_for_an_hour(store: Store) -> None:
    insert(store, "findings", [finding(NOON, window_start=NOON - 5 * MINUTE)])
    assert value(store, "driftline_drift_pvalue", T + 3599) == 0.01
    assert value(store, "driftline_drift_pvalue", T + 3600) is None


def test_the_newest_run_of_a_window_counts(store: Store) -> None:
    later = NOON + 2 * HOUR
    insert(store, "findings", [finding(NOON), finding(NOON, analyzer_version="2", p_value=0.3, computed_at=later)])
    assert value(store, "driftline_drift_pvalue") == 0.3


def test_a_finding_is_confirmed_unless_it_is_small_and_segments_keep_apart(store: Store) -> None:
    of_model = {"segment_by": "", "segment": "", "moved_share": None, "is_confirmed": 1, "is_small": 0}
    tenant = {**of_model, "segment_by": "metadata.tenant", "segment": "acme", "model": "", "moved_share": 0.2}
    rows = [
        finding(NOON, **of_model),
        finding(NOON, **{**tenant, "is_small": 1}),
        finding(NOON + HOUR, **tenant),
        finding(NOON + HOUR, **{**of_model, "status": "insufficient", "p_value": None}),
    ]
    insert(store, "findings", rows)
    result = PromqlEngine(source(store)).instant("driftline_drift_confirmed", T)
    found = {(one.labels["segment_by"], one.labels["segment"]): float(one.values[0]) for one in result.series}
    assert found == {("model", rows[0]["model"]): 1.0, ("metadata.tenant", "acme"): 0.0}
    after = PromqlEngine(source(store)).instant("driftline_drift_confirmed", T + 3600)
    assert [(one.labels["segment"], float(one.values[0])) for one in after.series] == [("acme", 1.0)]
    moved = PromqlEngine(source(store)).instant("driftline_drift_moved_ratio", T)
    assert [(one.labels["segment"], float(one.values[0])) for one in moved.series] == [("acme", 0.2)]


def test_windows_in_a_row_that_drifted_are_counted(store: Store) -> None:
    states = ["drift", "ok", "drift", "drift", "insufficient", "drift", "ok"]
    rows = [
        finding(NOON + i * HOUR, status=state, p_value=None if state == "insufficient" else 0.01)
        for i, state in enumerate(states)
    ]
    insert(store, "findings", rows)
    counted = [value(store, "driftline_drift_windows", T + i * 3600) for i in range(len(states))]
    assert counted == [1, 0, 1, 2, None, 3, 0]
    assert value(store, "driftline_drift_pvalue", T + 4 * 3600) is None
    assert value(store, "driftline_drift_samples", T + 4 * 3600) == 100


def test_a_range_query_over_findings_equals_its_instants(store: Store) -> None:
    insert(store, "findings", [finding(NOON + i * HOUR, effect_size=float(i)) for i in range(5)])
    engine = PromqlEngine(source(store))
    (one,) = engine.range("driftline_drift_score", T, T + 8 * 3600, 600).series
    for time, number in zip(one.times_ms.tolist(), one.values.tolist(), strict=True):
        assert value(store, "driftline_drift_score", time / 1000) == number
    assert one.times_ms[-1] / 1000 == T + 6 * 3600 - 600


def test_outliers_are_a_share_of_each_hours_sampled_scores(store: Store) -> None:
    rows = [score(i, NOON + i * MINUTE, is_flagged=int(i < 3)) for i in range(10)]
    rerun = [score(0, NOON, analyzer_version="2", is_flagged=0, computed_at=NOON + HOUR)]
    kept = [score(20 + i, NOON, is_flagged=1, evidence='{"kept_for": "error"}') for i in range(5)]
    insert(store, "scores", rows + rerun + kept)
    assert value(store, "driftline_outlier_ratio", T + 3599) is None
    assert value(store, "driftline_outlier_ratio", T + 3600) == pytest.approx(0.2)


def test_call_scores_are_counted_by_the_minute_of_the_call_and_shared_by_the_hour(store: Store) -> None:
    minutes = [
        {"minute": NOON, "scored": 8, "flagged": 2, "unknown": 1, "failed": 0},
        {"minute": NOON + 10 * MINUTE, "scored": 12, "flagged": 3, "unknown": 0, "failed": 0},
        {"minute": NOON + 11 * MINUTE, "scored": 0, "flagged": 0, "unknown": 0, "failed": 0, "model": "emptied"},
        {"minute": NOON, "scored": 0, "flagged": 0, "unknown": 0, "failed": 4, "field": "call"},
    ]
    slice_ = {"project": "default", "analyzer": "injection", "field": "prompt", "service": "chat", "model": "gpt-4o"}
    insert(store, "scores_1m", [{**slice_, "updated_at": NOON, **minute} for minute in minutes])
    assert value(store, 'driftline_call_scored_total{field="prompt"}', T + 60) == 8
    assert value(store, 'driftline_call_scored_total{field="prompt"}', T + 660) == 20
    assert value(store, 'driftline_call_flagged_total{field="prompt"}', T + 660) == 5
    assert value(store, 'driftline_call_unknown_total{field="call"}', T + 660) == 4
    assert value(store, 'driftline_call_unknown_total{field="prompt"}', T + 660) == 1
    assert value(store, "driftline_call_flagged_ratio", T + 3599) is None
    assert value(store, 'driftline_call_flagged_ratio{field="prompt"}', T + 3600) == pytest.approx(0.25)
    assert value(store, 'driftline_call_flagged_ratio{field="call"}', T + 3600) is None


def test_a_selection_of_too_many_samples_fails_instead_of_filling_the_memory(store: Store) -> None:
    insert(store, "rollup_1m", [rollup(NOON - timedelta(days=30))])
    engine = PromqlEngine(source(store, max_samples=1000))
    with pytest.raises(ExecutionError, match="too many samples"):
        engine.instant("increase(driftline_requests_total[30d])", T)


def test_a_store_that_fails_is_an_error_and_never_an_empty_answer(empty_store: Store) -> None:
    with pytest.raises(ExecutionError, match="driftline_requests_total"):
        PromqlEngine(source(empty_store)).instant("driftline_requests_total", T)
