"""Which ranges of a segment were split: after a crash they must be split the same way, or deduplication tokens would not match."""

import os

from driftline_collector.segment import Segment, splits_path, sync_directory


class SplitJournal:
    """A file beside a segment with a line `low high` (indices of frames) for each range that was refused and halved.

    The spool removes it after the segment's own file."""

    def __init__(self, segment: Segment) -> None:
        self._path = splits_path(segment)
        self._ranges: set[tuple[int, int]] = set()
        if self._path.exists():
            for line in self._path.read_text(encoding="ascii").splitlines():
                low, _, high = line.partition(" ")
                if low.isdigit() and high.endswith(";") and high[:-1].isdigit():
                    self._ranges.add((int(low), int(high[:-1])))

    def __contains__(self, part: tuple[int, int]) -> bool:
        return part in self._ranges

    def exists(self) -> bool:
        return bool(self._ranges)

    def add(self, low: int, high: int) -> None:
        """Durable when it returns. Raises OSError."""
        if (low, high) in self._ranges:
            return
        is_new = not self._path.exists()
        with self._path.open("a", encoding="ascii") as file:
            file.write(f"\n{low} {high};\n")  # a line of its own even after one that was cut off
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_directory(self._path.parent)
        self._ranges.add((low, high))
