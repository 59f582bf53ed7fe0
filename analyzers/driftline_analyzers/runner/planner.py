"""Plans runs over windows by time."""

from collections.abc import Sequence

from driftline_analyzers.runner.findings import SEMANTIC, VERSION
from driftline_analyzers.runner.history import History
from driftline_analyzers.runner.plan import Plan, Tick, by_start, limited
from driftline_analyzers.runner.reader import PValues, Reader
from driftline_analyzers.runner.records import WindowContent
from driftline_analyzers.runner.windows import is_settled
from driftline_analyzers.settings import AnalyzerSettings


class TimePlanner:
    """Follows the time rows were stored to the windows of event time they fall into, so that late data makes its window due again."""

    def __init__(self, reader: Reader, settings: AnalyzerSettings) -> None:
        self._reader = reader
        self._settings = settings
        self._window_ms = int(settings.window.total_seconds() * 1000)
        self._settle_ms = int(settings.settle.total_seconds() * 1000)
        self._horizon_ms = int(settings.reference_horizon.total_seconds() * 1000)

    def due(self, project: str, *, since_ms: int, now_ms: int) -> Plan | None:
        """What was stored after since_ms makes these windows due; None when nothing was stored. Raises StoreError."""
        touched = self._reader.touched_windows(project=project, since_ms=since_ms)
        if not touched:
            return None
        settled = [window for window in touched if self._is_settled(window.start_ms, now_ms)]
        waiting = [window for window in touched if not self._is_settled(window.start_ms, now_ms)]
        first_stored = {window.start_ms: window.first_stored_ms for window in settled}
        plan = self._plan(project, list(first_stored), first_stored, only_changed=True)
        return Plan(
            ticks=plan.ticks,
            contents=plan.contents,
            history=plan.history,
            held_ms=[window.first_stored_ms - 1 for window in waiting],
            last_stored_ms=max(window.last_stored_ms for window in touched),
        )

    def range(self, project: str, *, from_ms: int, to_ms: int, now_ms: int) -> Plan:
        """Every settled window that starts in the range, changed or not. Raises StoreError."""
        contents = self._reader.contents(project=project, from_ms=from_ms, to_ms=to_ms)
        starts = [start for start in by_start(contents) if start >= from_ms and self._is_settled(start, now_ms)]
        return self._plan(project, starts, {}, only_changed=False)

    def _plan(self, project: str, starts: Sequence[int], first_stored: dict[int, int], *, only_changed: bool) -> Plan:
        contents: list[WindowContent] = []
        history = History(())
        ticks: list[Tick] = []
        if starts:
            from_ms, to_ms = min(starts) - self._horizon_ms, max(starts) + self._window_ms
            contents = limited(
                self._reader.contents(project=project, from_ms=max(0, from_ms), to_ms=to_ms),
                max_segments=self._settings.max_segments,
            )
            # one window further than what is tested, for what leans on it
            seen = self._reader.seen_findings(project=project, from_ms=from_ms, to_ms=to_ms + self._window_ms)
            history = History(seen, stored_p_values(self._reader, self._settings, project, min(starts), to_ms))
            grouped = by_start(contents)
            ticks = [
                Tick(contents=grouped[start], first_stored_ms=first_stored.get(start, 0))
                for start in sorted(starts)
                if grouped.get(start)
                and (not only_changed or any(history.is_changed(content) for content in grouped[start]))
            ]
        return Plan(ticks=ticks, contents=contents, history=history, held_ms=(), last_stored_ms=0)

    def _is_settled(self, start_ms: int, now_ms: int) -> bool:
        return is_settled(start_ms + self._window_ms, settle_ms=self._settle_ms, now_ms=now_ms)


def stored_p_values(
    reader: Reader, settings: AnalyzerSettings, project: str, from_ms: int, to_ms: int
) -> list[PValues]:
    """p-values that the sequential monitor starts from: as far back as its mean time between false alarms."""
    back_ms = int(settings.mean_time_between_false_alarms.total_seconds() * 1000)
    return reader.p_values(
        project=project, analyzer=SEMANTIC, analyzer_version=VERSION, from_ms=from_ms - back_ms, to_ms=to_ms
    )
