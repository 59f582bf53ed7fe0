"""Who is told when a request is durable: the receivers' sinks, and whoever counts."""

from collections.abc import Sequence
from typing import Any, Protocol

from driftline_collector.errors import Busy


class AckSink(Protocol):
    """Whoever waits for requests to be durable; called from the writer thread with all that one fsync settled."""

    def settle(self, waiters: Sequence[Any], error: Busy | None) -> None: ...


class KeptCounter(Protocol):
    """Whoever counts what became durable; called from the writer thread before anyone is told.

    n_duplicates: how often the same request came again while it was being written.
    """

    def __call__(self, project: str, *, received_at_ns: int, n_items: int, n_duplicates: int) -> None: ...


def uncounted(project: str, *, received_at_ns: int, n_items: int, n_duplicates: int) -> None:
    """The counter of a spool that nobody keeps books on."""
