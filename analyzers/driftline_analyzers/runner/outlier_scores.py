"""The rows of scores that one outlier comparison leaves: every text of the sample, and those kept beside it."""

from typing import Any

from driftline_analyzers.outliers.result import OutlierResult
from driftline_analyzers.runner.comparison import Comparison
from driftline_analyzers.runner.findings import OutlierScore
from driftline_analyzers.runner.records import Reference
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.runner.sides import Measured

_EVIDENCE_NEIGHBOURS = 3


def outlier_scores(comparison: Comparison, project: str, segment: Segment, reference: Reference) -> list[OutlierScore]:
    """One a text; evidence: the nearest texts of the reference, and why a kept one was kept. Empty for other analyzers."""
    if comparison.outliers is None:
        return []
    parts = [(comparison.current, comparison.outliers)]
    if comparison.kept is not None:
        parts.append((comparison.kept.measured, comparison.kept.result))
    return [
        OutlierScore(
            project=project,
            service=segment.service,
            model=row.model,
            prompt_version=row.prompt_version,
            field=comparison.check.field,
            start_ns=row.start_ns,
            trace_id=row.trace_id,
            span_id=row.span_id,
            value=float(found.scores[i]),
            p_value=float(found.p_values[i]),
            is_flagged=bool(found.is_flagged[i]),
            evidence={"reference": reference.name, "nearest": _nearest(found, i, comparison.reference)}
            | ({"kept_for": row.kept_for} if row.kept_for else {}),
        )
        for measured, found in parts
        for i, row in enumerate(measured.sample.rows)
    ]


def _nearest(found: OutlierResult, i: int, reference: Measured) -> list[dict[str, Any]]:
    rows = reference.sample.rows
    neighbours = zip(found.neighbours[i, :_EVIDENCE_NEIGHBOURS], found.distances[i, :_EVIDENCE_NEIGHBOURS], strict=True)
    return [
        {"trace_id": rows[j].trace_id, "span_id": rows[j].span_id, "distance": round(float(distance), 4)}
        for j, distance in neighbours
    ]
