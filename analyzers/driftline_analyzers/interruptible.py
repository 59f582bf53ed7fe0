"""A service around a runner that may be told to end in the middle of its work."""

from collections.abc import Callable
from typing import Protocol

from driftline_core.service import PeriodicService


class Interruptible(Protocol):
    """What a runner offers. Both from any thread."""

    def stop(self) -> None:
        """Ask a run in another thread to end soon; what it has written stays."""
        ...

    def resume(self) -> None:
        """Allow runs again after stop."""
        ...


class InterruptibleService(PeriodicService):
    """Runs tick; stopping the service stops the runner first, so that it ends between two batches."""

    def __init__(self, runner: Interruptible, *, name: str, interval_s: float, tick: Callable[[], object]) -> None:
        super().__init__(name=name, interval_s=interval_s, tick=tick)
        self._interrupted = runner

    def start(self) -> None:
        self._interrupted.resume()
        super().start()

    def stop(self, *, deadline_s: float) -> None:
        self._interrupted.stop()
        super().stop(deadline_s=deadline_s)
