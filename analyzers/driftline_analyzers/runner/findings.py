"""What a run writes: findings of windows and scores of calls."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "drift", "insufficient", "error"]

DRIFT_ANALYZER = "semantic_drift"
OUTLIER_ANALYZER = "outliers"
VERSION = "1"
"""Of both analyzers; a change of method is a new version, so that old rows stay what they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One window, segment and field against one reference. Times are Unix ms; explanation is stored as JSON."""

    project: str
    service: str
    model: str
    field: str
    prompt_version: str
    start_ms: int
    end_ms: int
    reference: str
    status: Status
    statistic: float
    p_value: float | None
    p_value_corrected: float | None
    alpha: float
    effect_size: float
    n_reference: int
    n_current: int
    n_effective: int
    explanation: Mapping[str, Any]

    @property
    def finding_id(self) -> str:
        """The same for the same window, segment, field and reference, whenever it is computed: 32 hex digits."""
        key = (
            self.project,
            DRIFT_ANALYZER,
            VERSION,
            self.service,
            self.model,
            self.field,
            str(self.start_ms),
            str(self.end_ms),
            self.reference,
        )
        return hashlib.sha256("\x1f".join(key).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierScore:
    """One call and field: mean distance to its nearest reference texts, conformal p-value, and which texts those are."""

    project: str
    service: str
    model: str
    prompt_version: str
    field: str
    start_ns: int
    trace_id: str
    span_id: str
    value: float
    p_value: float
    is_flagged: bool
    evidence: Mapping[str, Any]
