"""Flags by the thresholds that people's labels set, in place of the scorers' own."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

from driftline_analyzers.scoring.records import ScoreRow
from driftline_core.directions import is_beyond


def flagged_by_labels(rows: Sequence[ScoreRow], thresholds: Mapping[tuple[str, str, str], float]) -> list[ScoreRow]:
    """The rows, flagged where their value is at or beyond the threshold set for their analyzer, its version and field; evidence says so.

    Beyond is above, or below for an analyzer whose low values are bad (driftline_core.directions). What a scorer would not flag whatever
    the value ("not_flagged" in evidence) stays without a flag.

    thresholds: of driftline_core.thresholds.active_thresholds. Rows without a value or a threshold stay as they are.
    """
    return [_flagged(row, thresholds) for row in rows]


def _flagged(row: ScoreRow, thresholds: Mapping[tuple[str, str, str], float]) -> ScoreRow:
    threshold = thresholds.get((row.key.analyzer, row.key.analyzer_version, row.key.field))
    if threshold is None or row.status != "ok":
        return row
    evidence = {**json.loads(row.evidence), "threshold_from_labels": threshold}
    is_flagged = is_beyond(row.key.analyzer, row.value, threshold) and "not_flagged" not in evidence
    return dataclasses.replace(
        row, is_flagged=is_flagged, evidence=json.dumps(evidence, ensure_ascii=False, allow_nan=False)
    )
