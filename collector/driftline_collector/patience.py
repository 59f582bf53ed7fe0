"""One thread that ends waits which have lasted too long: for calls that have no timeout of their own."""

import itertools
import threading
import time
from collections.abc import Callable


class Patience:
    """Calls `give_up` of whatever was begun and not ended within limit_s. Thread-safe; begin and end cost about a µs."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._tickets = itertools.count()
        # In the order of their beginnings, so in the order of their ends too: the limit is one for all.
        self._begun: dict[int, tuple[float, Callable[[], object]]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, give_up: Callable[[], object]) -> int:
        """A ticket to end it with."""
        ticket = next(self._tickets)
        with self._lock:
            self._begun[ticket] = (time.monotonic() + self._limit_s, give_up)
        return ticket

    def end(self, ticket: int) -> bool:
        """Whether it was given up."""
        with self._lock:
            return self._begun.pop(ticket, None) is None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(min(1.0, self._limit_s / 4)):
            for give_up in self._overdue():
                give_up()

    def _overdue(self) -> list[Callable[[], object]]:
        now = time.monotonic()
        found = []
        with self._lock:
            for ticket, (due, give_up) in list(self._begun.items()):
                if due > now:
                    break
                found.append(give_up)
                del self._begun[ticket]
        return found
