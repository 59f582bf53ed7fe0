"""What runs for long: one small interface, and the loop that most of them are."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from driftline_core.log import get_logger


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a service is. detail: one line for a person, never empty when not ok."""

    is_ok: bool
    detail: str = ""


class Service(Protocol):
    """Something that runs until it is told to stop."""

    name: str

    def start(self) -> None:
        """Begin; returns once it accepts work. Raises when it cannot."""
        ...

    def stop(self, *, deadline_s: float) -> None:
        """End cleanly within deadline_s seconds; may be called twice."""
        ...

    def health(self) -> Health:
        """How it is now; cheap, from any thread."""
        ...


class PeriodicService:
    """Runs `tick` in a thread every interval_s seconds; an error is logged, counted and does not end the loop.

    A tick that takes longer than the interval is followed at once by the next. Healthy means that the last tick succeeded.
    """

    def __init__(self, *, name: str, interval_s: float, tick: Callable[[], object]) -> None:
        self.name = name
        self._interval_s = interval_s
        self._tick = tick
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = get_logger(name)
        self._last_error: str | None = None
        self.n_ticks = 0
        self.n_errors = 0

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Tick soon instead of at the next interval."""
        self._wanted.set()

    def stop(self, *, deadline_s: float) -> None:
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(deadline_s)
            if self._thread.is_alive():
                self._log.warning("service did not stop in time", deadline_s=deadline_s)

    def health(self) -> Health:
        if self._thread is None or not self._thread.is_alive():
            return Health(is_ok=False, detail="not running")
        if self._last_error is not None:
            return Health(is_ok=False, detail=self._last_error)
        return Health(is_ok=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._tick()
                self._last_error = None
            except Exception as error:  # noqa: BLE001 - the edge of the loop: one bad tick must not end it
                self._last_error = f"{type(error).__name__}: {error}"
                self.n_errors += 1
                self._log.exception("tick failed")
            self.n_ticks += 1
            self._wanted.wait(self._interval_s)
            self._wanted.clear()
