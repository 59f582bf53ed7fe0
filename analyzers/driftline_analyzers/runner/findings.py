"""What a run writes: findings of windows and scores of calls."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Status = Literal["ok", "drift", "insufficient", "error"]
AnalyzerName = Literal[
    "semantic_drift", "style_drift", "conditional_drift", "number_drift", "retrieval_drift", "outliers", "sequential"
]

SEMANTIC: Final = "semantic_drift"
STYLE: Final = "style_drift"
CONDITIONAL: Final = "conditional_drift"
NUMBERS: Final = "number_drift"
RETRIEVAL: Final = "retrieval_drift"
OUTLIERS: Final = "outliers"
SEQUENTIAL: Final = "sequential"
ANALYZER_NAMES: Final[tuple[AnalyzerName, ...]] = (
    SEMANTIC,
    STYLE,
    CONDITIONAL,
    NUMBERS,
    RETRIEVAL,
    OUTLIERS,
    SEQUENTIAL,
)
VERSION: Final = "3"
"""Of every analyzer; a change of method is a new version, so that old rows stay what they were."""
TRAILING: Final = "trailing"
"""The reference's name where no named one applies: earlier windows of the segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One window, segment, field and analyzer against one reference. Times are Unix ms; explanation is stored as JSON.

    segment_by: the slicing ('model', 'metadata.tenant', ..., 'service' for the whole); segment: its value. window_texts: 0 by time.
    moved_share: estimated share of texts that would have to change, with an interval; None where it was not estimated.
    """

    project: str
    analyzer: AnalyzerName
    service: str
    segment_by: str
    segment: str
    field: str
    prompt_version: str
    start_ms: int
    end_ms: int
    window_texts: int
    reference: str
    reference_version: str
    status: Status
    statistic: float
    p_value: float | None
    p_value_corrected: float | None
    alpha: float
    effect_size: float
    is_confirmed: bool
    is_small: bool
    moved_share: float | None
    moved_share_low: float | None
    moved_share_high: float | None
    n_reference: int
    n_current: int
    n_effective: int
    n_tested: int
    explanation: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The model where the segment is one, else ''."""
        return self.segment if self.segment_by == "model" else ""

    @property
    def finding_id(self) -> str:
        """The same for the same window, segment, field, analyzer and reference, whenever it is computed: 32 hex digits."""
        key = (
            self.project,
            self.analyzer,
            VERSION,
            self.service,
            self.segment_by,
            self.segment,
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
