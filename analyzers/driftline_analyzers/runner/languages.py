"""Languages of prompts, looked at once a call."""

from collections.abc import Sequence
from dataclasses import replace

from driftline_analyzers.drift.language import languages_of
from driftline_analyzers.runner.records import TextRow

UNKNOWN = "unknown"
_MAX_KNOWN = 500_000


class Languages:
    """Tells the language of each row, by its prompt, or its completion where it has no prompt."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, rows: Sequence[TextRow]) -> list[TextRow]:
        """The same rows with their language; 'unknown' where it cannot be told."""
        new = [row for row in rows if (row.trace_id, row.span_id) not in self._known]
        if len(self._known) + len(new) > _MAX_KNOWN:
            self._known.clear()
            new = list(rows)
        told = languages_of([row.prompt or row.completion for row in new])
        self._known.update(
            ((row.trace_id, row.span_id), language or UNKNOWN) for row, language in zip(new, told, strict=True)
        )
        return [replace(row, language=self._known[(row.trace_id, row.span_id)]) for row in rows]
