"""What is computed at once for many series is what one would compute for each window alone, sample by sample."""

import math
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_api.promql.engine import EngineOptions, PromqlEngine
from driftline_api.promql.matchers import equal
from driftline_api.promql.selectors import SampleBlock
from driftline_api.promql.store_source import StoreSource, bucket_labels
from driftline_api.promql.values import STALE_NAN, Series
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.api.prometheus_rows import NOON, insert, rollup
from tests.api.promql_samples import START, MemorySource, series_of

Samples = list[tuple[int, float]]
"""(ms, value) of one window, without staleness markers."""
N_SERIES = 300
MINUTES = 90


def extrapolated(samples: Samples, start: int, end: int, *, is_counter: bool, is_rate: bool) -> float | None:
    """extrapolatedRate of Prometheus 2.42, promql/functions.go."""
    if len(samples) < 2:
        return None
    result = samples[-1][1] - samples[0][1]
    if is_counter:
        result += sum(before for (_, before), (_, now) in pairwise(samples) if now < before)
    to_start, to_end = (samples[0][0] - start) / 1000, (end - samples[-1][0]) / 1000
    sampled = (samples[-1][0] - samples[0][0]) / 1000
    average = sampled / (len(samples) - 1)
    if is_counter and result > 0 and samples[0][1] >= 0:
        to_start = min(to_start, sampled * (samples[0][1] / result))
    limit = average * 1.1
    length = sampled + (to_start if to_start < limit else average / 2) + (to_end if to_end < limit else average / 2)
    return result * length / sampled / ((end - start) / 1000 if is_rate else 1)


def of_values(reduce: Callable[[list[float]], float]) -> Callable[[Samples, int, int], float | None]:
    return lambda samples, _start, _end: reduce([value for _, value in samples]) if samples else None


FUNCTIONS: dict[str, Callable[[Samples, int, int], float | None]] = {
    "rate": lambda samples, start, end: extrapolated(samples, start, end, is_counter=True, is_rate=True),
    "increase": lambda samples, start, end: extrapolated(samples, start, end, is_counter=True, is_rate=False),
    "delta": lambda samples, start, end: extrapolated(samples, start, end, is_counter=False, is_rate=False),
    "avg_over_time": of_values(lambda values: math.fsum(values) / len(values)),
    "sum_over_time": of_values(math.fsum),
    "min_over_time": of_values(min),
    "max_over_time": of_values(max),
    "count_over_time": of_values(len),
    "last_over_time": of_values(lambda values: values[-1]),
    "stdvar_over_time": of_values(lambda values: float(np.var(values))),
    "changes": of_values(lambda values: sum(a != b for a, b in pairwise(values))),
    "resets": of_values(lambda values: sum(b < a for a, b in pairwise(values))),
}


def random_series(rng: np.random.Generator, *, is_regular: bool) -> list[Series]:
    """Counters with resets that begin and end at different times; without regularity also with gaps, jitter and markers."""
    out = []
    for number in range(N_SERIES):
        first, last = sorted(rng.choice(MINUTES, 2, replace=False).tolist())
        minutes = np.arange(first, last + 1)
        values = np.cumsum(rng.integers(0, 9, len(minutes))).astype(np.float64)
        if number % 3 == 0:
            at = int(rng.integers(0, len(minutes)))
            values[at:] -= values[at]
        seconds = minutes * 60.0
        if not is_regular:
            seconds = seconds + rng.uniform(-20, 20, len(minutes)).round(3)
            values[rng.random(len(minutes)) < 0.1] = STALE_NAN
            kept = rng.random(len(minutes)) > 0.2
            seconds, values = seconds[kept], values[kept]
        labels = {"number": str(number), "group": str(number % 7)}
        out.append(series_of("c", labels, list(zip(seconds.tolist(), values.tolist(), strict=True))))
    return out


