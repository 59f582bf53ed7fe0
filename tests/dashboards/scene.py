"""A store with something for every panel: traffic, steps, scores, findings, alerts, and what Driftline says of itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from driftline_api.self_samples import SelfSamples
from driftline_core.store import Store
from driftline_core.store.rollup import Rollup
from tests.api.records import NOON, alert, finding, generation, minute_of_scores, price, put, score
from tests.dashboards.itself import parts

MODELS = ("gpt-4o-mini", "house-model")


def fill(store: Store) -> None:
    """Two hours of calls, one a minute and model; a drifted segment; some outliers; a price for one model of the two."""
    starts = [NOON - timedelta(minutes=minute, seconds=30) for minute in range(120)]
    calls = [
        generation(
            1000 * which + number,
            time=time,
            request_model=model,
            is_error=int(number % 10 == 0),
            error_type="timeout" if number % 10 == 0 else "",
            time_to_first_token_ms=120.0,
            cache_read_tokens=100,
            cache_write_tokens=10,
            reasoning_tokens=20,
        )
        for which, model in enumerate(MODELS, start=1)
        for number, time in enumerate(starts)
    ]
    put(store, "generations", calls)
    put(store, "prices", [price(model="gpt-4o-mini", usd_mtok=(0.15, 0.6, 0.075, 0.15))])
    put(store, "scores", [score(1000 + n, time=starts[n], p_value=0.01, is_flagged=int(n < 6)) for n in range(60)])
    put(
        store,
        "findings",
        [finding(n, window_end=NOON - timedelta(hours=6 * (1 - n)), is_confirmed=n, moved_share=0.14) for n in (0, 1)],
    )
    put(
        store,
        "scores_1m",
        [
            {
                "project": "default", "minute": time - timedelta(hours=hours), "analyzer": "grounding", "field": "completion",
                "service": "support", "model": MODELS[0], "scored": 20, "flagged": 3, "unknown": 1, "failed": 0, "value_sum": 4.0,
                "updated_at": NOON,
            }
            for time in starts[5:50:5]
            for hours in (0, 1)
        ],
    )  # fmt: skip
    put(
        store,
        "feedback_1m",
        [
            {
                "project": "default", "minute": time, "service": "support", "model": MODELS[0], "sentiment": "negative",
                "feedback": 2, "updated_at": NOON,
            }
            for time in starts[5:50:5]
        ],
    )  # fmt: skip
    steps(store, starts)
    judged_by_their_past(store)
    compared_groups(store)
    itself(store)
    put(
        store,
        "feedback_1m",
        [
            {
                "project": "default", "minute": time - timedelta(hours=8), "service": "support", "model": MODELS[0],
                "sentiment": sentiment, "feedback": 3, "updated_at": NOON,
            }
            for time in starts[5:50:5]
            for sentiment in ("negative", "positive")
        ],
    )  # fmt: skip
    put(
        store,
        "scores_1m",
        [
            minute_of_scores(time, scored=20, flagged=2, analyzer=analyzer, field=field)
            for time in starts[5:50:5]
            for time in (time - timedelta(hours=1), time)
            for analyzer, field in (
                ("injection", "prompt"), ("secrets", "completion"), ("pii", "completion"), ("prompt_leak", "completion"),
                ("relevance", "completion"), ("language", "completion"), ("refusal", "completion"), ("judge", "completion"),
            )
        ],
    )  # fmt: skip
    put(
        store,
        "alert_state",
        [
            alert(name, state=state, active_at=NOON - timedelta(hours=2), firing_at=firing_at, labels=labels)
            for name, state, firing_at in (
                ("DriftlineErrorRate", "firing", NOON - timedelta(hours=1)),
                ("DriftlineCostSpike", "pending", None),
            )
            for labels in ({"alertname": name, "severity": "critical", "service": "support", "model": MODELS[0]},)
        ],
    )
    Rollup(store).tick()


def steps(store: Store, starts: Sequence[datetime]) -> None:
    """An agent's run, two tool calls and a retrieval a minute; one tool fails now and then."""
    kinds = (("agent", "planner"), ("tool", "search"), ("tool", "buy"), ("retrieval", "lookup"))
    rows = [
        generation(
            10_000 * (which + 1) + number,
            time=time,
            kind=kind,
            tool_name=name if kind == "tool" else "",
            agent_name=name if kind == "agent" else "",
            is_error=int(name == "buy" and number % 5 == 0),
        )
        for which, (kind, name) in enumerate(kinds)
        for number, time in enumerate(starts)
    ]
    put(store, "generations", rows)


def judged_by_their_past(store: Store) -> None:
    """Buckets of ten minutes that were judged, and two budgets."""
    usual = {
        "project": "default",
        "service": "support",
        "model": MODELS[0],
        "bucket_s": 600,
        "calls": 10,
        "scale": 0.1,
        "version": "1",
    }
    figures = {"value": 6.0, "expected": 2.0, "lower": 1.0, "upper": 3.0, "zscore": 5.0}
    put(
        store,
        "anomaly_points",
        [
            {**usual, **figures, "measure": measure, "bucket_start": NOON - number * timedelta(minutes=10)}
            for number in range(1, 7)
            for measure in ("cost", "tokens", "requests", "latency_p95", "error_share")
        ],
    )
    put(
        store,
        "budget_points",
        [
            {
                "project": "default", "period": "day", "period_start": NOON - timedelta(hours=12), "limit_usd": 10.0, "service": service,
                "at": NOON - number * timedelta(minutes=5), "spent_usd": 4.0, "forecast_usd": 12.0,
            }
            for service in ("", "support")
            for number in range(12)
        ],
    )  # fmt: skip


def compared_groups(store: Store) -> None:
    """A gap between a group and the others, in the newest week."""
    told = {"low": -0.3, "high": -0.1, "d": -0.45, "n_group_sessions": 150, "n_other_sessions": 320}
    gap = finding(
        90, window_end=NOON - timedelta(hours=1), analyzer="bias", segment_by="group:religion", segment="Muslims", field="regard",
        reference="rest", status="gap", statistic=-0.2, is_confirmed=1, explanation=told,
    )  # fmt: skip
    put(store, "findings", [gap])


def itself(store: Store) -> None:
    """What Driftline wrote down of itself in the last hour and a half."""
    times = iter([NOON - timedelta(minutes=90 - minute) for minute in range(91)])
    samples = SelfSamples(store, parts(), project="default", clock=lambda: next(times))
    for _ in range(91):
        samples.tick()
