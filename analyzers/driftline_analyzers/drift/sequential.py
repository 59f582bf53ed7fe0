"""Always-on monitoring: windows too alike to alarm one by one are summed, and the user chooses how rarely that may err."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from driftline_analyzers.drift.run_length import CusumDesign, design_cusum
from driftline_core.errors import ConfigError, InputError

_SMALLEST_P: Final = 1e-5
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialAlarm:
    """window: position in the series at which the path reached the threshold; change_start: of the first window of the rise that led there,
    the maximum likelihood estimate of where the change began. score: the path there, at least the threshold.
    """

    window: int
    change_start: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialResult:
    """path: one value a window, before a restart; a window without p-value leaves it as it was. alarms: in order, a restart after each.

    change_start: where the rise began that the path is on at the end, None if it is at 0; after an alarm it counts afresh.
    run_length: windows between false alarms that the threshold is set for, at least the configured one.
    """

    path: tuple[float, ...]
    threshold: float
    allowance: float
    run_length: float
    alarms: tuple[SequentialAlarm, ...]
    change_start: int | None


class SequentialMonitor:
    """CUSUM of the normal scores of a segment's p-values against one reference version. Page 1954.

    A pure function of the series: recomputed from stored findings it has no state to lose, and late data only change the series.
    mean_windows_between_false_alarms: windows / alarms without a change, for the average reference; 10 to 1,000,000, counting windows that
    have a p-value. reference_ratio: texts (or blocks) of the reference for one of the window's: its sampling error is in every window, and
    the threshold allows for it (`run_length`). shift: of the scores, in standard deviations, that should be seen the soonest.

    Windows share no texts; p-values are those of one window each, uncorrected for other segments.
    """

    def __init__(
        self, mean_windows_between_false_alarms: float = 720.0, *, reference_ratio: float = 8.0, shift: float = 1.5
    ) -> None:
        self.mean_windows_between_false_alarms = mean_windows_between_false_alarms
        self.reference_ratio = reference_ratio
        self.shift = shift

    def design(self) -> CusumDesign:
        """Allowance and threshold, cached. Raises ConfigError."""
        if not self.reference_ratio >= 1:
            raise ConfigError(f"expected a reference ratio of at least 1, got {self.reference_ratio:g}")
        return design_cusum(
            run_length=self.mean_windows_between_false_alarms,
            reference_share=1 / (1 + self.reference_ratio),
            shift=self.shift,
        )

    def run(self, p_values: Sequence[float | None]) -> SequentialResult:
        """p_values: oldest window first, None where a window had too few texts. Raises InputError unless 0 < p <= 1; ConfigError."""
        design = self.design()
        path: list[float] = []
        alarms: list[SequentialAlarm] = []
        level, start = 0.0, None
        for window, p_value in enumerate(p_values):
            if p_value is None:
                path.append(level)
                continue
            level = max(0.0, level + normal_score(p_value) - design.allowance)
            if level == 0:
                start = None
            elif start is None:
                start = window
            path.append(level)
            if start is not None and level >= design.threshold:
                alarms.append(SequentialAlarm(window=window, change_start=start, score=level))
                level, start = 0.0, None
        return SequentialResult(
            path=tuple(path),
            threshold=design.threshold,
            allowance=design.allowance,
            run_length=design.run_length,
            alarms=tuple(alarms),
            change_start=start,
        )


def normal_score(p_value: float) -> float:
    """The standard normal's upper p-quantile; p is held within 1e-5 and 1 - 1e-5. Raises InputError unless 0 < p <= 1."""
    if not 0 < p_value <= 1:
        raise InputError(f"expected a p-value above 0 and at most 1, got {p_value}")
    return -_NORMAL.inv_cdf(min(max(p_value, _SMALLEST_P), 1 - _SMALLEST_P))
