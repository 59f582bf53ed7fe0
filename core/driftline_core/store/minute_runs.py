"""Minutes to be counted again, cut into runs that one query handles."""

from collections.abc import Iterator, Sequence


def minute_runs(minutes: Sequence[int], *, at_most_s: int) -> Iterator[Sequence[int]]:
    """minutes: Unix seconds of each minute's start, ascending; less than at_most_s seconds from the first to the last of a run."""
    start = 0
    for position, minute in enumerate(minutes):
        if minute - minutes[start] >= at_most_s:
            yield minutes[start:position]
            start = position
    if minutes:
        yield minutes[start:]
