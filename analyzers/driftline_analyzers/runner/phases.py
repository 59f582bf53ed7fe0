"""Where a run's time goes, and the port through which it tells how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""(phase, done, total): phase 'windows' counts windows of the run, 'embed' texts of the segment at hand."""


class PhaseClock:
    """Adds up seconds by phase."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("read", "embed", "test", "calibrate", "explain", "write"), 0.0)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the block under name, also when it raises."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


def no_progress(phase: str, done: int, total: int) -> None:
    """Tell nobody."""
