"""Durations as Prometheus writes them: `5m`, `1h30m`, `0`."""

import re
from datetime import timedelta
from typing import Final

# Units from long to short, each at most once and in this order, as in prometheus/common's ParseDuration.
_UNITS_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_PATTERN: Final = re.compile("".join(f"(?:(?P<{unit}>[0-9]+){unit})?" for unit in _UNITS_MS))


def parse_duration(text: str) -> timedelta:
    """The duration that text names, e.g. '1h30m'. Raises ValueError."""
    if text == "0":
        return timedelta(0)
    match = _PATTERN.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"expected a duration such as 30s, 5m or 1h30m, got {text!r}")
    milliseconds = sum(int(count) * _UNITS_MS[unit] for unit, count in match.groupdict().items() if count)
    try:
        return timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise ValueError(f"expected a duration below 10^9 days, got {text!r}") from error


def format_duration(duration: timedelta) -> str:
    """The duration in Prometheus' own notation, e.g. '1h30m'; '0s' for none."""
    rest = round(duration / timedelta(milliseconds=1))
    parts = []
    for unit, size in _UNITS_MS.items():
        if unit in ("y", "w") and rest % size:  # Prometheus writes years and weeks only when they divide evenly
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
