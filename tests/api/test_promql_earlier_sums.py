"""A counter's line is the same whether or not what was before its days is remembered, whatever is stored in between."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from driftline_api.promql.counter_rows import COUNTER_COLUMNS
from driftline_api.promql.earlier_sums import EarlierSums, table_of
from driftline_api.promql.matchers import LabelMatcher, MatchKind
from driftline_api.promql.metrics import MetricCatalogue, MetricKind
from driftline_api.promql.store_source import StoreSource
from driftline_api.promql.values import Labels
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.api.records import NOON, generation, minute_of_scores, price, put, roll_up

COUNTERS = [metric for metric in MetricCatalogue.load().metrics if metric.kind is not MetricKind.GAUGE]
DAY = timedelta(days=1)
ON_COUNTERS = (
    LabelMatcher(name="__name__", kind=MatchKind.MATCHES, value="driftline_.*(_total|_seconds_(count|sum|bucket))"),
)


@pytest.fixture(scope="module")
def store(engine: Store, engine_path: Path) -> Iterator[Store]:
    store = Store(StoreSettings(path=engine_path, database="promql_earlier"))
    migrate(store)
    yield store
    store.command("DROP DATABASE IF EXISTS promql_earlier SYNC")
    store.close()


def fill(store: Store, numbers: range, *, seed: int, days: tuple[float, float]) -> None:
    """Calls and steps, with their rollups and scores, at random times of so many days before noon."""
    rng = np.random.default_rng(seed)
    times = [NOON - float(rng.uniform(*days)) * DAY for _ in numbers]
    rows = []
    for number, time in zip(numbers, times, strict=True):
        kind = "llm" if number % 3 else "tool"
        model = f"model-{number % 4}"
        more = {"kind": kind, "tool_name": f"tool-{number % 2}", "is_error": int(number % 5 == 0), "derived_at": NOON}
        first_token = {"time_to_first_token_ms": float(rng.uniform(5, 2000))}
        rows.append(generation(number, time=time, request_model=model, response_model=model, **more, **first_token))
    put(store, "generations", rows)
    put(store, "scores_1m", [minute_of_scores(time, scored=3, flagged=number % 2) for number, time in enumerate(times)])
    roll_up(store)


def lines(source: StoreSource, begin: int, end: int) -> dict[Labels, list[tuple[int, float]]]:
    return {
        one.labels: list(zip(one.timestamps.tolist(), np.round(one.values, 9).tolist(), strict=True))
        for one in source.select(ON_COUNTERS, begin, end)
    }


def test_lines_are_the_same_remembered_or_not(store: Store) -> None:
    remembering = StoreSource(store, "default", clock=lambda: NOON, earlier=EarlierSums())
    end = int(NOON.timestamp() * 1000)
    begins = [end - hours * 3_600_000 for hours in (1, 40)]
    put(store, "prices", [price(model="model-1", usd_mtok=(1.0, 2.0, 0.5, 1.0))])
    stored = [
        (range(60), 1, (0.0, 6.0)),
        (range(60, 80), 2, (2.0, 5.0)),  # late
        (range(40), 3, (3.0, 8.0)),  # at other times
    ]
    for numbers, seed, days in stored:
        fill(store, numbers, seed=seed, days=days)
        for begin in begins:
            found = lines(remembering, begin, end)
            assert found == lines(StoreSource(store, "default", clock=lambda: NOON), begin, end)
        assert lines(remembering, begins[-1], end) == found
        names = {dict(labels)["__name__"].removesuffix("_count") for labels in found}
        assert {metric.name for metric in COUNTERS if table_of(metric)} <= names
        assert set(remembering.label_sets(ON_COUNTERS, begins[0], end)) == set(found)
    put(store, "prices", [price(model="model-2", usd_mtok=(3.0, 4.0, 0.5, 1.0), updated_at=NOON)])
    found = lines(remembering, begins[0], end)
    assert found == lines(StoreSource(store, "default", clock=lambda: NOON), begins[0], end)
    costs = [dict(labels) for labels in found if dict(labels)["__name__"] == "driftline_cost_usd_total"]
    assert {labels["model"] for labels in costs} == {"model-1", "model-2"}


def test_only_feedback_is_read_whole_each_time() -> None:
    assert [metric.name for metric in COUNTERS if table_of(metric) is None] == ["driftline_feedback_total"]


def test_the_least_used_is_forgotten(store: Store) -> None:
    calls = next(metric for metric in COUNTERS if metric.name == "driftline_requests_total")
    earlier = EarlierSums()
    n_read = 0
    source = StoreSource(store, "default", clock=lambda: NOON)

    def ask(day: int) -> None:
        def read() -> object:
            nonlocal n_read
            n_read += 1
            return source._rows(calls, COUNTER_COLUMNS, (), from_s=day, to_s=day)

        earlier.before(day, read, store=store, project="default", metric=calls.name, table="rollup_1m")  # type: ignore[arg-type]  # object stands for rows

    for day in range(0, 86_400 * 65, 86_400):
        ask(day)
    ask(86_400 * 64)
    assert n_read == 65
    ask(0)
    assert n_read == 66
