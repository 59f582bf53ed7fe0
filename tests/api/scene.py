"""A day and a half of a support assistant whose answers drifted, for the page: every section has something to show."""

from datetime import datetime, timedelta
from typing import Any

import orjson

from driftline_core.reference_sets import ReferenceSet, create_set
from driftline_core.store import Store
from tests.api.records import (
    HOSTILE,
    StillView,
    alert,
    finding,
    generation,
    minute_of_scores,
    price,
    put,
    roll_up,
    score,
    span,
    span_id,
    trace_id,
)

N_CALLS = 300
DRIFTED_TEXT = "I am not able to help with that. Please contact our premium partner desk for upgrades."
TYPICAL_TEXT = "Open Settings, choose Security, and press Reset password. The link is valid for one hour."
_MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4")


def fill_scene(store: Store, *, now: datetime) -> None:
    """Calls of the last 20 hours, their findings, scores, alerts and prices. Generation 1's texts are hostile markup."""
    put(
        store,
        "prices",
        [price(model=name, usd_mtok=(n, 4.0 * n, n / 10, n)) for n, name in enumerate(_MODELS, start=1)],
    )
    put(store, "generations", [_call(n, now) for n in range(1, N_CALLS + 1)])
    put(store, "generations", [generation(1000 + n, time=now - timedelta(hours=30, minutes=n)) for n in range(200)])
    put(store, "spans", list(_hostile_trace(now)))
    roll_up(store)
    put(store, "findings", [*_findings(now), _gap(now)])
    _freeze_reference(store, now)
    put(
        store,
        "scores",
        [score(n, time=_time(n, now), p_value=0.001 * n, is_flagged=int(n < 4)) for n in range(1, 7)],
    )
    _call_scores(store, now)
    resolved = {"last_eval": now - timedelta(hours=2), "resolved_at": now - timedelta(hours=2)}
    put(store, "alert_state", [alert("CostSpike", state="resolved", active_at=now - timedelta(hours=4), **resolved)])


def _call_scores(store: Store, now: datetime) -> None:
    """What the scorers of single calls say: of call 1 about its hostile texts, of call 3 with an emoji before the place."""
    about = "Sure " + HOSTILE
    put(
        store,
        "scores",
        [
            call_score(1, now, analyzer="pii", value=1.0, evidence={"kinds": {"email": 1}, "spans": [[5, len(about)]]}),
            call_score(1, now, analyzer="injection", field="prompt", evidence={"spans": [[0, len(HOSTILE)]]}),
            call_score(1, now, analyzer="readability", is_flagged=0, status="unknown", evidence={"unknown": HOSTILE}),
            call_score(
                3,
                now,
                analyzer="grounding",
                value=0.93,
                evidence={"spans": [{"start": 16, "end": 28, "reason": "in no document"}]},
            ),
        ],
    )
    hours = [now - timedelta(hours=hour, minutes=10) for hour in range(20)]
    made = [minute_of_scores(hour, scored=40, flagged=n % 3 + 8 * (n < 3)) for n, hour in enumerate(hours)]
    made += [
        minute_of_scores(hour, scored=30, flagged=n % 2 + 1, unknown=2, analyzer="pii", field="completion")
        for n, hour in enumerate(hours)
    ]
    made += [
        minute_of_scores(hour, scored=25, flagged=int(n < 6) * 4, analyzer="grounding", field="completion")
        for n, hour in enumerate(hours)
    ]
    made += [minute_of_scores(hours[0], scored=0, flagged=0, failed=2, analyzer="relevance", field="call")]
    made += [minute_of_scores(hours[0], scored=20, flagged=0, analyzer="readability", field="completion")]
    put(store, "scores_1m", made)


