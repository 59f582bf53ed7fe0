"""Services start in order and stop in reverse, whatever happens."""

import time

import pytest

from driftline_cli.stack import Stack
from driftline_core.service import Health


class Recorded:
    """A service that notes what is done to it."""

    def __init__(self, name: str, log: list[str], *, fails: str = "", stop_s: float = 0.0) -> None:
        self.name = name
        self._log = log
        self._fails = fails
        self._stop_s = stop_s
        self.deadlines: list[float] = []

    def start(self) -> None:
        if self._fails == "start":
            raise OSError(f"{self.name} cannot start")
        self._log.append(f"start {self.name}")

    def stop(self, *, deadline_s: float) -> None:
        self.deadlines.append(deadline_s)
        self._log.append(f"stop {self.name}")
        time.sleep(self._stop_s)
        if self._fails == "stop":
            raise OSError(f"{self.name} cannot stop")

    def health(self) -> Health:
        return Health(is_ok=True)


def test_services_stop_in_reverse_order() -> None:
    log: list[str] = []
    with Stack([Recorded("a", log), Recorded("b", log)]):
        log.append("run")
    assert log == ["start a", "start b", "run", "stop b", "stop a"]


def test_one_that_cannot_start_stops_those_before_it() -> None:
    log: list[str] = []
    stack = Stack([Recorded("a", log), Recorded("b", log, fails="start"), Recorded("c", log)])
    with pytest.raises(OSError, match="b cannot start"):
        stack.start()
    assert log == ["start a", "stop a"]


def test_one_that_cannot_stop_keeps_nobody_up() -> None:
    log: list[str] = []
    with Stack([Recorded("a", log), Recorded("b", log, fails="stop")]):
        pass
    assert log[-2:] == ["stop b", "stop a"]


def test_stopping_twice_stops_once() -> None:
    log: list[str] = []
    stack = Stack([Recorded("a", log)])
    stack.start()
    stack.stop()
    stack.stop()
    assert log == ["start a", "stop a"]


def test_the_deadline_is_shared() -> None:
    slow, last = Recorded("slow", [], stop_s=0.2), Recorded("last", [])
    with Stack([last, slow], stop_deadline_s=5.0):
        pass
    assert slow.deadlines[0] <= 5.0
    assert last.deadlines[0] <= 4.8 + 0.01
