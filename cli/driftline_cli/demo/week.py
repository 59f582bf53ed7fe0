"""The time that the demo's traffic covers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

N_DAYS: Final = 7
CHANGE_DAY: Final = 5
REFERENCE_DAYS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The time range of the traffic: [start, end); change: when the new prompt version went live."""

    start: datetime
    end: datetime

    @property
    def change(self) -> datetime:
        return self.start + timedelta(days=CHANGE_DAY - 1)

    @property
    def reference_end(self) -> datetime:
        return self.start + timedelta(days=REFERENCE_DAYS)


def week_ending(end: datetime) -> Week:
    """The seven days before `end`."""
    return Week(start=end - timedelta(days=N_DAYS), end=end)
