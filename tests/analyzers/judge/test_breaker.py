from driftline_analyzers.judge.breaker import Breaker


def test_failures_in_a_row_open_it_and_a_success_in_between_does_not() -> None:
    breaker = Breaker(max_failures=3, rest_s=10)
    for _ in range(5):
        breaker.fail(0)
        breaker.fail(0)
        breaker.succeed()
    assert breaker.state(0) == "closed"
    for _ in range(3):
        breaker.fail(0)
    assert breaker.state(9.9) == "open"
    assert breaker.state(10) == "half_open"


def test_each_rest_after_a_failed_try_is_twice_as_long_up_to_a_limit() -> None:
    breaker = Breaker(max_failures=1, rest_s=1)
    now = 0.0
    rests = []
    for _ in range(7):
        breaker.fail(now)
        start = now
        while breaker.state(now) == "open":
            now += 0.5
        rests.append(now - start)
    assert rests == [1, 2, 4, 8, 16, 16, 16]
    breaker.succeed()
    breaker.fail(now)
    assert breaker.state(now + 0.5) == "open"
    assert breaker.state(now + 1) == "half_open"


def test_failures_of_what_was_in_flight_do_not_lengthen_a_rest() -> None:
    breaker = Breaker(max_failures=2, rest_s=10)
    for _ in range(8):
        breaker.fail(0)
    assert breaker.state(10) == "half_open"


def test_a_rest_that_was_asked_for_is_kept_and_never_shortened() -> None:
    breaker = Breaker(max_failures=2, rest_s=10)
    breaker.open(0, rest_s=100)
    breaker.open(0, rest_s=1)
    assert breaker.state(99) == "open"
    assert breaker.state(100) == "half_open"
