"""Windows by time and by count. Pure: times are Unix milliseconds, ends are exclusive."""

from bisect import bisect_left
from collections.abc import Sequence


def is_settled(end_ms: int, *, settle_ms: int, now_ms: int) -> bool:
    """True once the window and its wait are over."""
    return end_ms + settle_ms <= now_ms


def count_windows(starts_ms: Sequence[int], *, from_ms: int, n_texts: int) -> list[tuple[int, int, int]]:
    """Windows of n_texts calls one after the other, (start, end, calls): the first begins at from_ms, or at the first call after it when
    from_ms is 0; each ends with the millisecond of its n-th call, and the next begins there. What does not fill a window is left for later.

    starts_ms: ascending. The same calls give the same windows however far an earlier run has got.
    """
    windows: list[tuple[int, int, int]] = []
    first = bisect_left(starts_ms, from_ms)
    begin = from_ms or (starts_ms[0] if starts_ms else 0)
    while first + n_texts <= len(starts_ms):
        end = starts_ms[first + n_texts - 1] + 1
        after = bisect_left(starts_ms, end, lo=first)
        windows.append((begin, end, after - first))
        begin, first = end, after
    return windows


def slices_between(starts_ms: Sequence[int], *, start_ms: int, end_ms: int) -> slice:
    """Where the calls of a window stand in the ascending starts."""
    return slice(bisect_left(starts_ms, start_ms), bisect_left(starts_ms, end_ms))