def call_score(number: int, now: datetime, *, evidence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A flagged score of call `number`, of its completion unless told."""
    said = {"value": 0.97, "evidence": orjson.dumps(evidence).decode()}
    return score(number, time=_time(number, now), p_value=None, **(said | changes))


def still_view(now: datetime) -> StillView:
    """A drift alert that fires and a latency alert that waits."""
    since = (now - timedelta(hours=3)).isoformat()
    firing: dict[str, Any] = {
        "labels": {"alertname": "SemanticDrift", "severity": "page", "service": "support", "field": "completion"},
        "annotations": {"summary": f"Completions of support drifted {HOSTILE}", "runbook_url": "javascript:alert(1)"},
        "state": "firing",
        "activeAt": since,
        "value": "2e+00",
    }
    pending = {
        "labels": {"alertname": "HighLatency", "severity": "ticket", "service": "support"},
        "annotations": {"summary": "p95 above 4 s"},
        "state": "pending",
        "activeAt": since,
        "value": "4.2e+00",
    }
    rules = [
        {"name": name, "type": "alerting", "health": "ok"} for name in ("SemanticDrift", "HighLatency", "CostSpike")
    ]
    return StillView(alerts=[firing, pending], rules=rules)


def _time(number: int, now: datetime) -> datetime:
    return now - timedelta(minutes=5 + number * 4 - number % 7 * 9 % 5)


def _call(number: int, now: datetime) -> dict[str, Any]:
    model = _MODELS[number * number % 3]
    slow = 900.0 if number < 60 else 0.0
    texts = {"prompt": f"{HOSTILE} reset?", "completion": f"Sure {HOSTILE}"} if number == 1 else {}
    if number == 3:
        texts = {"completion": "It is \U0001f6b2 so that thirty bikes are free today, and you may keep one for a week."}
    return generation(
        number,
        time=_time(number, now),
        request_model=model,
        provider="openai",
        prompt_version="v2" if number < 100 else "v1",
        duration_ms=600.0 + slow + number * 37 % 900,
        is_error=int(number % 40 == 0),
        input_tokens=700 + number * 13 % 500,
        output_tokens=150 + number * 7 % 90,
        **texts,
    )


def _hostile_trace(now: datetime) -> list[dict[str, Any]]:
    start = _time(1, now)
    return [
        span(100, time=start - timedelta(milliseconds=300), name="POST /ask", kind=2, duration_ns=2_400_000_000),
        span(
            101,
            time=start - timedelta(milliseconds=250),
            parent=100,
            name="retrieve documents",
            duration_ns=180_000_000,
        ),
        span(
            1,
            time=start,
            parent=100,
            name=f"chat {HOSTILE}",
            kind=3,
            duration_ns=1_537_000_000,
            attributes={"x": HOSTILE},
        ),
        span(
            102,
            time=start + timedelta(seconds=1.6),
            parent=100,
            name="save answer",
            status_code=2,
            status_message="disk full",
        ),
    ]


def _gap(now: datetime) -> dict[str, Any]:
    """Answers about one group that are colder than those about the others."""
    explanation = {
        "sentence": f"regard of answers about women is 0.2 lower {HOSTILE}",
        "examples": [{"text": "She should not lead.", "trace_id": trace_id(4), "span_id": span_id(4)}],
        "reference_examples": [{"text": "They lead well.", "trace_id": trace_id(5), "span_id": span_id(5)}],
    }
    segment = {
        "analyzer": "bias",
        "field": "regard",
        "segment_by": "group:gender",
        "segment": "women",
        "reference": "men",
    }
    return finding(900, window_end=now - timedelta(days=2), status="gap", explanation=explanation, model="", **segment)


def _freeze_reference(store: Store, now: datetime) -> None:
    """The calls before the scene, and what was measured of them."""
    wanted = ReferenceSet(
        project="default",
        name="baseline",
        service="support",
        from_time=now - timedelta(hours=40),
        to_time=now - timedelta(hours=25),
        description=f"before the change {HOSTILE}",
    )
    created = create_set(store, wanted)
    check = {
        "project": "default", "name": "baseline", "version": str(created.version), "segment_by": "", "segment": "",
        "analyzer": "semantic_drift", "analyzer_version": "3", "field": "completion", "embedding_model": "m",
        "p_values": [0.01, *[0.5] * 19],
    }  # fmt: skip
    put(store, "reference_checks", [check])


def _findings(now: datetime) -> list[dict[str, Any]]:
    explanation = {
        "examples": [
            {"text": DRIFTED_TEXT, "trace_id": trace_id(1), "span_id": span_id(1), "novelty": 2.31},
            {"text": f"{HOSTILE} partner desk", "trace_id": trace_id(2), "span_id": span_id(2), "novelty": 1.97},
        ],
        "reference_examples": [{"text": TYPICAL_TEXT, "trace_id": trace_id(200), "span_id": span_id(200)}],
        "sentence": f"In 14 % of responses a new topic: partner desk {HOSTILE}",
        "topics": {
            "psi": 0.31,
            "grown": [{"terms": ["partner", HOSTILE], "share_before": 0.01, "share_after": 0.14, "p_value": 0.0002}],
            "shrunk": [{"terms": ["reset"], "share_before": 0.5, "share_after": 0.4, "p_value": 0.01}],
        },
        "slices": [
            {
                "name": "prompt_version",
                "value": "v2",
                "n_texts": 120,
                "share_before": 0,
                "share_after": 0.5,
                "p_value": 0.001,
            }
        ],
        "carried_by": {"name": "prompt_version", "value": "v2"},
        "covariates": [{"name": "length", "share_explained": 0.1, "p_value_without": 0.002, "change": "longer"}],
        "statistics": {"energy": {"z": 9.1, "p_value": 0.001}, "knn_scan": {"z": 11.2, "p_value": 0.001}},
        "calibration": {"configured": 0.01, "measured": 0.05, "n_windows": 20, "low": 0.001, "high": 0.25},
        "kept": {"error": {"n": 9, "n_outliers": 4}, HOSTILE: {"n": 1, "n_outliers": 0}},
        "back_pressure": {"max_texts": 125, "waited_s": 3600},
        "groups": [
            {
                "n_texts": 12,
                "n_sessions": 7,
                "terms": ["desk"],
                "examples": [{"text": "ask the desk", "trace_id": trace_id(3)}],
            }
        ],
    }
    newest = now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for number in range(24):
        end = newest - timedelta(hours=6 * number)
        has_drifted = number < 3
        fine: dict[str, Any] = {"status": "ok", "p_value": 0.31, "p_value_corrected": 0.62, "effect_size": 0.4}
        moved = {"is_confirmed": 1, "moved_share": 0.14, "moved_share_low": 0.11, "moved_share_high": 0.17}
        drifted: dict[str, Any] = {"explanation": explanation, "effect_size": 11.25 - number, **moved}
        rows += [
            finding(number, window_end=end, **(drifted if has_drifted else fine)),
            finding(100 + number, window_end=end, field="prompt", **fine),
        ]
    thin: dict[str, Any] = {"status": "insufficient", "p_value": None, "p_value_corrected": None, "n_current": 9}
    return [*rows, finding(300, window_end=newest, model="gpt-4o", **thin)]
