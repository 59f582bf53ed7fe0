"""Answers that their documents do not support, before and after the prompt was edited. Pure: API answers in, shares and pieces out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftline_cli.demo.traffic import Slice

_MOST_BEFORE: Final = 0.1
_LEAST_AFTER: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedSlice:
    """Answers of a slice that were judged, and of them those flagged as unsupported, before and after the change."""

    source: Slice
    judged_before: int
    flagged_before: int
    judged_after: int
    flagged_after: int

    @property
    def share_before(self) -> float:
        """0 where none was judged."""
        return self.flagged_before / max(1, self.judged_before)

    @property
    def share_after(self) -> float:
        """0 where none was judged."""
        return self.flagged_after / max(1, self.judged_after)

    @property
    def is_right(self) -> bool:
        """Where answers lost their facts: almost none flagged before, almost all after. Elsewhere almost none at any time."""
        if not self.source.is_drift_planted:
            return max(self.share_before, self.share_after) <= _MOST_BEFORE
        return self.judged_before > 0 and self.share_before <= _MOST_BEFORE and self.share_after >= _LEAST_AFTER


def grounded_slice(source: Slice, before: Mapping[str, Any], after: Mapping[str, Any]) -> GroundedSlice:
    """From the score summaries of the slice's answers before and after the change."""
    counts = [
        (sum(one["scored"] for one in summary["series"]), sum(one["flagged"] for one in summary["series"]))
        for summary in (before, after)
    ]
    return GroundedSlice(
        source=source,
        judged_before=counts[0][0],
        flagged_before=counts[0][1],
        judged_after=counts[1][0],
        flagged_after=counts[1][1],
    )


def unsupported_parts(score: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The shown start of an answer as (text, is it unsupported) pieces, in order."""
    text = score["text_preview"]
    pieces: list[tuple[str, bool]] = []
    done = 0
    for span in sorted(score["evidence"].get("spans", []), key=lambda one: (one["start"], one["end"])):
        start, end = max(done, span["start"]), min(len(text), span["end"])
        if start < end:
            pieces += [(text[done:start], False), (text[start:end], True)]
            done = end
    return [piece for piece in [*pieces, (text[done:], False)] if piece[0]]
