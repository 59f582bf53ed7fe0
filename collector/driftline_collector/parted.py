"""A segment that the store refused as a whole, loaded in parts until the request at fault stands alone.

The engine refuses what no encoder writes: a oneof set twice, a bool of 2, an integer wider than its field. Such bytes are not what
protobuf would write again, so the requests whose bytes are go into one part first: one INSERT instead of a dozen for nearly all.
What is left is halved. Which goes where changes nothing but the number of INSERTs.
"""

from dataclasses import dataclass, field

import xxhash
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

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
    """Each part is an INSERT under a token of its range and its requests; what was split once is split again after a crash, so
    tokens stay."""

    def __init__(self, segment: Segment, journal: SplitJournal, insert: SegmentInsert) -> None:
        self._token = segment.token
        self._journal = journal
        self._insert = insert
        data, frames = segment.read()
        odd = [frame for frame in frames if _is_odd(data[frame.body : frame.end])]
        starts = {frame.start for frame in odd}
        self._frames = [frame for frame in frames if frame.start not in starts] + odd
        self._n_plain = len(frames) - len(odd)
        self._result = Parted(data=data)

    def run(self) -> Parted:
        """Raises InsertFailed when the store is at fault: then run again later."""
        n_frames = len(self._frames)
        if n_frames > 1:
            # The whole was refused already.
            self._split(0, n_frames, self._n_plain if 0 < self._n_plain < n_frames else n_frames // 2)
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
            self._insert.part(self._part_token(low, high, frames), reframed(self._result.data, frames))
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
        self._split(low, high, (low + high) // 2)

    def _split(self, low: int, high: int, middle: int) -> None:
        self._journal.add(low, high)
        self._load(low, middle)
        self._load(middle, high)

    def _part_token(self, low: int, high: int, frames: list[Frame]) -> str:
        """Says which requests, too: under a token that was used for others they would pass for stored."""
        which = xxhash.xxh3_64_hexdigest(b"".join(frame.digest for frame in frames))
        return f"{self._token}:{low}-{high}:{which}"


def _is_odd(body: bytes) -> bool:
    """Whether protobuf would write it otherwise."""
    try:
        return bool(ExportTraceServiceRequest.FromString(body).SerializeToString() != body)
    except DecodeError:
        return True
