"""One tick of one project: every segment, field and analyzer against its reference, corrected together."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from driftline_analyzers.runner.checks import Check, checks_of
from driftline_analyzers.runner.comparison import compare, require, samples
from driftline_analyzers.runner.decisions import Draft, decide
from driftline_analyzers.runner.detectors import FittedReference, FittedReferences
from driftline_analyzers.runner.explaining import Explainer
from driftline_analyzers.runner.findings import NUMBERS, OUTLIERS, Finding, OutlierScore
from driftline_analyzers.runner.history import History
from driftline_analyzers.runner.kept_calls import KeptCalls
from driftline_analyzers.runner.load import Load
from driftline_analyzers.runner.monitoring import Monitoring
from driftline_analyzers.runner.outlier_scores import outlier_scores
from driftline_analyzers.runner.phases import PhaseClock
from driftline_analyzers.runner.records import Reference, TextRow, WindowContent
from driftline_analyzers.runner.reference_book import ReferenceBook, WithLanguages
from driftline_analyzers.runner.segments import LANGUAGE, Segment
from driftline_analyzers.runner.self_check import SelfChecks
from driftline_analyzers.runner.sides import Embed, Side
from driftline_analyzers.runner.window_texts import WindowTexts
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import TooFewSamples

_MOST_PERMUTATIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A segment's part of a window: current: its sample, which is tested; kept: calls looked at beside it; load: what it may cost."""

    current: Side
    kept: Side
    load: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOutcome:
    """What is to be written for a tick."""

    findings: Sequence[Finding]
    scores: Sequence[OutlierScore]


