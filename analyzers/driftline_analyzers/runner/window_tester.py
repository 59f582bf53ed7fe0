"""One window of one project: every segment and field against its reference, corrected together."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.embed.embedder import Embeddings
from driftline_analyzers.runner.comparison import Side, compare, explain
from driftline_analyzers.runner.findings import Finding, OutlierScore
from driftline_analyzers.runner.phases import PhaseClock
from driftline_analyzers.runner.reader import Reader
from driftline_analyzers.runner.records import Reference, TextRow, WindowContent, to_ms
from driftline_analyzers.runner.references import ReferenceSet, matching_reference
from driftline_analyzers.runner.samples import field_sample, sample_sessions
from driftline_analyzers.runner.window_texts import WindowTexts
from driftline_analyzers.runner.windows import WindowModel, trailing_windows
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import TooFewSamples

Embed = Callable[[Sequence[str]], Embeddings]
_EVIDENCE_NEIGHBOURS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOutcome:
    """What is to be written for a window."""

    findings: Sequence[Finding]
    scores: Sequence[OutlierScore]


class WindowTester:
    """Tests windows of one project one after the other, in order of time. Named references are read once and kept."""

    def __init__(
        self,
        *,
        project: str,
        settings: AnalyzerSettings,
        reader: Reader,
        embed: Embed,
        model_id: str,
        references: list[ReferenceSet],
        phases: PhaseClock,
    ) -> None:
        self._project = project
        self._settings = settings
        self._reader = reader
        self._embed = embed
        self._model_id = model_id
        self._references = references
        self._phases = phases
        self._window_ms = int(settings.window.total_seconds() * 1000)
        self._named: dict[str, Reference] = {}
        self._texts = WindowTexts(reader, project=project)

    def read_ahead(self, contents: Sequence[WindowContent]) -> None:
        """Read the texts of windows that are tested next, in one query a service. Raises StoreError."""
        by_service: dict[str, list[WindowModel]] = defaultdict(list)
        for content in contents:
            by_service[content.service].append((content.start_ms, content.model))
        with self._phases.phase("read"):
            for service, windows in by_service.items():
                self._texts.read(service, windows)

    def run(
        self,
        start_ms: int,
        contents: Sequence[WindowContent],
        *,
        history: Sequence[WindowContent],
        drifted: Mapping[WindowModel, Mapping[str, bool]],
    ) -> WindowOutcome:
        """Test the window at start_ms. contents: what it holds; history: what this and other windows of the project hold;
        drifted: by (start, model), whether any field of a service drifted there. Raises StoreError and the embedder's errors.
        """
        findings: list[Finding] = []
        scores: list[OutlierScore] = []
        for content in contents:
            named = matching_reference(self._references, service=content.service, model=content.model)
            if named is not None and named.overlaps(start_ms=start_ms, end_ms=start_ms + self._window_ms):
                continue  # a reference is not tested against itself
            reference = self._reference(content, named, history=history, drifted=drifted)
            with self._phases.phase("read"):
                rows = self._texts.read(content.service, [(start_ms, content.model)])
            for field in self._settings.fields:
                finding, of_field = self._segment(content, field, rows, reference)
                findings.append(finding)
                scores.extend(of_field)
        return WindowOutcome(findings=correct(findings, alpha=self._settings.alpha), scores=scores)

    def _reference(
        self,
        content: WindowContent,
        named: ReferenceSet | None,
        *,
        history: Sequence[WindowContent],
        drifted: Mapping[WindowModel, Mapping[str, bool]],
    ) -> Reference:
        if named is not None:
            if named.name not in self._named:
                self._named[named.name] = self._named_reference(named)
            return self._named[named.name]
        service_history = [other for other in history if other.service == content.service]
        trailing = trailing_windows(
            service_history,
            start_ms=content.start_ms,
            model=content.model,
            drifted={key: services.get(content.service, False) for key, services in drifted.items()},
            n_windows=self._settings.reference_windows,
            horizon_ms=int(self._settings.reference_horizon.total_seconds() * 1000),
            min_texts=self._settings.min_samples,
        )
        if not trailing.windows:
            return Reference(name="trailing", detail=trailing.detail, rows=())
        with self._phases.phase("read"):
            rows = self._texts.read(content.service, trailing.windows)
        rows = sample_sessions(rows, max_texts=self._settings.max_reference_texts)
        return Reference(name="trailing", detail=trailing.detail, rows=rows)

    def _named_reference(self, named: ReferenceSet) -> Reference:
        with self._phases.phase("read"):
            rows = self._reader.texts_of_range(
                project=self._project,
                service=named.service,
                model=named.model,
                from_ms=to_ms(named.from_time),
                to_ms=to_ms(named.to_time),
                max_texts=self._settings.max_reference_texts,
            )
        detail = f"{named.service} {named.model or 'any model'}, {named.from_time.isoformat()} to {named.to_time.isoformat()}"
        return Reference(name=named.name, detail=detail, rows=rows)

    def _segment(
        self, content: WindowContent, field: str, rows: Sequence[TextRow], reference: Reference
    ) -> tuple[Finding, list[OutlierScore]]:
        block_texts = self._settings.block_texts
        current_sample = field_sample(rows, field=field, block_texts=block_texts)
        reference_sample = field_sample(reference.rows, field=field, block_texts=block_texts)
        described: dict[str, Any] = {
            "seen": {"n_rows": content.n_rows, "last_stored_ms": content.last_stored_ms},
            "reference": reference.detail,
            "embedding_model": self._model_id,
            "n_sampled": len(rows),
            "n_in_window": content.n_rows,
        }
        finding = Finding(
            project=self._project,
            service=content.service,
            model=content.model,
            field=field,
            prompt_version=content.prompt_version,
            start_ms=content.start_ms,
            end_ms=content.start_ms + self._window_ms,
            reference=reference.name,
            status="insufficient",
            statistic=0.0,
            p_value=None,
            p_value_corrected=None,
            alpha=self._settings.alpha,
            effect_size=0.0,
            n_reference=len(reference_sample.texts),
            n_current=len(current_sample.texts),
            n_effective=current_sample.n_blocks,
            explanation=described,
        )
        needed = self._settings.min_samples
        for side, sample in (("current", current_sample), ("the reference", reference_sample)):
            if len(sample.texts) < needed:
                reason = f"need at least {needed} texts in {side}, got {len(sample.texts)}"
                return replace(finding, explanation=described | {"reason": reason}), []
        with self._phases.phase("embed"):
            vectors = self._embed([*reference_sample.texts, *current_sample.texts])
        n_reference = len(reference_sample.texts)
        before = Side(sample=reference_sample, vectors=vectors[:n_reference])
        after = Side(sample=current_sample, vectors=vectors[n_reference:])
        with self._phases.phase("test"):
            try:
                comparison = compare(after, before, field=field, settings=self._settings)
            except TooFewSamples as error:
                return replace(finding, explanation=described | {"reason": str(error)}), []
            explanation = explain(comparison, after, before, field=field, settings=self._settings)
        result = comparison.result
        scores = [
            OutlierScore(
                project=self._project,
                service=content.service,
                model=content.model,
                prompt_version=row.prompt_version,
                field=field,
                start_ns=row.start_ns,
                trace_id=row.trace_id,
                span_id=row.span_id,
                value=float(comparison.outliers.scores[i]),
                p_value=float(comparison.outliers.p_values[i]),
                is_flagged=bool(comparison.outliers.is_flagged[i]),
                evidence={
                    "reference": reference.name,
                    "nearest": [
                        {
                            "trace_id": reference_sample.rows[neighbour].trace_id,
                            "span_id": reference_sample.rows[neighbour].span_id,
                            "distance": round(float(distance), 4),
                        }
                        for neighbour, distance in zip(
                            comparison.outliers.neighbours[i, :_EVIDENCE_NEIGHBOURS],
                            comparison.outliers.distances[i, :_EVIDENCE_NEIGHBOURS],
                            strict=True,
                        )
                    ],
                },
            )
            for i, row in enumerate(current_sample.rows)
        ]
        tested = replace(
            finding,
            status="ok",
            statistic=result.statistic,
            p_value=result.p_value,
            effect_size=result.effect_size,
            n_effective=result.n_effective,
            explanation=described | explanation,
        )
        return tested, scores


def correct(findings: Sequence[Finding], *, alpha: float) -> list[Finding]:
    """Correct the p-values of one window's findings together (Benjamini-Hochberg) and decide: drift is a corrected p <= alpha."""
    tested = [finding for finding in findings if finding.p_value is not None]
    adjusted = benjamini_hochberg([finding.p_value for finding in tested if finding.p_value is not None])
    decided = {
        id(finding): replace(finding, p_value_corrected=float(p), status="drift" if p <= alpha else "ok")
        for finding, p in zip(tested, adjusted, strict=True)
    }
    return [decided.get(id(finding), finding) for finding in findings]
