"""Plans runs over windows by count: each segment's calls, so many at a time."""

from collections import defaultdict
from collections.abc import Sequence

from driftline_analyzers.runner.history import History
from driftline_analyzers.runner.plan import Plan, Tick, limited, rounds
from driftline_analyzers.runner.planner import stored_p_values
from driftline_analyzers.runner.reader import CallTimes, Reader, TouchedSegment
from driftline_analyzers.runner.records import SeenFinding, WindowContent
from driftline_analyzers.runner.segments import LANGUAGE, Segment
from driftline_analyzers.runner.windows import count_windows, is_settled, slices_between
from driftline_analyzers.settings import AnalyzerSettings

_SEEN_BACK_MS = 400 * 86_400_000
"""Findings are kept so long; a segment's last window may lie as far back."""


class CountPlanner:
    """A window is closed when it is full and settled; its time range is then frozen by its finding, and late data inside tests it again."""

    def __init__(self, reader: Reader, settings: AnalyzerSettings) -> None:
        self._reader = reader
        self._settings = settings
        self._settle_ms = int(settings.settle.total_seconds() * 1000)

    def due(self, project: str, *, since_ms: int, now_ms: int) -> Plan | None:
        """What was stored after since_ms makes these windows due; None when nothing was stored. Raises StoreError."""
        touched = self._reader.touched_segments(project=project, since_ms=since_ms)
        if not touched:
            return None
        seen = self._seen(project, [segment.from_ms for segment in touched], now_ms)
        closed = _closed(seen)
        changed, held, is_cut = self._changed(project, touched, closed, now_ms=now_ms)
        history = History(seen, stored_p_values(self._reader, self._settings, project, _start(changed, now_ms), now_ms))
        contents = limited(_merged(closed, changed), max_segments=self._settings.max_segments)
        tested = {content.key for content in changed if history.is_changed(content)}
        first_stored = min(segment.first_stored_ms for segment in touched)
        due = [content for content in contents if content.key in tested]
        return Plan(
            ticks=[Tick(contents=together, first_stored_ms=first_stored) for together in rounds(due)],
            contents=contents,
            history=history,
            held_ms=[*held, *([first_stored - 1] if is_cut else [])],
            last_stored_ms=max(segment.last_stored_ms for segment in touched),
        )

    def range(self, project: str, *, from_ms: int, to_ms: int, now_ms: int) -> Plan:
        """Every closed window that starts in the range, and what fills further ones, changed or not. Raises StoreError."""
        touched = [
            TouchedSegment(
                segment=touched.segment,
                from_ms=max(from_ms, touched.from_ms),
                to_ms=to_ms,
                first_stored_ms=0,
                last_stored_ms=0,
            )
            for touched in self._reader.touched_segments(project=project, since_ms=0)
        ]
        seen = self._seen(project, [from_ms], now_ms)
        closed = _closed(seen)
        changed, _, _ = self._changed(project, touched, closed, now_ms=now_ms)
        history = History(seen, stored_p_values(self._reader, self._settings, project, from_ms, now_ms))
        contents = limited(_merged(closed, changed), max_segments=self._settings.max_segments)
        tested = {content.key for content in changed if from_ms <= content.start_ms < to_ms}
        due = [content for content in contents if content.key in tested]
        ticks = [Tick(contents=together, first_stored_ms=0) for together in rounds(due)]
        return Plan(ticks=ticks, contents=contents, history=history, held_ms=(), last_stored_ms=0)

    def _seen(self, project: str, from_ms: Sequence[int], now_ms: int) -> list[SeenFinding]:
        return self._reader.seen_findings(
            project=project, from_ms=min([*from_ms, now_ms]) - _SEEN_BACK_MS, to_ms=now_ms
        )

    def _changed(
        self,
        project: str,
        touched: Sequence[TouchedSegment],
        closed: dict[Segment, list[WindowContent]],
        *,
        now_ms: int,
    ) -> tuple[list[WindowContent], list[int], bool]:
        """Windows that rows were stored into, counted anew; storing times that wait; whether there are more calls than were read."""
        found: list[WindowContent] = []
        held: list[int] = []
        is_cut = False
        by_slicing: dict[tuple[str, str], list[TouchedSegment]] = defaultdict(list)
        for one in touched:
            by_slicing[one.segment.slicing].append(one)
        for (service, by), of_slicing in by_slicing.items():
            bounds = [_boundary(closed, one.segment) for one in of_slicing]
            from_ms = min([*bounds, *(window.start_ms for one in of_slicing for window in _hit(closed, one))])
            times = self._reader.call_times(project=project, service=service, by=by, from_ms=from_ms, to_ms=now_ms + 1)
            for one in of_slicing:
                calls = times.get(one.segment)
                if calls is None:
                    continue
                is_cut = is_cut or calls.is_cut
                found += [
                    _content(one.segment, (window.start_ms, window.end_ms), calls) for window in _hit(closed, one)
                ]
                boundary = _boundary(closed, one.segment)
                new = count_windows(calls.starts_ms, from_ms=boundary, n_texts=self._settings.window_texts)
                for start, end, _ in new:
                    if not is_settled(end, settle_ms=self._settle_ms, now_ms=now_ms):
                        held.append(one.first_stored_ms - 1)
                        break
                    found.append(_content(one.segment, (start, end), calls))
        return found, held, is_cut


