"""Which earlier windows a window is compared with where no reference set applies. Pure: times are Unix milliseconds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from driftline_analyzers.runner.records import WindowContent
from driftline_analyzers.runner.segments import LANGUAGE, VERSION_LIKE, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingWindows:
    """Earlier windows that serve as the reference; windows is empty when there are too few texts. detail: one line for a person."""

    windows: Sequence[WindowContent]
    detail: str


def trailing_windows(
    history: Sequence[WindowContent],
    segment: Segment,
    *,
    start_ms: int,
    is_drifted: Callable[[WindowContent], bool],
    n_windows: int,
    horizon_ms: int,
    min_texts: int,
) -> TrailingWindows:
    """The newest n_windows windows before start_ms that were not found drifting, so that drift does not become its own reference.

    Of the same segment. A new model, prompt version, release or provider is compared with every value of the service, so that the change
    is seen; new is what came when the service had said min_texts already: two models side by side from the start differ, and that is no
    drift of either. What a segment has done over the whole horizon is its norm, drifted or not.
    history: windows of the service and slicing, in order of time, each once a segment.
    """
    earlier = [
        content for content in history if start_ms - horizon_ms <= content.start_ms and content.end_ms <= start_ms
    ]
    steady = [content for content in earlier if not is_drifted(content)]
    own = [content for content in earlier if content.segment == segment]
    own_steady = [content for content in steady if content.segment == segment]
    window_ms = max((content.end_ms - content.start_ms for content in own), default=0)
    is_old = bool(own) and own[0].start_ms < start_ms - horizon_ms + 2 * window_ms
    candidates = [(own_steady, f"of this {_noun(segment)}")]
    if is_old:
        candidates.append((own, f"of this {_noun(segment)}, drifted ones too: nothing else is left of the horizon"))
    if segment.by in VERSION_LIKE and _is_new(own, earlier, start_ms=start_ms, min_texts=min_texts):
        candidates.append((steady, f"of any {_noun(segment)} of the service"))
    largest = 0
    for contents, what in candidates:
        starts = sorted({(content.start_ms, content.end_ms) for content in contents}, reverse=True)[:n_windows]
        chosen = [content for content in contents if (content.start_ms, content.end_ms) in set(starts)]
        size = sum(_size(content) for content in chosen)
        largest = max(largest, size)
        if size >= min_texts:
            return TrailingWindows(windows=chosen, detail=f"{len(starts)} earlier windows {what}")
    return TrailingWindows(windows=[], detail=f"no earlier windows with enough texts: {largest} of {min_texts}")


def _is_new(own: Sequence[WindowContent], earlier: Sequence[WindowContent], *, start_ms: int, min_texts: int) -> bool:
    first_ms = own[0].start_ms if own else start_ms
    return sum(_size(content) for content in earlier if content.end_ms <= first_ms) >= min_texts


def _size(content: WindowContent) -> int:
    return content.n_rows + content.n_retrievals


def _noun(segment: Segment) -> str:
    if segment.by == LANGUAGE:
        return "language"
    return segment.by.removeprefix("metadata.").replace("_", " ")
