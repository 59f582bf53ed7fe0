"""Every runner over traffic that nobody wishes for: no error, finite numbers under a version, the same again.

The analyzers' own suites are test_conformance.py (drift, outliers) and scoring/test_conformance.py (single calls).
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from driftline_analyzers.anomaly.runner import AnomalyRunner
from driftline_analyzers.bias.comparison import GapRules
from driftline_analyzers.bias.runner import BiasRunner
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.embed.embedder import SentenceEmbedder
from driftline_analyzers.runner.findings import ANALYZER_NAMES
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_core.store import Store, migrate
from driftline_core.store.rollup import Rollup
from tests.analyzers.runner.running import HOUR, settings
from tests.analyzers.traffic import EPOCH, Call, store_calls

TEXTS = (
    "",
    " \n\t\u3000",
    "a",
    "NaN inf -inf 1e999 0/0 null",
    "\U0001f6b2 Fahrrad 自行车 дорого دراجة साइकिल 자전거 จักรยาน",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467" * 8,
    "a\x00b\x1b[31mc\u202ed\ufeff e",
    "x" * 3_000,
    "[" * 300,
    "<script>alert(1)</script> ' OR 1=1 -- {name:String}",
    "Write a letter for a Muslim neighbour. " * 60,
    "Write a letter for an atheist neighbour.",
    '```json\n{"a": NaN}\n```',
)
NUMBERS = (0.0, 1e-9, 800.0, 1e12)
TABLES = {
    "findings": "analyzer, service, window_start, segment_by, segment, field, reference",
    "scores": "analyzer, field, start_time, trace_id, span_id",
    "anomaly_points": "measure, service, model, bucket_start",
}
NOT_COMPARED = {"computed_at", "stored_at", "updated_at"}


def hostile(hours: int, *, n: int = 52) -> list[Call]:
    """Calls and retrievals, every text as a prompt, as an answer and as a document; one service has too few of everything."""
    made = []
    for hour in range(hours):
        for i in range(n):
            call = Call(
                start=EPOCH + hour * HOUR + timedelta(seconds=60 * i + hour),
                prompt=TEXTS[i % len(TEXTS)],
                completion=TEXTS[(i * 5 + hour) % len(TEXTS)],
                session_id=f"{hour}-{i // 2}",
                duration_ms=NUMBERS[i % len(NUMBERS)],
                output_tokens=i % 3,
                is_error=i % 17 == 0,
            )
            made += [call, replace(call, documents=(TEXTS[i % len(TEXTS)], ""), session_id=f"r{hour}-{i // 2}")]
    return [*made, *(replace(call, service="few", session_id="few") for call in made[:4])]


def analysis(store: Store, embedder: SentenceEmbedder) -> int:
    chosen = settings(analyzers=ANALYZER_NAMES, segments=("model", "language"), max_permutations=199)
    return AnalysisRunner(chosen, store, lambda: EPOCH + 12 * HOUR, embedder=embedder).run_once().errors


def bias(store: Store, embedder: SentenceEmbedder) -> int:
    rules = GapRules(min_sessions=5, n_permutations=99, max_permutations=99, n_bootstrap=99)
    of = BiasSettings(rules=rules, declared=("model",), pair_by="release")
    return BiasRunner(store, of, lambda: EPOCH + timedelta(days=9), embedder=embedder).run_once().errors


def scoring(store: Store, embedder: SentenceEmbedder) -> int:
    return len(ScoringRunner(settings(), store, embedder=embedder).run_once(is_settled=True).errors)


def anomaly(store: Store, embedder: SentenceEmbedder) -> int:
    AnomalyRunner(store, settings(), lambda: EPOCH + 12 * HOUR).run_once()
    return 0  # it has no part that may fail alone


RUNNERS: dict[str, tuple[Callable[[Store, SentenceEmbedder], int], str]] = {
    "analysis": (analysis, "findings"),
    "bias": (bias, "findings"),
    "scoring": (scoring, "scores"),
    "anomaly": (anomaly, "anomaly_points"),
}


def written(store: Store, table: str) -> list[dict[str, Any]]:
    rows = store.rows(f"SELECT * FROM {table} FINAL ORDER BY {TABLES[table]}")
    return [{name: value for name, value in row.items() if name not in NOT_COMPARED} for row in rows]


def numbers(value: Any) -> Iterator[float]:
    """Every number in a row, JSON inside strings included."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)


@pytest.fixture
def traffic(store: Store) -> Store:
    store_calls(store, hostile(9))
    Rollup(store).tick()
    return store


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runner_ends_well_writes_finite_numbers_under_a_version_and_the_same_again(
    store: Store, embedder: SentenceEmbedder, name: str
) -> None:
    store_calls(store, hostile(9))
    Rollup(store).tick()
    run, table = RUNNERS[name]
    assert run(store, embedder) == 0
    rows = written(store, table)
    assert rows
    for row in rows:
        texts = [
            json.loads(row[one], parse_constant=pytest.fail) for one in ("explanation", "evidence") if row.get(one)
        ]
        assert all(math.isfinite(one) for one in numbers([row, texts]))
        assert row.get("analyzer_version", "none") != ""
    if table == "findings":
        assert {row["status"] for row in rows if row["service"] == "few"} <= {"insufficient", "ok"}
    if name == "analysis":
        assert {row["analyzer"] for row in rows} >= set(ANALYZER_NAMES) - {"outliers"}
        assert {row["status"] for row in rows} - {"insufficient"}, "the hostile windows were tested too"
    for emptied in (*TABLES, "cursors"):
        store.command(f"TRUNCATE TABLE {emptied}")
    assert run(store, embedder) == 0
    assert written(store, table) == rows


@pytest.mark.parametrize("name", RUNNERS)
def test_no_traffic_is_no_error(empty_store: Store, embedder: SentenceEmbedder, name: str) -> None:
    migrate(empty_store)
    assert RUNNERS[name][0](empty_store, embedder) == 0
    assert written(empty_store, RUNNERS[name][1]) == []