def _content(segment: Segment, window: tuple[int, int], calls: CallTimes) -> WindowContent:
    inside = slices_between(calls.starts_ms, start_ms=window[0], end_ms=window[1])
    versions = calls.prompt_versions[inside]
    return WindowContent(
        segment=segment,
        start_ms=window[0],
        end_ms=window[1],
        n_rows=len(versions),
        n_retrievals=0,
        last_stored_ms=max(calls.stored_ms[inside], default=0),
        prompt_version=versions[-1] if versions else "",
    )


def _closed(seen: Sequence[SeenFinding]) -> dict[Segment, list[WindowContent]]:
    """Windows whose time range a finding has frozen, by the segment that the store counts, in order of time."""
    windows: dict[Segment, dict[int, WindowContent]] = defaultdict(dict)
    for finding in seen:
        segment = finding.segment
        if segment.by == LANGUAGE:
            segment = Segment(service=segment.service, by=LANGUAGE, value="")
        windows[segment].setdefault(
            finding.start_ms,
            WindowContent(
                segment=segment,
                start_ms=finding.start_ms,
                end_ms=finding.end_ms,
                n_rows=finding.n_rows,
                n_retrievals=finding.n_retrievals,
                last_stored_ms=finding.last_stored_ms,
                prompt_version="",
            ),
        )
    return {segment: [of[start] for start in sorted(of)] for segment, of in windows.items()}


def _hit(closed: dict[Segment, list[WindowContent]], touched: TouchedSegment) -> list[WindowContent]:
    """Closed windows that the touched rows may lie in."""
    return [
        window
        for window in closed.get(touched.segment, ())
        if window.start_ms <= touched.to_ms and window.end_ms > touched.from_ms
    ]


def _boundary(closed: dict[Segment, list[WindowContent]], segment: Segment) -> int:
    """Where the next window of a segment begins; 0: with its first call."""
    windows = closed.get(segment)
    return windows[-1].end_ms if windows else 0


def _merged(closed: dict[Segment, list[WindowContent]], changed: Sequence[WindowContent]) -> list[WindowContent]:
    """Every window once, as it was counted last, in order of time."""
    windows = {content.key: content for of in closed.values() for content in of}
    windows.update((content.key, content) for content in changed)
    return sorted(windows.values(), key=lambda content: (content.start_ms, content.segment))


def _start(changed: Sequence[WindowContent], now_ms: int) -> int:
    return min((content.start_ms for content in changed), default=now_ms)
