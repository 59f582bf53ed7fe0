"""Rows to fill a store with: what the collector, the rollup and the analyzers would have written."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from driftline_core.store import Store

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def trace_id(number: int) -> str:
    """A trace id in hex."""
    return f"{number:032x}"


def span_id(number: int) -> str:
    """A span id in hex."""
    return f"{number:016x}"


def generation(number: int, *, time: datetime, **changes: Any) -> dict[str, Any]:
    """A generation's columns; number makes its ids."""
    columns = {
        "project": "default",
        "service": "support",
        "environment": "production",
        "start_time": time,
        "trace_id": bytes.fromhex(trace_id(number)),
        "span_id": bytes.fromhex(span_id(number)),
        "parent_span_id": bytes(8),
        "name": "chat gpt-4o-mini",
        "kind": "llm",
        "dialect": "otel_genai",
        "operation": "chat",
        "provider": "openai",
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "prompt_version": "v1",
        "session_id": f"session-{number}",
        "duration_ms": 100.0 + number % 50 * 10,
        "is_error": 0,
        "input_tokens": 1000,
        "output_tokens": 200,
        "prompt": f"How do I reset password number {number}?",
        "completion": f"Open the settings and choose reset, case {number}.",
        "received_at": time,
    }
    return {**columns, **changes}


def span(number: int, *, time: datetime, parent: int | None = None, **changes: Any) -> dict[str, Any]:
    """A span's columns; number makes its span id."""
    columns = {
        "project": "default",
        "service": "support",
        "start_time": time,
        "trace_id": bytes.fromhex(trace_id(1)),
        "span_id": bytes.fromhex(span_id(number)),
        "parent_span_id": bytes(8) if parent is None else bytes.fromhex(span_id(parent)),
        "duration_ns": 5_000_000,
        "name": f"step {number}",
        "kind": 1,
        "status_code": 0,
        "scope_name": "tests",
        "resource_attributes": {"service.name": "support"},
        "attributes": {"step": str(number)},
        "events": [],
        "received_at": time,
    }
    return {**columns, **changes}


def finding(number: int, *, window_end: datetime, **changes: Any) -> dict[str, Any]:
    """A finding's columns; changes may give `explanation` as an object."""
    columns = {
        "finding_id": f"finding-{number:04d}",
        "project": "default",
        "analyzer": "semantic_drift",
        "analyzer_version": "1",
        "service": "support",
        "model": "gpt-4o-mini",
        "segment_by": "",
        "segment": "",
        "field": "completion",
        "prompt_version": "v2",
        "window_start": window_end - timedelta(hours=6),
        "window_end": window_end,
        "reference": "baseline",
        "status": "drift",
        "statistic": 0.042,
        "p_value": 0.001,
        "p_value_corrected": 0.004,
        "alpha": 0.01,
        "effect_size": 11.25,
        "is_confirmed": 0,
        "is_small": 0,
        "moved_share": None,
        "moved_share_low": None,
        "moved_share_high": None,
        "n_tested": 240,
        "n_reference": 800,
        "n_current": 240,
        "n_effective": 120,
        "explanation": {},
    }
    merged = {**columns, **changes}
    return {**merged, "explanation": orjson.dumps(merged["explanation"]).decode()}


def score(number: int, *, time: datetime, p_value: float | None, **changes: Any) -> dict[str, Any]:
    """An outlier score's columns for generation `number`."""
    columns = {
        "project": "default",
        "analyzer": "outliers",
        "analyzer_version": "1",
        "field": "completion",
        "start_time": time,
        "trace_id": bytes.fromhex(trace_id(number)),
        "span_id": bytes.fromhex(span_id(number)),
        "service": "support",
        "model": "gpt-4o-mini",
        "prompt_version": "v1",
        "value": 0.9,
        "p_value": p_value,
        "is_flagged": 1,
        "evidence": "{}",
    }
    return {**columns, **changes}


def minute_of_scores(time: datetime, *, scored: int, flagged: int, **changes: Any) -> dict[str, Any]:
    """A row of scores_1m: what a scorer said of the prompts of one minute."""
    columns = {
        "project": "default",
        "minute": time.replace(second=0, microsecond=0),
        "analyzer": "injection",
        "field": "prompt",
        "service": "support",
        "model": "gpt-4o-mini",
        "scored": scored,
        "flagged": flagged,
        "unknown": 0,
        "failed": 0,
        "value_sum": 0.5 * scored,
        "updated_at": time,
    }
    return {**columns, **changes}


def alert(name: str, *, state: str, active_at: datetime, **changes: Any) -> dict[str, Any]:
    """An alert_state row's columns; changes may give labels and annotations as objects."""
    columns = {
        "rule_uid": name,
        "fingerprint": name,
        "alertname": name,
        "state": state,
        "labels": {"alertname": name, "severity": "page"},
        "annotations": {"summary": f"{name} happened"},
        "value": 2.0,
        "active_at": active_at,
        "last_eval": active_at,
    }
    merged = {**columns, **changes}
    return {**merged, **{name: orjson.dumps(merged[name]).decode() for name in ("labels", "annotations")}}


def price(*, model: str, usd_mtok: tuple[float, float, float, float], **changes: Any) -> dict[str, Any]:
    """A price's columns. usd_mtok: input, output, cache read, cache write, in USD per million tokens."""
    names = ("input_usd_mtok", "output_usd_mtok", "cache_read_usd_mtok", "cache_write_usd_mtok")
    columns = {
        "provider": "openai",
        "model": model,
        "valid_from": datetime(1970, 1, 1, tzinfo=UTC),
        "valid_to": datetime(2100, 1, 1, tzinfo=UTC),
        **dict(zip(names, usd_mtok, strict=True)),
        "source": "genai-prices",
    }
    return {**columns, **changes}


def put(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows; one block for each set of columns."""
    by_columns: dict[tuple[str, ...], list[list[Any]]] = {}
    for row in rows:
        by_columns.setdefault(tuple(row), []).append(list(row.values()))
    for columns, values in by_columns.items():
        store.insert(table, columns, values)


def roll_up(store: Store) -> None:
    """Fill rollup_1m from the generations, as the rollup job does."""
    store.command(_ROLL_UP)


_ROLL_UP = """
INSERT INTO rollup_1m
SELECT
    project, toStartOfMinute(start_time) AS minute, service, environment, provider, model, kind, prompt_version,
    count(), sum(is_error), sum(ifNull(input_tokens, 0)), sum(ifNull(output_tokens, 0)), sum(ifNull(cache_read_tokens, 0)),
    sum(ifNull(cache_write_tokens, 0)), sum(ifNull(reasoning_tokens, 0)),
    countIf(input_tokens IS NULL AND output_tokens IS NULL), sum(duration_ms), [],
    quantilesTDigestState(0.5, 0.9, 0.95, 0.99)(duration_ms), now64(3)
FROM generations FINAL
WHERE kind IN ('llm', 'embedding')
GROUP BY project, minute, service, environment, provider, model, kind, prompt_version
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillView:
    """An alert evaluator that stands still: payloads in Prometheus' shapes."""

    alerts: list[dict[str, Any]]
    rules: list[dict[str, Any]]

    def alerts_payload(self) -> dict[str, Any]:
        return {"alerts": self.alerts}

    def rules_payload(self) -> dict[str, Any]:
        return {"groups": [{"name": "shipped", "file": "drift.yaml", "interval": 60, "rules": self.rules}]}
