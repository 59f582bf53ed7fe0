"""When the rows of a log happened: their own column, or spread over a stated range."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from driftline_core.errors import InputError

# Epoch numbers are told apart by size: seconds until the year 5138, then milliseconds, microseconds, nanoseconds.
_EPOCH_UNITS: Final = ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (math.inf, 1))
_DEFAULT_SPACING: Final = timedelta(seconds=60)


def parse_time(value: Any) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time or an epoch number (s, ms, µs or ns); no zone means UTC. Raises InputError."""
    if isinstance(value, datetime):
        return _datetime_ns(value)
    if isinstance(value, bool) or value is None:
        raise _unreadable(value)
    if isinstance(value, int | float):
        return _epoch_ns(value)
    text = str(value).strip()
    try:
        return _epoch_ns(float(text) if not text.isdigit() else int(text))
    except ValueError:
        pass
    try:
        return _datetime_ns(datetime.fromisoformat(text))
    except ValueError as error:
        raise _unreadable(value) from error


def parse_moment(text: str, *, now: datetime) -> datetime:
    """A time given on the command line: as parse_time reads it, or 'now'."""
    if text.strip().lower() == "now":
        return now
    return datetime.fromtimestamp(parse_time(text) / 1e9, tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Times for rows that have none: row i happened at start + i * spacing."""

    start: datetime
    spacing: timedelta

    def time_ns(self, index: int) -> int:
        return _datetime_ns(self.start) + index * (self.spacing // timedelta(microseconds=1)) * 1000


def plan_spread(
    *, n_rows: int, start: datetime | None, end: datetime | None, spacing: timedelta | None, fallback_end: datetime
) -> Spread:
    """Where n_rows rows lie: from start by spacing, or up to end by spacing, or evenly between both. Spacing defaults to one minute,
    the end to fallback_end. Raises InputError when the range is empty or all three are given."""
    if start is not None and end is not None:
        if spacing is not None:
            raise InputError("expected two of --start, --end and --spacing, got all three")
        if end <= start:
            raise InputError(f"expected --end after --start, got {start.isoformat()} to {end.isoformat()}")
        return Spread(start=start, spacing=(end - start) / max(1, n_rows))
    step = spacing if spacing is not None else _DEFAULT_SPACING
    if step <= timedelta(0):
        raise InputError(f"expected --spacing above 0 seconds, got {step.total_seconds():g}")
    if start is not None:
        return Spread(start=start, spacing=step)
    return Spread(start=(end if end is not None else fallback_end) - step * n_rows, spacing=step)


def _epoch_ns(value: float) -> int:
    if not math.isfinite(value) or value <= 0:
        raise _unreadable(value)
    factor = next(factor for bound, factor in _EPOCH_UNITS if value < bound)
    return _bounded(value * factor if isinstance(value, int) else round(value * factor), value)


def _datetime_ns(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return _bounded((aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000, moment)


def _bounded(nanoseconds: int, value: object) -> int:
    if not 0 < nanoseconds < 1 << 63:
        raise _unreadable(value)
    return nanoseconds


def _unreadable(value: object) -> InputError:
    return InputError(f"expected a time as RFC 3339 or epoch seconds or milliseconds, got {str(value)[:40]!r}")
