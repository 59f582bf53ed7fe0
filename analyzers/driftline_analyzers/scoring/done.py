"""Which traces of a project are scored as far as they were stored, so that a look back over the overlap does not score them again."""

from typing import Final

from driftline_analyzers.scoring.records import TouchedTrace

_MAX_TRIES: Final = 3


class DoneTraces:
    """Kept in memory: after a start the overlap is scored once more, which replaces its rows.

    A trace that a scorer fails on is tried in three runs; then its row with status error stands until it is touched or back-filled.
    """

    def __init__(self) -> None:
        self._done: dict[str, tuple[int, int]] = {}
        self._tries: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._done)

    def has(self, trace: TouchedTrace) -> bool:
        """Whether nothing was stored into it since it was scored: no row that is newer, nor one more (one that came into sight late)."""
        last_stored_ms, n_rows = self._done.get(trace.trace_id, (-1, 0))
        return trace.last_stored_ms <= last_stored_ms and trace.n_rows <= n_rows

    def add(self, trace: TouchedTrace) -> None:
        """It is scored."""
        self._done[trace.trace_id] = (trace.last_stored_ms, trace.n_rows)
        self._tries.pop(trace.trace_id, None)

    def failed(self, trace: TouchedTrace) -> None:
        """A scorer failed on it."""
        tries = self._tries.get(trace.trace_id, 0) + 1
        if tries >= _MAX_TRIES:
            self.add(trace)
        else:
            self._tries[trace.trace_id] = tries

    def forget(self, since_ms: int) -> None:
        """Nobody asks any more for traces whose rows were all stored until then."""
        self._done = {name: seen for name, seen in self._done.items() if seen[0] > since_ms}
