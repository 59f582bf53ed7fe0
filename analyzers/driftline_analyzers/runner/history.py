"""What earlier windows of a project said, kept up to date while a run goes on."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from driftline_analyzers.runner.findings import NUMBERS, SEMANTIC, SEQUENTIAL, VERSION, Finding
from driftline_analyzers.runner.reader import PValues
from driftline_analyzers.runner.records import SeenFinding, WindowContent
from driftline_analyzers.runner.segments import LANGUAGE, Segment

_Against = tuple[Segment, str, str, str]
"""(segment, field, reference, reference version)"""


class _Series:
    """Statuses of one segment, analyzer and field, by window start."""

    __slots__ = ("analyzer", "field", "starts", "statuses")

    def __init__(self, analyzer: str, field: str) -> None:
        self.analyzer = analyzer
        self.field = field
        self.starts: list[int] = []
        self.statuses: dict[int, str] = {}

    def set(self, start_ms: int, status: str) -> None:
        if start_ms not in self.statuses:
            insort(self.starts, start_ms)
        self.statuses[start_ms] = status

    def remove(self, start_ms: int) -> None:
        if self.statuses.pop(start_ms, None) is not None:
            self.starts.pop(bisect_left(self.starts, start_ms))


class History:
    """Statuses and p-values of windows that were tested, by segment, analyzer and field."""

    def __init__(self, seen: Iterable[SeenFinding], p_values: Iterable[PValues] = ()) -> None:
        self._series: dict[Segment, dict[tuple[str, str], _Series]] = defaultdict(dict)
        self._seen: dict[tuple[Segment, int], list[SeenFinding]] = defaultdict(list)
        self._p_values: dict[_Against, dict[int, float]] = defaultdict(dict)
        for finding in seen:
            self._seen[(_counted(finding.segment), finding.start_ms)].append(finding)
            self._of(finding.segment, finding.analyzer, finding.field).set(finding.start_ms, finding.status)
        for series in p_values:
            against = (series.segment, series.field, series.reference, series.reference_version)
            self._p_values[against].update(zip(series.starts_ms, series.values, strict=True))

    def is_changed(self, content: WindowContent) -> bool:
        """True when the window holds anything that no finding of this version has seen."""
        wanted = (content.n_rows, content.n_retrievals, content.last_stored_ms)
        return not any(
            (finding.n_rows, finding.n_retrievals, finding.last_stored_ms) == wanted
            and finding.analyzer_version == VERSION
            for finding in self._seen[(content.segment, content.start_ms)]
        )

    def is_seen(self, content: WindowContent) -> bool:
        """True when there were findings of the window before this run."""
        return bool(self._seen[(content.segment, content.start_ms)])

    def is_drifted(self, segment: Segment, start_ms: int, *, is_numbers: bool) -> bool:
        """True when a window drifted: in any of its texts, or, for is_numbers, in any of its plain numbers."""
        return any(
            series.statuses.get(start_ms) == "drift"
            for series in self._series[segment].values()
            if series.analyzer != SEQUENTIAL and (series.analyzer == NUMBERS) == is_numbers
        )

    def last_status(self, segment: Segment, analyzer: str, field: str, *, before_ms: int) -> str | None:
        """'ok' or 'drift' of the newest earlier window that was tested; None when none was."""
        series = self._of(segment, analyzer, field)
        for i in range(bisect_left(series.starts, before_ms) - 1, -1, -1):
            status = series.statuses[series.starts[i]]
            if status in ("ok", "drift"):
                return status
        return None

    def p_values(
        self, segment: Segment, field: str, reference: str, version: str, *, before_ms: int
    ) -> Sequence[tuple[int, float]]:
        """(window start, p-value) of semantic drift against one version of a reference before a time, in order of time."""
        found = self._p_values[(segment, field, reference, version)]
        return [(start, found[start]) for start in sorted(found) if start < before_ms]

    def forget(self, contents: Iterable[WindowContent]) -> dict[tuple[Segment, str, str, int], str]:
        """A window that is about to be tested again has not drifted. Returns what was said of it."""
        said = {}
        for content in contents:
            segments = [content.segment]
            if content.segment.by == LANGUAGE:
                segments = [segment for segment in self._series if _counted(segment) == content.segment]
            for segment in segments:
                for series in self._series[segment].values():
                    if content.start_ms in series.statuses:
                        said[(segment, series.analyzer, series.field, content.start_ms)] = series.statuses[
                            content.start_ms
                        ]
                        series.remove(content.start_ms)
        return said

    def has_turned(self, said: Mapping[tuple[Segment, str, str, int], str]) -> bool:
        """True when something that was forgotten is said otherwise now: drift that was none, or none that was."""
        return any(
            (status == "drift") != (self._of(segment, analyzer, field).statuses.get(start) == "drift")
            for (segment, analyzer, field, start), status in said.items()
            if analyzer != SEQUENTIAL
        )

    def note(self, findings: Iterable[Finding]) -> None:
        """Remember what was written."""
        for finding in findings:
            segment = finding_segment(finding)
            self._of(segment, finding.analyzer, finding.field).set(finding.start_ms, finding.status)
            if finding.analyzer == SEMANTIC:
                against = self._p_values[(segment, finding.field, finding.reference, finding.reference_version)]
                against.pop(finding.start_ms, None)
                if finding.p_value is not None:
                    against[finding.start_ms] = finding.p_value

    def streams(self) -> set[tuple[Segment, str]]:
        """The segments and fields that have p-values of semantic drift."""
        return {(segment, field) for (segment, field, _, _), series in self._p_values.items() if series}

    def _of(self, segment: Segment, analyzer: str, field: str) -> _Series:
        of_segment = self._series[segment]
        if (analyzer, field) not in of_segment:
            of_segment[(analyzer, field)] = _Series(analyzer, field)
        return of_segment[(analyzer, field)]


def finding_segment(finding: Finding) -> Segment:
    """The segment that a finding is about."""
    return Segment(service=finding.service, by=finding.segment_by, value=finding.segment)


def _counted(segment: Segment) -> Segment:
    """The segment that the store counts: languages are told apart after that."""
    return Segment(service=segment.service, by=LANGUAGE, value="") if segment.by == LANGUAGE else segment
