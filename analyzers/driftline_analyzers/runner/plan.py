"""What a run has to test: ticks of windows by time or by count, and where the cursor may go when they are done."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from driftline_analyzers.runner.history import History
from driftline_analyzers.runner.records import WindowContent
from driftline_analyzers.runner.segments import biggest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Windows that are tested and corrected together, one a segment. first_stored_ms: when the first row that makes it due was stored."""

    contents: Sequence[WindowContent]
    first_stored_ms: int

    @property
    def start_ms(self) -> int:
        """The earliest start in it."""
        return min(content.start_ms for content in self.contents)

    @property
    def end_ms(self) -> int:
        """The latest end in it."""
        return max(content.end_ms for content in self.contents)

    def waited_ms(self, *, settle_ms: int, now_ms: int) -> int:
        """For how long it could have been tested: since it settled, or since its data came where that was later."""
        return max(0, now_ms - max(self.end_ms + settle_ms, self.first_stored_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """ticks: in order of time; contents: every known window of the project's range, in order of time; history: what was said of them.
    held_ms: storing times that the cursor must stay before, whatever happens; last_stored_ms: where it goes else.
    """

    ticks: Sequence[Tick]
    contents: Sequence[WindowContent]
    history: History
    held_ms: Sequence[int]
    last_stored_ms: int

    def position_ms(self, failed: Iterable[Tick]) -> int:
        """Where the cursor may go: up to the first row that some window still waits for."""
        return min([self.last_stored_ms, *self.held_ms, *(tick.first_stored_ms - 1 for tick in failed)])

    def following(self, tick: Tick) -> Tick | None:
        """The next windows of the segments of a tick, where they were tested before: what is said of them leans on this tick."""
        end = max(content.end_ms for content in tick.contents)
        after: dict[object, WindowContent] = {}
        segments = {content.segment for content in tick.contents}
        for content in self.contents:
            if content.start_ms >= end and content.segment in segments and self.history.is_seen(content):
                after.setdefault(content.segment, content)
        if not after:
            return None
        start = min(content.start_ms for content in after.values())
        together = [content for content in after.values() if content.start_ms == start]
        return Tick(contents=together, first_stored_ms=tick.first_stored_ms)


def limited(contents: Sequence[WindowContent], *, max_segments: int) -> list[WindowContent]:
    """The windows of the segments that are tested, each with how many of its division are left out."""
    sizes = [(content.segment, content.n_rows + content.n_retrievals) for content in contents]
    chosen, left_out = biggest(sizes, max_segments=max_segments)
    return [
        replace(content, left_out=left_out.get(content.segment.slicing, 0))
        for content in contents
        if content.segment in chosen
    ]


def by_start(contents: Sequence[WindowContent]) -> dict[int, list[WindowContent]]:
    """Windows by their start, in order of time."""
    grouped: dict[int, list[WindowContent]] = defaultdict(list)
    for content in contents:
        grouped[content.start_ms].append(content)
    return grouped


def rounds(contents: Sequence[WindowContent]) -> list[list[WindowContent]]:
    """Windows by count in the order in which they may be tested: a segment's next one in each round, rounds corrected apart."""
    queues: dict[object, list[WindowContent]] = defaultdict(list)
    for content in sorted(contents, key=lambda content: (content.end_ms, content.segment)):
        queues[content.segment].append(content)
    n_rounds = max((len(queue) for queue in queues.values()), default=0)
    return [[queue[i] for queue in queues.values() if i < len(queue)] for i in range(n_rounds)]
