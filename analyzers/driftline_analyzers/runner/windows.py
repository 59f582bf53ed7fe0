"""Which windows are tested, and which earlier ones they are compared with. Pure: times are Unix milliseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driftline_analyzers.runner.records import SeenFinding, WindowContent

WindowModel = tuple[int, str]
"""(window start, model)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingWindows:
    """Earlier windows that serve as the reference; windows is empty when there are too few texts. detail: one line for a person."""

    windows: Sequence[WindowModel]
    detail: str


def is_settled(start_ms: int, *, window_ms: int, settle_ms: int, now_ms: int) -> bool:
    """True once the window and its wait are over."""
    return start_ms + window_ms + settle_ms <= now_ms


def is_changed(contents: Sequence[WindowContent], seen: Sequence[SeenFinding], *, fields: Sequence[str]) -> bool:
    """True when a window holds anything that its findings have not seen. contents, seen: of that window."""
    known = {
        (finding.service, finding.model, finding.field): (finding.n_rows, finding.last_stored_ms) for finding in seen
    }
    return any(
        known.get((content.service, content.model, field)) != (content.n_rows, content.last_stored_ms)
        for content in contents
        for field in fields
    )


def trailing_windows(
    history: Sequence[WindowContent],
    *,
    start_ms: int,
    model: str,
    drifted: Mapping[WindowModel, bool],
    n_windows: int,
    horizon_ms: int,
    min_texts: int,
) -> TrailingWindows:
    """The newest n_windows windows before start_ms that were not found drifting, so that drift does not become its own reference.

    Of the same model while those hold min_texts; else of any model of the service, so that a change of model is seen. When every window
    of the horizon drifted, all of them count: what has lasted that long is the norm. history: windows of the service.
    """
    earlier = [content for content in history if start_ms - horizon_ms <= content.start_ms < start_ms]
    steady = [content for content in earlier if not drifted.get((content.start_ms, content.model), False)]
    own = [content for content in steady if content.model == model]
    for candidates, what in (
        (own, "of this model"),
        (steady, "of any model of the service"),
        (earlier, "of any model of the service, drifted ones too: nothing else is left of the horizon"),
    ):
        starts = sorted({content.start_ms for content in candidates}, reverse=True)[:n_windows]
        chosen = [content for content in candidates if content.start_ms in set(starts)]
        if sum(content.n_rows for content in chosen) >= min_texts:
            return TrailingWindows(
                windows=[(content.start_ms, content.model) for content in chosen],
                detail=f"{len(starts)} earlier windows {what}",
            )
    return TrailingWindows(windows=[], detail="no earlier windows with enough texts")
