"""The gap between groups of riders that was planted beside what the comparison of groups says. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from driftline_cli.demo.traffic import SLICES

DECLARED: Final = "metadata.rider_age"
WINDOW: Final = timedelta(hours=84)
"""Half a week: whatever the hour, one whole window lies in the week."""
_PLANTED_FIELD: Final = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupVerdict:
    """Of one service: comparisons that had enough sessions, gaps among them, and the gap in refusals if it was found and confirmed."""

    service: str
    is_planted: bool
    n_compared: int
    gaps: tuple[Mapping[str, Any], ...]

    @property
    def planted_gap(self) -> Mapping[str, Any] | None:
        """The newest confirmed gap in what was planted, None when there is none."""
        found = [gap for gap in self.gaps if gap["field"] == _PLANTED_FIELD and gap["is_confirmed"]]
        return max(found, key=lambda gap: str(gap["window_end"]), default=None)

    @property
    def is_right(self) -> bool:
        """Compared at all; where a gap was planted it is confirmed, elsewhere nothing is."""
        if not self.is_planted:
            return self.n_compared > 0 and not any(gap["is_confirmed"] for gap in self.gaps)
        return self.planted_gap is not None


def judge_groups(findings: Sequence[Mapping[str, Any]]) -> list[GroupVerdict]:
    """findings: every finding of the comparison of groups."""
    verdicts = []
    for service in sorted({source.service for source in SLICES}):
        mine = [one for one in findings if one["service"] == service and one["segment_by"] == f"group:{DECLARED}"]
        verdicts.append(
            GroupVerdict(
                service=service,
                is_planted=any(source.is_gap_planted for source in SLICES if source.service == service),
                n_compared=sum(one["status"] in ("ok", "gap") and one["field"] != "mentions" for one in mine),
                gaps=tuple(one for one in mine if one["status"] == "gap"),
            )
        )
    return verdicts
