"""Services that belong together: started in order, stopped in reverse."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from driftline_core.log import get_logger
from driftline_core.service import Health, Service

_LOG = get_logger("stack")


class Stack:
    """Starts services one after the other; when one cannot start, those before it are stopped and its error is raised.

    stop_deadline_s: how long stopping may take as a whole, in seconds.
    """

    def __init__(self, services: Sequence[Service], *, stop_deadline_s: float = 20.0) -> None:
        self.services = tuple(services)
        self._stop_deadline_s = stop_deadline_s
        self._started: list[Service] = []

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        for service in self.services:
            try:
                service.start()
            except BaseException:
                self.stop()
                raise
            self._started.append(service)

    def stop(self) -> None:
        """Stop what was started, last first, each within what is left of the deadline; one that fails does not keep the rest up."""
        deadline = time.monotonic() + self._stop_deadline_s
        while self._started:
            service = self._started.pop()
            try:
                service.stop(deadline_s=max(0.5, deadline - time.monotonic()))
            except Exception:  # noqa: BLE001 - the edge of the process: the others must be stopped all the same
                _LOG.exception("service did not stop cleanly", service=service.name)

    def health(self) -> Mapping[str, Health]:
        """Every service's health by name."""
        return {service.name: service.health() for service in self.services}