class WindowTester:
    """Tests ticks of one project one after the other, in order of time."""

    def __init__(
        self,
        *,
        project: str,
        settings: AnalyzerSettings,
        book: ReferenceBook,
        texts: WindowTexts,
        kept: KeptCalls,
        history: History,
        checks: SelfChecks,
        explainer: Explainer,
        monitoring: Monitoring,
        embed: Embed,
        with_languages: WithLanguages,
        phases: PhaseClock,
    ) -> None:
        self._project = project
        self._settings = settings
        self._book = book
        self._texts = texts
        self._kept = kept
        self._history = history
        self._checks = checks
        self._explainer = explainer
        self._monitoring = monitoring
        self._embed = embed
        self._with_languages = with_languages
        self._phases = phases
        self._fitted = FittedReferences(settings, self._reference_side)

    def read_ahead(self, contents: Sequence[WindowContent]) -> None:
        """Read the texts of windows that are tested next, in one query a service and slicing. Raises StoreError."""
        with self._phases.phase("read"):
            self._texts.read([content.key for content in contents])
            self._kept.read_ahead(contents)

    def run(self, contents: Sequence[WindowContent], load: Load) -> WindowOutcome:
        """Test the windows of a tick, one a segment, on as many texts as the load allows. Raises StoreError and the embedder's errors."""
        drafts: list[Draft] = []
        scores: list[OutlierScore] = []
        self._fitted.max_permutations = self._max_permutations(len(contents))
        for content in contents:
            with self._phases.phase("read"):
                rows = load.limit(self._texts.read([content.key]))
                kept = self._kept.take(content, rows)
            for segment, of_segment in self._parts(content, [*rows, *kept]):
                for draft, of_field in self._segment(content, segment, of_segment, load):
                    drafts.append(draft)
                    scores.extend(of_field)
        findings = decide(drafts, self._history, alpha=self._settings.alpha)
        return WindowOutcome(findings=[*findings, *self._monitoring.watch(findings, self._history)], scores=scores)

    def _max_permutations(self, n_segments: int) -> int:
        """So many that one far tail among all tests of the tick is told after the correction: p is never below 1 / (1 + draws)."""
        n_tests = n_segments * len(checks_of(self._settings, has_calls=True, has_retrievals=False))
        wanted = min(math.ceil(n_tests / self._settings.alpha), _MOST_PERMUTATIONS)
        return max(self._settings.max_permutations, wanted)

    def _parts(self, content: WindowContent, rows: Sequence[TextRow]) -> Iterator[tuple[Segment, Sequence[TextRow]]]:
        """The segments of a window: itself, or its languages, those with the most texts first."""
        if content.segment.by != LANGUAGE:
            yield content.segment, rows
            return
        known = self._with_languages(rows)
        counts = Counter(row.language for row in known if not row.kept_for)
        for language, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: self._settings.max_segments]:
            yield replace(content.segment, value=language), [row for row in known if row.language == language]

    def _segment(
        self, content: WindowContent, segment: Segment, rows: Sequence[TextRow], load: Load
    ) -> Iterator[tuple[Draft, list[OutlierScore]]]:
        kept = [row for row in rows if row.kept_for]
        sample = [row for row in rows if not row.kept_for]
        calls = [row for row in sample if row.kind == "llm"]
        retrievals = [row for row in sample if row.kind == "retrieval"]
        sides = Sides(current=self._side(calls, retrievals), kept=self._side(kept, []), load=load)
        references: dict[bool, Reference | None] = {}
        has_calls = bool(calls) and segment.by in self._settings.segments
        has_retrievals = bool(retrievals) and segment.by != LANGUAGE
        for check in checks_of(self._settings, has_calls=has_calls, has_retrievals=has_retrievals):
            is_numbers = check.analyzer == NUMBERS
            if is_numbers not in references:
                with self._phases.phase("read"):
                    references[is_numbers] = self._book.find(segment, content, sample, is_numbers=is_numbers)
            reference = references[is_numbers]
            if reference is None:
                return  # a reference is not tested against itself
            tested = self._check(check, content, segment, sides, reference)
            if tested is not None:
                yield tested

    def _check(
        self, check: Check, content: WindowContent, segment: Segment, sides: Sides, reference: Reference
    ) -> tuple[Draft, list[OutlierScore]] | None:
        """One test; None where the window has nothing of the kind at all."""
        with self._phases.phase("test"):
            fitted = self._fitted.get(reference)
            after, before = samples(check, sides.current, fitted.side)
        if not after.texts:
            return None
        finding = self._finding(
            check, content, segment, reference, n_current=len(after.texts), n_reference=len(before.texts)
        )
        finding = replace(
            finding, n_effective=after.n_blocks, explanation={**finding.explanation, **sides.load.described}
        )
        try:
            if reference.problem:
                return _insufficient(finding, reference.problem), []
            require(after, before, settings=self._settings)
            with self._phases.phase("embed"):
                self._prepare(check, sides, fitted)
            settings = self._settings.model_copy(update={"max_permutations": fitted.max_permutations})
            with self._phases.phase("test"):
                comparison = compare(check, sides.current, fitted, kept=sides.kept, settings=settings)
        except TooFewSamples as error:
            return _insufficient(finding, str(error)), []
        with self._phases.phase("calibrate"):
            calibration = self._checks.calibration(fitted, check, segment)
        with self._phases.phase("explain"):
            explanation, effect = self._explainer.explain(comparison, sides.current, fitted, content, segment)
        result = comparison.result
        described = {**finding.explanation, **comparison.described, **explanation}
        if calibration is not None:
            described["calibration"] = calibration
        tested = replace(
            finding,
            status="ok",
            statistic=result.statistic,
            p_value=result.p_value,
            effect_size=result.effect_size,
            n_effective=result.n_effective,
            n_tested=result.n_tested,
            explanation=described,
            **effect,
        )
        keeps_scores = check.analyzer == OUTLIERS and segment.by == self._settings.segments[0]
        scores = outlier_scores(comparison, self._project, segment, reference) if keeps_scores else []
        return Draft(finding=tested, is_far_tail=result.is_far_tail), scores

    def _prepare(self, check: Check, sides: Sides, fitted: FittedReference) -> None:
        """Embed what the test compares, so that its time counts as such."""
        if check.analyzer in ("semantic_drift", "conditional_drift", "outliers", "retrieval_drift"):
            sides.current.texts(check.field)
            fitted.side.texts(check.field)
        if check.analyzer == OUTLIERS and sides.kept.sample(check.field).texts:
            sides.kept.texts(check.field)

    def _finding(
        self,
        check: Check,
        content: WindowContent,
        segment: Segment,
        reference: Reference,
        *,
        n_current: int,
        n_reference: int,
    ) -> Finding:
        described: dict[str, Any] = {
            "seen": {
                "n_rows": content.n_rows,
                "n_retrievals": content.n_retrievals,
                "last_stored_ms": content.last_stored_ms,
            },
            "reference": reference.detail,
            "n_in_window": content.n_rows or content.n_retrievals,
        }
        if content.left_out:
            described["segments_left_out"] = content.left_out
        return Finding(
            project=self._project,
            analyzer=check.analyzer,
            service=segment.service,
            segment_by=segment.by,
            segment=segment.value,
            field=check.field,
            prompt_version=content.prompt_version,
            start_ms=content.start_ms,
            end_ms=content.end_ms,
            window_texts=self._settings.window_texts,
            reference=reference.name,
            reference_version=reference.version,
            status="insufficient",
            statistic=0.0,
            p_value=None,
            p_value_corrected=None,
            alpha=self._settings.alpha,
            effect_size=0.0,
            is_confirmed=False,
            is_small=False,
            moved_share=None,
            moved_share_low=None,
            moved_share_high=None,
            n_reference=n_reference,
            n_current=n_current,
            n_effective=0,
            n_tested=0,
            explanation=described,
        )

    def _side(
        self, rows: Sequence[TextRow], retrievals: Sequence[TextRow], *, max_documents: int | None = None
    ) -> Side:
        return Side(
            rows,
            retrievals,
            embed=self._embed,
            block_texts=self._settings.block_texts,
            max_documents=self._settings.max_window_texts if max_documents is None else max_documents,
        )

    def _reference_side(self, reference: Reference) -> Side:
        return self._side(reference.rows, reference.retrievals, max_documents=self._settings.max_reference_texts)


def _insufficient(finding: Finding, reason: str) -> Draft:
    return Draft(finding=replace(finding, explanation={**finding.explanation, "reason": reason}))
