"""Writes findings, scores and the cursor. Writing the same thing again replaces it."""

import json
from collections.abc import Sequence
from typing import Final

from driftline_analyzers.runner.findings import OUTLIERS, VERSION, Finding, OutlierScore
from driftline_analyzers.runner.records import to_time
from driftline_core.store import Store

_FINDING_COLUMNS: Final = (
    "finding_id",
    "project",
    "analyzer",
    "analyzer_version",
    "service",
    "model",
    "field",
    "segment_by",
    "segment",
    "prompt_version",
    "window_start",
    "window_end",
    "window_texts",
    "reference",
    "reference_version",
    "status",
    "statistic",
    "p_value",
    "p_value_corrected",
    "alpha",
    "effect_size",
    "is_confirmed",
    "is_small",
    "moved_share",
    "moved_share_low",
    "moved_share_high",
    "n_reference",
    "n_current",
    "n_effective",
    "n_tested",
    "explanation",
)
_SCORE_COLUMNS: Final = (
    "project",
    "analyzer",
    "analyzer_version",
    "field",
    "start_time",
    "trace_id",
    "span_id",
    "service",
    "model",
    "prompt_version",
    "value",
    "p_value",
    "is_flagged",
    "evidence",
)


class Writer:
    """Inserts of the runner. Every method raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Insert or replace findings."""
        self._store.insert("findings", _FINDING_COLUMNS, [_finding_row(finding) for finding in findings])

    def write_scores(self, scores: Sequence[OutlierScore]) -> None:
        """Insert or replace scores."""
        self._store.insert("scores", _SCORE_COLUMNS, [_score_row(score) for score in scores])

    def move_cursor(self, name: str, *, position_ms: int) -> None:
        """Everything stored up to position_ms (Unix ms) is handled."""
        self._store.insert("cursors", ("name", "position"), [(name, to_time(position_ms))])


def _finding_row(finding: Finding) -> tuple[object, ...]:
    return (
        finding.finding_id,
        finding.project,
        finding.analyzer,
        VERSION,
        finding.service,
        finding.model,
        finding.field,
        finding.segment_by,
        finding.segment,
        finding.prompt_version,
        to_time(finding.start_ms),
        to_time(finding.end_ms),
        finding.window_texts,
        finding.reference,
        finding.reference_version,
        finding.status,
        finding.statistic,
        finding.p_value,
        finding.p_value_corrected,
        finding.alpha,
        finding.effect_size,
        int(finding.is_confirmed),
        int(finding.is_small),
        finding.moved_share,
        finding.moved_share_low,
        finding.moved_share_high,
        finding.n_reference,
        finding.n_current,
        finding.n_effective,
        finding.n_tested,
        json.dumps(finding.explanation, ensure_ascii=False),
    )


def _score_row(score: OutlierScore) -> tuple[object, ...]:
    return (
        score.project,
        OUTLIERS,
        VERSION,
        score.field,
        score.start_ns,
        bytes.fromhex(score.trace_id),
        bytes.fromhex(score.span_id),
        score.service,
        score.model,
        score.prompt_version,
        score.value,
        score.p_value,
        int(score.is_flagged),
        json.dumps(score.evidence, ensure_ascii=False),
    )
