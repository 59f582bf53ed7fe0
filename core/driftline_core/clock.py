"""Time as an argument: decisions take a `Clock`, tests pass their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, with time zone UTC."""
    return datetime.now(UTC)
