"""A segment that the store refused as a whole, loaded in halves until the request at fault stands alone."""

from dataclasses import dataclass, field

from driftline_collector.envelope import Frame, reframed
from driftline_collector.insert import InsertFailed, SegmentInsert
from driftline_collector.segment import Segment
from driftline_collector.splits import SplitJournal


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """What became of a segment's requests. data: the segment's bytes, which the frames point into."""

    data: bytes
    stored: list[Frame] = field(default_factory=list)
    refused: list[tuple[Frame, InsertFailed]] = field(default_factory=list)


class PartedLoad:
    """Each part is an INSERT under a token of its range; what was halved once is halved again after a crash, so tokens stay."""

    def __init__(self, segment: Segment, journal: SplitJournal, insert: SegmentInsert) -> None:
        self._token = segment.token
        self._journal = journal
        self._insert = insert
        data, self._frames = segment.read()
        self._result = Parted(data=data)

    def run(self) -> Parted:
        """Raises InsertFailed when the store is at fault: then run again later."""
        n_frames = len(self._frames)
        if n_frames > 1:
            self._halve(0, n_frames)  # the whole was refused already
        elif n_frames:
            self._load(0, n_frames)
        return self._result

    def _load(self, low: int, high: int) -> None:
        """Frames low to high - 1."""
        if (low, high) in self._journal:
            self._halve(low, high)
            return
        frames = self._frames[low:high]
        try:
            self._insert.part(f"{self._token}:{low}-{high}", reframed(self._result.data, frames))
        except InsertFailed as failure:
            if failure.is_environment:
                raise
            if high - low > 1:
                self._halve(low, high)
            else:
                self._result.refused.append((frames[0], failure))
        else:
            self._result.stored.extend(frames)

    def _halve(self, low: int, high: int) -> None:
        self._journal.add(low, high)
        middle = (low + high) // 2
        self._load(low, middle)
        self._load(middle, high)