def one_by_one(
    series: list[Series], function: str, times_ms: list[int], length_ms: int, *, is_left_open: bool
) -> dict[tuple[str, int], float]:
    """(number, ms) -> the function's value, where it has one."""
    found = {}
    for one in series:
        is_marker = (one.values.view(np.uint64) == np.array([STALE_NAN]).view(np.uint64)[0]).tolist()
        for time in times_ms:
            samples = [
                (at, value)
                for at, value, marker in zip(one.timestamps.tolist(), one.values.tolist(), is_marker, strict=True)
                if (time - length_ms < at if is_left_open else time - length_ms <= at) and at <= time and not marker
            ]
            value = FUNCTIONS[function](samples, time - length_ms, time)
            if value is not None:
                found[dict(one.labels)["number"], time] = value
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("is_regular", [True, False])
@pytest.mark.parametrize("is_left_open", [False, True])
def test_windows_of_many_series_are_those_of_each_alone(function: str, is_regular: bool, is_left_open: bool) -> None:
    series = random_series(np.random.default_rng(3), is_regular=is_regular)
    assert bool(SampleBlock.of(series).every_ms) is is_regular
    # Steps of 421 points: a part holds 77 series, so that there are several of them.
    begin, step, n_steps, shown = START + 600.0, 7.0, 421, 37
    engine = PromqlEngine(MemorySource(series), EngineOptions(is_left_open=is_left_open))
    result = engine.range(f"{function}(c[5m])", begin, begin + (n_steps - 1) * step, step)
    times = [round((begin + i * step) * 1000) for i in range(0, n_steps, shown)]
    got = {
        (one.labels["number"], at): value
        for one in result.series
        for at, value in zip(one.times_ms.tolist(), one.values.tolist(), strict=True)
        if at in times
    }
    expected = one_by_one(series, function, times, 300_000, is_left_open=is_left_open)
    assert got.keys() == expected.keys()
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(
    begins=st.lists(st.integers(0, 20), min_size=1, max_size=6),
    lengths=st.lists(st.integers(1, 20), min_size=6, max_size=6),
    times=st.lists(st.integers(-100_000, 3_000_000), min_size=1, max_size=10),
    is_inclusive=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_a_grid_is_counted_as_it_is_searched(
    begins: list[int], lengths: list[int], times: list[int], is_inclusive: bool
) -> None:
    series = [
        Series(
            labels=(("n", str(number)),),
            timestamps=np.arange(begin, begin + length, dtype=np.int64) * 60_000 + 1234,
            values=np.zeros(length),
        )
        for number, (begin, length) in enumerate(zip(begins, lengths, strict=False))
    ]
    block = SampleBlock.of(series)
    wanted = np.array(times, dtype=np.int64)
    searched = SampleBlock(labels=block.labels, timestamps=block.timestamps, values=block.values, offsets=block.offsets)
    assert (
        block.count_before(wanted, is_inclusive=is_inclusive).tolist()
        == searched.count_before(wanted, is_inclusive=is_inclusive).tolist()
    )


def test_what_is_not_on_one_grid_is_not_taken_for_it() -> None:
    def step(*starts_and_steps: tuple[float, float]) -> int:
        return SampleBlock.of(
            [
                series_of("g", {"n": str(number)}, [(start + i * every, 0) for i in range(3)])
                for number, (start, every) in enumerate(starts_and_steps)
            ]
        ).every_ms

    assert step((0, 60), (600, 60)) == 60_000
    assert step((0, 60), (1, 60)) == 0
    assert step((0, 60), (0, 30)) == 0
    assert SampleBlock.of([series_of("g", {}, [(0, 0), (60, 0), (180, 0)])]).every_ms == 0
    assert SampleBlock.of([series_of("g", {}, [(0, 0)])]).every_ms == 0


@pytest.fixture(scope="module")
def store(engine: Store, engine_path: Path) -> "Store":
    store = Store(StoreSettings(path=engine_path, database="promql_windows"))
    migrate(store)
    return store


def test_lines_of_the_store_are_counted_minute_by_minute(store: Store) -> None:
    rng = np.random.default_rng(5)
    width = len(bucket_labels())
    rows = []
    for number in range(40):
        for minute in sorted(rng.choice(MINUTES, int(rng.integers(1, 30)), replace=False).tolist()):
            calls = int(rng.integers(1, 9))
            buckets = sorted(rng.integers(0, calls + 1, width).tolist()) if number % 4 else []
            at = NOON + timedelta(minutes=minute)
            rows.append(
                rollup(at, calls=calls, model=f"m{number}", duration_sum_ms=7.0 * calls, duration_buckets=buckets)
            )
    insert(store, "rollup_1m", rows)
    source = StoreSource(store, "default", clock=lambda: NOON + timedelta(days=1))
    begin, end = int(NOON.timestamp()) + 20 * 60, int(NOON.timestamp()) + 100 * 60

    def line(model: str, counted: Callable[[dict[str, object]], float]) -> list[tuple[int, float]]:
        own = [row for row in rows if row["model"] == model]
        first = min(int(row["minute"].timestamp()) for row in own)
        return [
            (at * 1000, sum(counted(row) for row in own if int(row["minute"].timestamp()) + 60 <= at))
            for at in range(max(begin, first), end + 1, 60)
        ]

    bound = bucket_labels()[7]
    duration = "driftline_request_duration_seconds"
    wanted: dict[str, Callable[[dict[str, object]], float]] = {
        "driftline_requests_total": lambda row: float(str(row["calls"])),
        f"{duration}_count": lambda row: float(str(row["calls"])),
        f"{duration}_sum": lambda row: float(str(row["duration_sum_ms"])) / 1000,
        f"{duration}_bucket": lambda row: float(row["duration_buckets"][7]) if row["duration_buckets"] else 0.0,  # type: ignore[index]
    }
    for name, counted in wanted.items():
        matchers = [equal("__name__", name), *([equal("le", bound)] if name.endswith("bucket") else [])]
        found = source.select(matchers, begin * 1000, end * 1000)
        assert len(found) == 40
        for one in found:
            expected = line(dict(one.labels)["model"], counted)
            assert one.timestamps.tolist() == [at for at, _ in expected]
            assert one.values.tolist() == pytest.approx([value for _, value in expected], rel=1e-12)
