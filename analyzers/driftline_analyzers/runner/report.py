"""What one run did."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Counts of one run. windows: tested now; findings: written, of which drifts and insufficient; errors: windows that failed
    and are tried again by the next run; texts_embedded, cache_hits: distinct texts a segment; seconds: by phase (read, embed, test, write).
    is_complete is False when the run was told to stop.
    """

    windows: int
    findings: int
    drifts: int
    insufficient: int
    errors: int
    scores: int
    texts_embedded: int
    cache_hits: int
    seconds: Mapping[str, float]
    is_complete: bool
