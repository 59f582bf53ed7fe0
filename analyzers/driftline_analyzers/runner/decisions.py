"""From the p-values of a tick to what is said: corrected together, confirmed by the window before. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.runner.findings import Finding
from driftline_analyzers.runner.history import History, finding_segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A finding before it is decided. is_far_tail: no draw reached it, and it lies far beyond them all."""

    finding: Finding
    is_far_tail: bool = False


def decide(drafts: Sequence[Draft], history: History, *, alpha: float) -> list[Finding]:
    """Correct the p-values of one tick together (Benjamini-Hochberg): drift is a corrected p <= alpha. It is confirmed by drift in the
    window before of the same segment, field and analyzer, or by a far tail; a window with too few texts neither counts nor ends a row.
    """
    p_values = [draft.finding.p_value for draft in drafts if draft.finding.p_value is not None]
    corrected = iter(benjamini_hochberg(p_values).tolist())
    return [
        draft.finding if draft.finding.p_value is None else _decided(draft, next(corrected), history, alpha=alpha)
        for draft in drafts
    ]


def _decided(draft: Draft, corrected: float, history: History, *, alpha: float) -> Finding:
    finding = draft.finding
    is_drift = corrected <= alpha
    before = history.last_status(finding_segment(finding), finding.analyzer, finding.field, before_ms=finding.start_ms)
    return replace(
        finding,
        p_value_corrected=corrected,
        status="drift" if is_drift else "ok",
        is_confirmed=is_drift and (draft.is_far_tail or before == "drift"),
    )
