"""Leaves an endpoint alone that does not answer."""

from typing import Final, Literal

_MOST_RESTS: Final = 16


class Breaker:
    """Opens after max_failures requests in a row without an answer, for rest_s seconds; then one request may try.

    Each rest after a failed try is twice as long, up to 16 times rest_s. Times are seconds of one monotonic clock.
    """

    def __init__(self, *, max_failures: int, rest_s: float) -> None:
        self._max_failures = max_failures
        self._rest_s = rest_s
        self._n_failures = 0
        self._n_rests = 0
        self._until: float | None = None

    def state(self, now: float) -> Literal["closed", "open", "half_open"]:
        if self._until is None:
            return "closed"
        return "open" if now < self._until else "half_open"

    def succeed(self) -> None:
        """It answered, whatever it said."""
        self._n_failures, self._n_rests, self._until = 0, 0, None

    def fail(self, now: float) -> None:
        """It did not answer."""
        self._n_failures += 1
        if self.state(now) == "half_open" or (self._until is None and self._n_failures >= self._max_failures):
            self.open(now)

    def open(self, now: float, *, rest_s: float | None = None) -> None:
        """Leave it alone from now, for rest_s if it named a time itself. Never shortens a rest."""
        if rest_s is None:
            rest_s = self._rest_s * min(_MOST_RESTS, 2**self._n_rests)
            self._n_rests += 1
        self._until = max(self._until or now, now + rest_s)
