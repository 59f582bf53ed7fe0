"""Who is told when a request is durable: the receivers' sinks, and whoever counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from driftline_collector.errors import Busy
from driftline_core.log import get_logger

_LOG = get_logger("collector")


class AckSink(Protocol):
    """Whoever waits for requests to be durable; called from the writer thread with all that one fsync settled."""

    def settle(self, waiters: Sequence[Any], error: Busy | None) -> None: ...


@dataclass(slots=True, kw_only=True, eq=False)
class Pending:
    """A request that is accepted and not durable yet. sequence: its place among all of this process; waiters: who is told."""

    project: str
    digest: bytes
    body: bytes
    received_at_ns: int
    n_items: int
    sequence: int
    waiters: list[tuple[AckSink, Any]] = field(default_factory=list)


def settle_all(waiters: Iterable[tuple[AckSink, Any]], error: Busy | None) -> None:
    """Tell each sink once of all its waiters."""
    by_sink: dict[AckSink, list[Any]] = {}
    for sink, waiter in waiters:
        by_sink.setdefault(sink, []).append(waiter)
    for sink, mine in by_sink.items():
        try:
            sink.settle(mine, error)
        except Exception:  # noqa: BLE001 - one receiver that is gone must not stop the writer
            _LOG.exception("a receiver could not be told of its acknowledgement")


class KeptCounter(Protocol):
    """Whoever counts what became durable; called from the writer thread before anyone is told.

    n_duplicates: how often the same request came again while it was being written.
    """

    def __call__(self, project: str, *, received_at_ns: int, n_items: int, n_duplicates: int) -> None: ...


def uncounted(project: str, *, received_at_ns: int, n_items: int, n_duplicates: int) -> None:
    """The counter of a spool that nobody keeps books on."""
