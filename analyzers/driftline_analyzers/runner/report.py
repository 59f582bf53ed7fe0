"""What one run did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driftline_analyzers.runner.findings import Finding
from driftline_analyzers.runner.phases import PhaseClock


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Counts of one run. windows: ticks tested now; reduced: of them on fewer texts, for having waited long; findings: written, of which
    drifts and insufficient; errors: ticks that failed and are tried again by the next run; texts_embedded, cache_hits: distinct texts a
    segment; seconds: by phase (read, embed, test, calibrate, explain, write). is_complete is False when the run was told to stop.
    """

    windows: int
    reduced: int
    findings: int
    drifts: int
    insufficient: int
    errors: int
    scores: int
    texts_embedded: int
    cache_hits: int
    seconds: Mapping[str, float]
    is_complete: bool


class Run:
    """Counts while a run goes on."""

    def __init__(self) -> None:
        self.phases = PhaseClock()
        self.windows = 0
        self.reduced = 0
        self.findings = 0
        self.drifts = 0
        self.insufficient = 0
        self.scores = 0
        self.texts_embedded = 0
        self.cache_hits = 0
        self.errors: list[str] = []
        self.is_complete = True

    def count(self, findings: Sequence[Finding], *, n_scores: int, is_reduced: bool) -> None:
        """Add a tick."""
        self.windows += 1
        self.reduced += is_reduced
        self.findings += len(findings)
        self.drifts += sum(finding.status == "drift" for finding in findings)
        self.insufficient += sum(finding.status == "insufficient" for finding in findings)
        self.scores += n_scores

    def report(self) -> RunReport:
        """What it has come to."""
        return RunReport(
            windows=self.windows,
            reduced=self.reduced,
            findings=self.findings,
            drifts=self.drifts,
            insufficient=self.insufficient,
            errors=len(self.errors),
            scores=self.scores,
            texts_embedded=self.texts_embedded,
            cache_hits=self.cache_hits,
            seconds={name: round(seconds, 3) for name, seconds in self.phases.seconds.items()},
            is_complete=self.is_complete,
        )
