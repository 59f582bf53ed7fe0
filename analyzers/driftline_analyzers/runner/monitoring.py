"""The sequential monitor of a segment: windows too alike to alarm one by one, summed over the stored p-values."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from statistics import median

from driftline_analyzers.drift.sequential import SequentialMonitor, SequentialResult
from driftline_analyzers.runner.findings import SEMANTIC, SEQUENTIAL, Finding
from driftline_analyzers.runner.history import History, finding_segment
from driftline_analyzers.runner.records import to_time
from driftline_analyzers.settings import AnalyzerSettings

_FEWEST, _MOST = 10.0, 1e6
"""Windows between false alarms that the monitor can be set for."""
_SHOWN = 50


class Monitoring:
    """Follows the p-values of semantic drift of each segment and field against one version of its reference; has findings of its own.

    The mean time between false alarms is that of all segments and fields of the project together: each of n gets n times as many windows.
    It is recomputed from what is stored, back to the mean time between false alarms before the window, and keeps no state.
    """

    def __init__(self, settings: AnalyzerSettings) -> None:
        self._settings = settings
        self._time_ms = int(settings.mean_time_between_false_alarms.total_seconds() * 1000)

    def watch(self, findings: Sequence[Finding], history: History) -> list[Finding]:
        """One finding for each of semantic drift that has a p-value. findings: of one tick, decided; history: of the windows before."""
        if SEQUENTIAL not in self._settings.analyzers:
            return []
        watched = [finding for finding in findings if finding.analyzer == SEMANTIC and finding.p_value is not None]
        streams = history.streams() | {(finding_segment(finding), finding.field) for finding in watched}
        return [self._finding(finding, history, n_streams=len(streams)) for finding in watched]

    def _finding(self, finding: Finding, history: History, *, n_streams: int) -> Finding:
        series = [
            (start, p_value)
            for start, p_value in history.p_values(
                finding_segment(finding),
                finding.field,
                finding.reference,
                finding.reference_version,
                before_ms=finding.start_ms,
            )
            if start >= finding.start_ms - self._time_ms
        ]
        if finding.p_value is not None:
            series.append((finding.start_ms, finding.p_value))
        starts = [start for start, _ in series]
        lengths = [after - before for before, after in pairwise(starts)]
        window_ms = median(lengths) if finding.window_texts and lengths else finding.end_ms - finding.start_ms
        n_windows = min(max(n_streams * self._time_ms / window_ms, _FEWEST), _MOST)
        monitor = SequentialMonitor(n_windows, reference_ratio=self._settings.reference_ratio)
        result = monitor.run([p_value for _, p_value in series])
        alarm = result.alarms[-1] if result.alarms and result.alarms[-1].window == len(series) - 1 else None
        change = alarm.change_start if alarm is not None else result.change_start
        return replace(
            finding,
            analyzer=SEQUENTIAL,
            status="ok" if alarm is None else "drift",
            statistic=result.path[-1],
            p_value=None,
            p_value_corrected=None,
            alpha=1 / n_windows,
            effect_size=result.path[-1],
            is_confirmed=alarm is not None,
            is_small=False,
            moved_share=None,
            moved_share_low=None,
            moved_share_high=None,
            explanation={
                "seen": finding.explanation["seen"],
                "reference": finding.explanation["reference"],
                "sequential": {
                    "path": [round(value, 3) for value in result.path[-_SHOWN:]],
                    "threshold": round(result.threshold, 3),
                    "n_windows": len(series),
                    "mean_windows_between_false_alarms": round(n_windows, 1),
                    "n_streams": n_streams,
                    "change_start": None if change is None else to_time(starts[change]).isoformat(),
                    "n_windows_since_change": None if change is None else len(series) - change,
                },
                "sentence": _sentence(
                    result,
                    n_windows * window_ms / n_streams,
                    None if change is None else starts[change],
                    alarm is not None,
                ),
            },
        )


def _sentence(result: SequentialResult, every_ms: float, change_ms: int | None, is_alarm: bool) -> str:
    if not is_alarm or change_ms is None:
        share = result.path[-1] / result.threshold
        return f"the sum of small shifts is at {share:.0%} of its alarm threshold"
    every = timedelta(milliseconds=every_ms)
    since = to_time(change_ms).isoformat(timespec="minutes")
    return (
        f"windows since {since} drift together; without a change one segment or another does so once in "
        f"{every.total_seconds() / 86400:.0f} days"
    )
