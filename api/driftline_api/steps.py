"""Which steps a time range is cut into."""

from dataclasses import dataclass

from driftline_api.problems import bad_request

# Seconds; each divides a day, so that steps keep their place from one refresh to the next.
NICE_STEPS_S = (60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_WANTED_STEPS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Whole minutes from from_s (inclusive) to to_s (exclusive), cut at multiples of step_s. All Unix seconds."""

    from_s: int
    to_s: int
    step_s: int

    def starts(self) -> range:
        """Start of each step; the first may begin before from_s, the last end after to_s."""
        return range(self.from_s - self.from_s % self.step_s, self.to_s, self.step_s)

    def previous(self) -> "Steps":
        """The range of the same length before this one."""
        return Steps(from_s=2 * self.from_s - self.to_s, to_s=self.from_s, step_s=self.step_s)


def cut_steps(*, from_ns: int, to_ns: int, step_s: int | None, points_max: int) -> Steps:
    """Widen a range to whole minutes and choose or check its step. Raises a 400 problem."""
    minute_ns = 60 * 1_000_000_000
    from_s = from_ns // minute_ns * 60
    to_s = -(-to_ns // minute_ns) * 60
    if step_s is None:
        step_s = next((step for step in NICE_STEPS_S if (to_s - from_s) / step <= _WANTED_STEPS), 86_400)
        while (to_s - from_s) / step_s > points_max:
            step_s *= 2
    if step_s < 60 or step_s % 60:
        raise bad_request(f"expected a step that is a multiple of 60 seconds, got {step_s}")
    steps = Steps(from_s=from_s, to_s=to_s, step_s=step_s)
    if len(steps.starts()) > points_max:
        raise bad_request(f"expected at most {points_max} steps, got {len(steps.starts())}; ask for a longer step")
    return steps
