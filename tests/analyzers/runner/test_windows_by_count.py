"""Windows by count: closed when full and settled, frozen by their findings, tested again for late data."""

from itertools import pairwise

from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_core.store import Store
from tests.analyzers.runner.running import HOUR, at, findings, run, steady, without_time
from tests.analyzers.traffic import EPOCH, calls, store_calls

BY_COUNT = {"window_texts": 50, "segments": ("model",)}


def ranges(store: Store) -> list[tuple[float, float, int]]:
    return [
        (at(row["window_start"]), at(row["window_end"]), row["explanation"]["seen"]["n_rows"])
        for row in findings(store, field="completion")
    ]


def test_windows_close_when_they_are_full_and_drift_in_one_is_found(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(5))
    store_calls(store, calls(25, start=EPOCH + 5 * HOUR, seed=9, is_strange=True, prompt_version="v2"))
    store_calls(store, calls(10, start=EPOCH + 6 * HOUR, seed=10))  # not full
    runner = run(store, embedder, hours=9, **BY_COUNT)
    made = ranges(store)
    assert len(made) == 6
    assert all(n == 50 for _, _, n in made)
    assert all(before[1] == after[0] for before, after in pairwise(made))
    rows = findings(store, field="completion")
    assert [row["status"] for row in rows] == ["insufficient"] * 4 + ["ok", "drift"]
    assert {row["window_texts"] for row in rows} == {50}
    assert rows[-1]["prompt_version"] == "v2"
    assert runner.run_once().windows == 0


def test_step_by_step_and_at_once_give_the_same_windows(store: Store, embedder: SentenceEmbedder) -> None:
    for hour in range(6):
        store_calls(store, calls(17, start=EPOCH + hour * HOUR, seed=hour))
        run(store, embedder, hours=hour + 1.1, **BY_COUNT)
    step_by_step = [without_time(row) for row in findings(store)]
    assert len(step_by_step) == 2 * (6 * 34 // 50)
    store.command("TRUNCATE TABLE findings")
    store.command("TRUNCATE TABLE cursors")
    run(store, embedder, hours=8, **BY_COUNT)
    assert [without_time(row) for row in findings(store)] == step_by_step


def test_late_data_inside_a_closed_window_tests_it_again_and_moves_nothing(
    store: Store, embedder: SentenceEmbedder
) -> None:
    store_calls(store, steady(6))
    runner = run(store, embedder, hours=8, **BY_COUNT)
    before = ranges(store)
    store_calls(store, calls(20, start=EPOCH + 5 * HOUR, seed=99, is_strange=True))
    report = runner.run_once()
    after = ranges(store)
    assert [one[:2] for one in after[: len(before)]] == [one[:2] for one in before]
    assert 1 <= report.windows <= 2
    assert after[5][2] > 60
    assert findings(store, field="completion")[5]["status"] == "drift"


def test_a_full_window_waits_until_it_has_settled(store: Store, embedder: SentenceEmbedder) -> None:
    store_calls(store, steady(1))
    last = max(call.start for call in steady(1))
    early = (last - EPOCH) / HOUR
    run(store, embedder, hours=early + 1 / 60, **BY_COUNT)
    assert findings(store) == []
    run(store, embedder, hours=early + 3 / 60, **BY_COUNT)
    assert len(findings(store)) == 2
