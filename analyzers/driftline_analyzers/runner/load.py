"""Back-pressure: how much a window may cost when the runner is behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from driftline_analyzers.runner.records import TextRow
from driftline_analyzers.runner.samples import sample_sessions
from driftline_analyzers.settings import AnalyzerSettings

_LEAST_TEST = 4
"""A window is never tested on fewer texts than this many times min_samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """max_texts: rows of one window, segment and kind; waited_ms: how long the window has waited; is_reduced: it costs less for that."""

    max_texts: int
    waited_ms: int
    is_reduced: bool

    def limit(self, rows: Sequence[TextRow]) -> list[TextRow]:
        """At most max_texts calls and as many retrievals, whole sessions, in order of time."""
        if not self.is_reduced:
            return list(rows)
        kinds = [[row for row in rows if row.kind == kind] for kind in ("llm", "retrieval")]
        chosen = [row for of_kind in kinds for row in sample_sessions(of_kind, max_texts=self.max_texts)]
        return sorted(chosen, key=lambda row: (row.start_ns, row.trace_id, row.span_id))

    @property
    def described(self) -> dict[str, Any]:
        """The part of an explanation that says so; nothing where nothing was reduced."""
        if not self.is_reduced:
            return {}
        return {"back_pressure": {"max_texts": self.max_texts, "waited_s": round(self.waited_ms / 1000)}}


def load_of(settings: AnalyzerSettings, *, waited_ms: int) -> Load:
    """The load for a window that has waited so long since it was due: half the texts at twice max_wait."""
    longest_ms = settings.max_wait / timedelta(milliseconds=1)
    if not longest_ms or waited_ms <= longest_ms:
        return Load(max_texts=settings.max_window_texts, waited_ms=waited_ms, is_reduced=False)
    least = min(settings.max_window_texts, _LEAST_TEST * settings.min_samples)
    max_texts = max(least, int(settings.max_window_texts * longest_ms / waited_ms))
    return Load(max_texts=max_texts, waited_ms=waited_ms, is_reduced=max_texts < settings.max_window_texts)
