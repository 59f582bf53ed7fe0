"""Requests and items by project and minute of receipt: the unit in which the collector keeps its books."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from driftline_collector.envelope import Frame

_MINUTE_NS: Final = 60_000_000_000


def minute_of(received_at_ns: int) -> int:
    """The start of the minute, unix seconds; at most the last one that the store can name."""
    return min(received_at_ns // _MINUTE_NS * 60, 4_294_967_280)


@dataclass(slots=True)
class Count:
    """How many."""

    requests: int = 0
    items: int = 0


class Tally:
    """A Count a project and minute. Not thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], Count] = {}

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> "Tally":
        tally = cls()
        for frame in frames:
            tally.add(frame.project, frame.received_at_ns, frame.n_items)
        return tally

    def add(self, project: str, received_at_ns: int, n_items: int) -> None:
        """One request."""
        count = self._counts.setdefault((project, minute_of(received_at_ns)), Count())
        count.requests += 1
        count.items += n_items

    def plus(self, other: "Tally") -> None:
        for key, more in other._counts.items():
            count = self._counts.setdefault(key, Count())
            count.requests += more.requests
            count.items += more.items

    def minus(self, other: "Tally") -> None:
        """Take out what was put in; what becomes empty goes."""
        for key, less in other._counts.items():
            count = self._counts.setdefault(key, Count())
            count.requests -= less.requests
            count.items -= less.items
            if not count.requests:
                del self._counts[key]

    def copy(self) -> dict[tuple[str, int], tuple[int, int]]:
        """(project, minute) -> (requests, items)."""
        return {key: (count.requests, count.items) for key, count in self._counts.items()}

    def by_project(self) -> Iterator[tuple[str, Count]]:
        """Each project and minute's count."""
        for (project, _), count in self._counts.items():
            yield project, count

    @property
    def n_requests(self) -> int:
        return sum(count.requests for count in self._counts.values())

    @property
    def n_items(self) -> int:
        return sum(count.items for count in self._counts.values())
