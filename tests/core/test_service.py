import threading

from driftline_core.service import PeriodicService


def test_an_error_does_not_end_the_loop_and_shows_in_health() -> None:
    recovered = threading.Event()
    failed = threading.Event()
    calls = iter(range(1_000_000))

    def tick() -> None:
        if next(calls) == 0:
            raise ValueError("expected rows, got none")
        if failed.is_set():
            recovered.set()

    service = PeriodicService(name="test", interval_s=3600, tick=tick)
    assert not service.health().is_ok
    service.start()
    while service.n_errors == 0:
        pass
    failed.set()
    assert service.health().detail == "ValueError: expected rows, got none"
    service.wake()
    assert recovered.wait(10)
    service.stop(deadline_s=10)
    assert service.n_errors == 1
    assert service.health().detail == "not running"


def test_stopping_ends_a_long_wait_at_once() -> None:
    ticked = threading.Event()
    service = PeriodicService(name="test", interval_s=3600, tick=ticked.set)
    service.start()
    assert ticked.wait(10)
    service.stop(deadline_s=10)
    service.stop(deadline_s=10)
    assert not service.health().is_ok
