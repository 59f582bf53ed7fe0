"""Rows of rollups, findings and scores for the tests of the Prometheus API."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from driftline_core.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rollup(time: datetime, **changes: Any) -> dict[str, Any]:
    """A minute of one slice; time is the minute's start."""
    return {
        "project": "default",
        "minute": time,
        "service": "chat",
        "environment": "production",
        "provider": "openai",
        "model": "gpt-4o",
        "kind": "llm",
        "prompt_version": "v1",
        "calls": 1,
        "errors": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "duration_sum_ms": 0.0,
        "duration_buckets": [],
        "updated_at": time,
        **changes,
    }


def finding(window_end: datetime, **changes: Any) -> dict[str, Any]:
    """A finding of an hour's window."""
    return {
        "finding_id": f"{window_end.isoformat()}-{changes.get('analyzer_version', '1')}",
        "project": "default",
        "analyzer": "semantic_drift",
        "analyzer_version": "1",
        "service": "chat",
        "model": "gpt-4o",
        "field": "completion",
        "window_start": window_end - timedelta(hours=1),
        "window_end": window_end,
        "reference": "week-1",
        "status": "drift",
        "statistic": 0.1,
        "p_value": 0.01,
        "p_value_corrected": 0.02,
        "alpha": 0.05,
        "effect_size": 3.5,
        "n_reference": 500,
        "n_current": 100,
        "n_effective": 50,
        "explanation": "{}",
        "computed_at": window_end + timedelta(minutes=1),
        **changes,
    }


def score(number: int, time: datetime, **changes: Any) -> dict[str, Any]:
    """An outlier score of one generation."""
    return {
        "project": "default",
        "analyzer": "outliers",
        "analyzer_version": "1",
        "field": "completion",
        "start_time": time,
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "service": "chat",
        "model": "gpt-4o",
        "prompt_version": "v1",
        "value": 0.5,
        "p_value": 0.5,
        "is_flagged": 0,
        "evidence": "{}",
        "computed_at": time,
        **changes,
    }


def insert(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows that share their columns."""
    listed: Sequence[dict[str, Any]] = list(rows)
    store.insert(table, list(listed[0]), [list(row.values()) for row in listed])
